"""Delivers the blocks of a directory to an importer, in order, and holds what came of each against what was recorded.

Rules
1. Before a block the clock is set to its slot's first interval, as if it came in time (reference section 15.3). A slot further away than
   any state could reach is left to the guards: nobody waits for it.
2. What was imported before, by an earlier run, is passed over, together with everything up to it: what was recorded there is not the store
   that there is now. What follows is compared.
3. A refused block is an outcome like any other. Only what says nothing about the block ends the delivery.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import Enum

from proofplane.chain.directory import ChainStep, Recorded
from proofplane.chain.importer import Importer
from proofplane.chain.ports import ChainStorage
from proofplane.chain.types import Outcome
from proofplane.lean.clock import first_interval
from proofplane.lean.codec import decode_signed_block, state_root
from proofplane.lean.config import INTERVALS_PER_SLOT, MAX_SLOT_GAP
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.store import Store
from proofplane.lean.types import Root, Slot


class Comparison(Enum):
    """How an outcome stands to the record."""

    AS_RECORDED = "as recorded"
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


async def deliver(importer: Importer, storage: ChainStorage, steps: Sequence[ChainStep]) -> AsyncIterator[Delivered]:
    """Imports one block after the other.

    Raises:
        BadChainDirectory: A file cannot be read.
        ProofplaneError: As `Importer.import_block`, but for `Rejected`.
    """
    for step in steps:
        raw = step.read()
        root, slot = _about(raw)
        await _tick(importer, step.slot if step.slot is not None else slot)
        outcome = refusal = None
        try:
            outcome = (await importer.import_block(raw)).outcome
        except Rejected as rejected:
            refusal = rejected
        comparison, difference = Comparison.NOT_RECORDED, ""
        if step.recorded is not None:
            difference = _difference(step.recorded, root, refusal, importer.store, storage)
            comparison = Comparison.NOT_AS_RECORDED if difference else Comparison.AS_RECORDED
        yield Delivered(step, root, slot, outcome, refusal, comparison, difference)


def first_new(steps: Sequence[ChainStep], store: Store) -> int:
    """How many steps to pass over: all up to the last one that brings a block which the store has (rule 2)."""
    if len(store.blocks) == 1:
        return 0  # the anchor alone: nothing needs to be read
    for position in range(len(steps) - 1, -1, -1):
        root, _ = _about(steps[position].read())
        if root in store.blocks:
            return position + 1
    return 0


def _about(raw: bytes) -> tuple[Root | None, Slot | None]:
    try:
        block = decode_signed_block(raw).block
    except Rejected:
        return None, None
    return block.root, block.slot


async def _tick(importer: Importer, slot: Slot | None) -> None:
    now = importer.store.time // INTERVALS_PER_SLOT
    if slot is not None and slot - now <= MAX_SLOT_GAP:
        await importer.tick(first_interval(slot), has_proposal=True, is_aggregator=False)


def _difference(recorded: Recorded, root: Root | None, refusal: Rejected | None, store: Store, storage: ChainStorage) -> str:
    """What is not as recorded, for people; empty if all is."""
    found = {
        "block": None if root is None else _hex(root),
        "rejection": None if refusal is None else refusal.reason.name,
        "head": _hex(store.head),
        "head slot": store.blocks[store.head].slot,
        "justified": store.latest_justified.slot,
        "finalized": store.latest_finalized.slot,
    }
    wanted = (recorded.blockRoot, recorded.rejection, recorded.head, recorded.headSlot, recorded.justified, recorded.finalized)
    if root is None and refusal is not None and refusal.reason is Reason.DECODE_ERROR:
        found["block"] = recorded.blockRoot  # bytes that do not decode have no root to compare
    different = [f"{name} {found[name]}, not {value}" for name, value in zip(found, wanted, strict=True) if found[name] != value]
    if recorded.postStateRoot is not None and refusal is None and root is not None:
        state = storage.state(root)
        after = None if state is None else _hex(state_root(state))
        if after != recorded.postStateRoot:
            different.append(f"post state {after}, not {recorded.postStateRoot}")
    return "; ".join(different)


def _hex(root: Root) -> str:
    return f"0x{root.hex()}"
