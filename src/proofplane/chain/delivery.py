"""Delivers the blocks of a directory to an importer, in order, and holds what came of each against what was recorded.

Rules
1. Before a recorded block the clock is set to its slot's first interval, as if it came in time (reference section 15.3). A slot further
   away than any state could reach is left to the guards: nobody waits for it.
2. For any other block the clock is set to the machine's: nobody vouches for the slot that such a file names, and a clock that believed it
   would stay wrong for good.
3. Every block is offered, whatever an earlier run has imported: a known one costs a decoding and a guard.
4. The store is held against the record only where both have the same blocks. Where an earlier run, or somebody else, has put in others
   the store is ahead of the record, and only the verdict is compared, unless such blocks may decide it.
5. A refused block is an outcome like any other. Only what says nothing about the block ends the delivery.
6. The next block comes when the children of the last one that had waited for it are imported, so the outcomes do not depend on timing.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from proofplane.chain.directory import ChainStep, Recorded
from proofplane.chain.importer import Importer
from proofplane.chain.ports import ChainStorage
from proofplane.chain.types import Outcome
from proofplane.lean.clock import first_interval, total_intervals
from proofplane.lean.codec import decode_signed_block, state_root
from proofplane.lean.config import INTERVALS_PER_SLOT, MAX_SLOT_GAP
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.store import Store
from proofplane.lean.types import Root, Slot

_PASSING = frozenset({Reason.UNKNOWN_PARENT_BLOCK.name, Reason.BLOCK_SLOT_IN_FUTURE.name})
"""Reasons that end by themselves: a store that is ahead may not have them any more."""

_ACCEPTED = "accepted"
"""What is said of a block without a reason to refuse it."""


class Comparison(Enum):
    """How an outcome stands to the record."""

    AS_RECORDED = "as recorded"
    VERDICT_AS_RECORDED = "verdict as recorded"
    """The store has blocks that the record does not have yet: it was not compared."""
    NOT_AS_RECORDED = "NOT as recorded"
    NOT_RECORDED = "not recorded"


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came of a block."""

    step: ChainStep
    root: Root | None
    """None if it cannot be read."""
    slot: Slot | None
    outcome: Outcome | None
    """None if it was refused."""
    refusal: Rejected | None
    comparison: Comparison
    difference: str = ""
    """What is not as recorded."""


def unix_ms() -> int:
    """Unix milliseconds, by the machine's clock."""
    return time.time_ns() // 1_000_000


async def deliver(
    importer: Importer, storage: ChainStorage, steps: Sequence[ChainStep], now_ms: Callable[[], int] = unix_ms
) -> AsyncIterator[Delivered]:
    """Imports one block after the other.

    Args:
        importer: Takes the blocks.
        storage: The importer's.
        steps: What to deliver.
        now_ms: Gives Unix milliseconds.

    Raises:
        BadChainDirectory: A file cannot be read.
        ProofplaneError: As `Importer.import_block`, but for `Rejected`.
    """
    blocks = importer.store.blocks
    ahead = {root for root, node in blocks.items() if node.parent_root in blocks}  # all but the anchor
    for step in steps:
        raw = step.read()
        await _tick(importer, step, now_ms)
        outcome = refusal = None
        try:
            result = await importer.import_block(raw)
        except Rejected as rejected:
            refusal = rejected
            root, slot = _about(raw)
        else:
            outcome, root = result.outcome, result.root
            slot = importer.store.blocks[root].slot
            ahead.discard(root)
        await importer.settled()
        comparison, difference = Comparison.NOT_RECORDED, ""
        if step.recorded is not None:
            reason = None if refusal is None else refusal.reason
            wrong = [] if ahead and _others_decided(step.recorded, outcome, reason) else _wrong_verdict(step.recorded, root, reason)
            wrong += _wrong_state(step.recorded, root, outcome, storage)
            wrong += [] if ahead else _wrong_store(step.recorded, importer.store)
            difference = "; ".join(wrong)
            if wrong:
                comparison = Comparison.NOT_AS_RECORDED
            else:
                comparison = Comparison.VERDICT_AS_RECORDED if ahead else Comparison.AS_RECORDED
        yield Delivered(step, root, slot, outcome, refusal, comparison, difference)


def _about(raw: bytes) -> tuple[Root | None, Slot | None]:
    try:
        block = decode_signed_block(raw).block
    except Rejected:
        return None, None
    return block.root, block.slot


async def _tick(importer: Importer, step: ChainStep, now_ms: Callable[[], int]) -> None:
    store = importer.store
    if step.slot is None:
        target = total_intervals(store.genesis_time, now_ms())
    elif step.slot - store.time // INTERVALS_PER_SLOT <= MAX_SLOT_GAP:
        target = first_interval(step.slot)
    else:
        return
    await importer.tick(target, has_proposal=True, is_aggregator=False)


def _others_decided(recorded: Recorded, outcome: Outcome | None, reason: Reason | None) -> bool:
    """Whether blocks that the record does not have yet may have decided the verdict: the parent, or the block with another proof."""
    if recorded.rejection in _PASSING or (reason is not None and reason.name in _PASSING):
        return True
    return recorded.rejection is not None and outcome is Outcome.ALREADY_KNOWN


def _wrong_verdict(recorded: Recorded, root: Root | None, reason: Reason | None) -> list[str]:
    wrong = _unequal("verdict", _ACCEPTED if reason is None else reason.name, recorded.rejection or _ACCEPTED)
    if root is None and reason is Reason.DECODE_ERROR:
        return wrong  # bytes that do not decode have no root to compare
    return _unequal("block", None if root is None else _hex(root), recorded.blockRoot) + wrong


def _wrong_state(recorded: Recorded, root: Root | None, outcome: Outcome | None, storage: ChainStorage) -> list[str]:
    """A state that would have to be made again is not looked at: that of a block imported just then never is."""
    state = None if root is None or outcome is None else storage.state_at_hand(root)
    if recorded.postStateRoot is None or state is None:
        return []
    return _unequal("post state", _hex(state_root(state)), recorded.postStateRoot)


def _wrong_store(recorded: Recorded, store: Store) -> list[str]:
    return [
        *_unequal("head", _hex(store.head), recorded.head),
        *_unequal("head slot", store.blocks[store.head].slot, recorded.headSlot),
        *_unequal("justified", store.latest_justified.slot, recorded.justified),
        *_unequal("finalized", store.latest_finalized.slot, recorded.finalized),
    ]


def _unequal(name: str, found: object, recorded: object) -> list[str]:
    """What to say about a field that is not as recorded; nothing if it is."""
    return [] if found == recorded else [f"{name} {found}, expected: {recorded}"]


def _hex(root: Root) -> str:
    return f"0x{root.hex()}"
