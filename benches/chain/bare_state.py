"""The bare `remerkleable` work of a transition, as reference section 17 has it: copy, two state roots, header, history and votes set.

No rule is checked and no vote counted: this is what a program cannot do without that keeps states as views.
"""

from __future__ import annotations

from proofplane.lean import ssz
from proofplane.lean.ssz import State
from proofplane.lean.types import AggregatedAttestation, Block

_ZERO = bytes(32)


def bare_transition(state: State, block: Block) -> State:
    """A state with the block's header, the longer history, and the block's one attestation as a pending tally."""
    view: State = state.copy()
    view.latest_block_header.state_root = state.hash_tree_root()
    view.slot = block.slot
    view.historical_block_hashes.append(view.latest_block_header.hash_tree_root())
    view.justified_slots.append(False)
    view.latest_block_header = ssz.BlockHeader(
        slot=block.slot,
        proposer_index=block.proposer_index,
        parent_root=block.parent_root,
        state_root=_ZERO,
        body_root=block.body_root,
    )
    (attestation,) = block.attestations
    view.justifications_roots.append(attestation.data.target.root)
    view.justifications_validators = ssz.JustificationValidators.decode_bytes(_flags(attestation, len(view.validators)))
    view.hash_tree_root()
    return view


def _flags(attestation: AggregatedAttestation, validators: int) -> bytes:
    """The voters as a bit list's bytes, which is the cheapest way to set all bits at once."""
    return (attestation.participants.mask | 1 << validators).to_bytes(validators // 8 + 1, "little")
