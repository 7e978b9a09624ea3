"""The state transition: the state after a block from the state before it. It never looks at signatures.

    process_slots -> process_header -> process_attestations -> root check

Every function leaves its argument as it is and shares with it what does not change. What a vote does is in `lean.tally`.

Reference: leanSpec, `forks/lstar/state_transition.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from proofplane.base.errors import TryAgain
from proofplane.crypto.ssz import codec_of
from proofplane.crypto.ssz_tree import list_length
from proofplane.lean import history, ssz
from proofplane.lean.clock import proposer_of
from proofplane.lean.codec import checkpoint_of, state_root
from proofplane.lean.config import HISTORICAL_ROOTS_LIMIT
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.ssz import State
from proofplane.lean.state_fields import StateFields, field_value
from proofplane.lean.tally import tally_attestations
from proofplane.lean.types import ZERO_ROOT, AggregatedAttestation, Block, Checkpoint, Root, Slot

_HEADER = codec_of(ssz.BlockHeader)


class TransitionStopped(TryAgain):
    """Whoever asked for the transition does not want it any more; says nothing about the block."""


def never() -> bool:
    """Nobody stops this transition."""
    return False


def transition(state: State, block: Block, stop: Callable[[], bool] = never) -> State:
    """The state after `block`.

    Args:
        state: The post-state of the block's parent.
        block: The block.
        stop: Asked between the stages; True ends the transition.

    Raises:
        Rejected: See the stages; `STATE_ROOT_MISMATCH`.
        TransitionStopped: `stop` said so.
    """
    fields = StateFields(state)
    _advance(fields, state, block.slot)
    _go_on(stop)
    _apply_header(fields, block)
    _go_on(stop)
    tally_attestations(fields, block.attestations)
    _go_on(stop)
    post = fields.state()
    root = state_root(post)
    if root != block.state_root:
        raise Rejected(Reason.STATE_ROOT_MISMATCH, f"the state after the block has the root {root.hex()}, not {block.state_root.hex()}")
    return post


def process_slots(state: State, target: Slot) -> State:
    """The state advanced to slot `target`. Empty slots change nothing but the slot, so it takes one step, however many there are.

    Raises:
        Rejected: `BLOCK_SLOT_NOT_IN_FUTURE`.
    """
    fields = StateFields(state)
    _advance(fields, state, target)
    return fields.state()


def process_header(state: State, block: Block) -> State:
    """The state with the block's header in it, for a state that stands at the block's slot.

    Raises:
        Rejected: `BLOCK_SLOT_MISMATCH`, `BLOCK_OLDER_THAN_LATEST_HEADER`, `EMPTY_VALIDATOR_REGISTRY`, `WRONG_PROPOSER`,
            `PARENT_ROOT_MISMATCH`, in this order; `HISTORY_FULL` if the history has no room for the roots of all slots before the block.
    """
    fields = StateFields(state)
    _apply_header(fields, block)
    return fields.state()


def process_attestations(state: State, attestations: Sequence[AggregatedAttestation]) -> State:
    """The state after these votes; see `lean.tally`.

    Raises:
        Rejected: `TOO_MANY_ATTESTATION_DATA`, `JUSTIFIED_SLOT_OUT_OF_RANGE`, `EMPTY_AGGREGATION_BITS`, `VALIDATOR_INDEX_OUT_OF_RANGE`.
    """
    fields = StateFields(state)
    tally_attestations(fields, attestations)
    return fields.state()


def checkpoints(state: State) -> tuple[Checkpoint, Checkpoint]:
    """The state's `latest_justified` and `latest_finalized`."""
    return checkpoint_of(field_value(state, "latest_justified")), checkpoint_of(field_value(state, "latest_finalized"))


def _go_on(stop: Callable[[], bool]) -> None:
    if stop():
        raise TransitionStopped("the transition was stopped")


def _advance(fields: StateFields, state: State, target: Slot) -> None:
    slot = fields.value("slot")
    if slot >= target:
        raise Rejected(Reason.BLOCK_SLOT_NOT_IN_FUTURE, f"the block is at slot {target}, its parent's state at slot {slot}")
    at, proposer, parent_root, root_after, body_root = fields.value("latest_block_header")
    if root_after == ZERO_ROOT:
        # The header of a stored state lacks its state root, which is that of this very state; it is remembered from when it was checked.
        fields.put("latest_block_header", (at, proposer, parent_root, state_root(state), body_root))
    fields.put("slot", target)


def _apply_header(fields: StateFields, block: Block) -> None:
    header = fields.value("latest_block_header")
    latest, slot = header[0], fields.value("slot")
    parent_root = Root(_HEADER.root(header))
    if block.slot != slot:
        raise Rejected(Reason.BLOCK_SLOT_MISMATCH, f"the block is at slot {block.slot}, the state at slot {slot}")
    if block.slot <= latest:
        raise Rejected(Reason.BLOCK_OLDER_THAN_LATEST_HEADER, f"the block is at slot {block.slot}, the latest header at slot {latest}")
    proposer = proposer_of(slot, list_length(fields.node("validators")))
    if block.proposer_index != proposer:
        raise Rejected(Reason.WRONG_PROPOSER, f"validator {proposer} proposes in slot {slot}, not {block.proposer_index}")
    if block.parent_root != parent_root:
        raise Rejected(Reason.PARENT_ROOT_MISMATCH, f"the latest header has the root {parent_root.hex()}, not {block.parent_root.hex()}")

    if latest == 0:
        # Genesis is justified and finalized by definition; its root is known only now.
        fields.put("latest_justified", (parent_root, 0))
        fields.put("latest_finalized", (parent_root, 0))
    past = fields.node("historical_block_hashes")
    empty_slots = block.slot - latest - 1
    length = list_length(past) + 1 + empty_slots
    if length > HISTORICAL_ROOTS_LIMIT:
        raise Rejected(Reason.HISTORY_FULL, f"{length} slots before the block; the state holds the roots of {HISTORICAL_ROOTS_LIMIT}")
    fields.put_node("historical_block_hashes", history.extended(past, parent_root, empty_slots))
    _, finalized = fields.value("latest_finalized")
    bits, window = fields.value("justified_slots")
    fields.put_bits("justified_slots", (bits, max(window, block.slot - 1 - finalized)))
    fields.put("latest_block_header", (block.slot, block.proposer_index, block.parent_root, ZERO_ROOT, block.body_root))
