"""Chains of unsigned blocks in the steady state: every block carries one attestation, of its parent's slot for its parent."""

from __future__ import annotations

from collections.abc import Sequence

from proofplane.lean.clock import proposer_of
from proofplane.lean.codec import make_block, state_root
from proofplane.lean.genesis import genesis_block, genesis_state
from proofplane.lean.ssz import State
from proofplane.lean.transition import checkpoints, process_attestations, process_header, process_slots
from proofplane.lean.types import ZERO_ROOT, AggregatedAttestation, AttestationData, Block, Checkpoint, Participants, Root, Slot, Validator

SLOTS = 16
"""Blocks of a chain: enough for justification and finality to run evenly."""


def made_up_registry(count: int) -> list[Validator]:
    """Validators whose keys nobody has."""
    return [Validator((2 * index + 1).to_bytes(52, "little"), (2 * index + 2).to_bytes(52, "little")) for index in range(count)]


def steady_state(registry: Sequence[Validator], voters: int) -> tuple[State, Block]:
    """The last block of a chain, and its parent's state, whose root is remembered as that of every stored state is.

    The first `voters` validators vote in every slot.
    """
    state = genesis_state(0, registry)
    block, parent_state = genesis_block(state), state
    participants = Participants((1 << voters) - 1, len(registry))
    for number in range(1, SLOTS + 1):
        slot, parent_state = Slot(number), state
        votes = (AggregatedAttestation(participants, _data(state, block)),)
        proposer = proposer_of(slot, len(registry))
        sketch = make_block(slot, proposer, block.root, ZERO_ROOT, votes)
        state = process_attestations(process_header(process_slots(state, slot), sketch), votes)
        block = make_block(slot, proposer, block.root, Root(state_root(state)), votes)
    return parent_state, block


def _data(state: State, block: Block) -> AttestationData:
    justified, _ = checkpoints(state)
    head = Checkpoint(block.root, block.slot)
    # The state after the anchor does not know the anchor's root yet.
    source = Checkpoint(block.root, Slot(0)) if justified.root == ZERO_ROOT else justified
    return AttestationData(block.slot, head, head, source)
