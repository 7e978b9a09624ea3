"""Unsigned Lean blocks on any branch, for tests of what keeps and imports them: validators without keys, votes that finalize."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from proofplane.lean.blocks import accept_block, node_of, store_from_anchor
from proofplane.lean.clock import proposer_of
from proofplane.lean.codec import make_block, state_root
from proofplane.lean.genesis import genesis_block, genesis_state
from proofplane.lean.ssz import State
from proofplane.lean.store import Store
from proofplane.lean.transition import checkpoints, process_attestations, process_header, process_slots
from proofplane.lean.types import (
    ZERO_ROOT,
    AggregatedAttestation,
    AttestationData,
    Block,
    Checkpoint,
    Participants,
    Root,
    SignedBlock,
    Slot,
    Validator,
)


class Branches:
    """Every block that was made, with the state after it; blocks without a proof, so they are to be imported as trusted ones."""

    def __init__(self, validators: int = 4, genesis_time: int = 1_700_000_000) -> None:
        """`validators` entries with made-up keys."""
        registry = [Validator(bytes([1, n % 256]) + bytes(50), bytes([2, n % 256]) + bytes(50)) for n in range(validators)]
        self.validators = validators
        self.anchor_state = genesis_state(genesis_time, registry)
        self.anchor = genesis_block(self.anchor_state)
        self.blocks: dict[Root, Block] = {self.anchor.root: self.anchor}
        self.states: dict[Root, State] = {self.anchor.root: self.anchor_state}

    def store(self) -> Store:
        """The store that begins with the anchor."""
        return store_from_anchor(self.anchor_state, self.anchor)

    def child(self, parent: Root, slot: int, *, voters: int | None = None, more: Sequence[AggregatedAttestation] = ()) -> SignedBlock:
        """A block on `parent`.

        Args:
            parent: A block that was made here.
            slot: Its slot, after the parent's.
            voters: How many validators vote for the parent in it; None = all, 0 = there is no such vote.
            more: Votes behind that one.
        """
        count = self.validators if voters is None else voters
        own = [AggregatedAttestation(Participants((1 << count) - 1, self.validators), self.vote(parent))] if count else []
        votes = (*own, *more)
        state = process_slots(self.states[parent], Slot(slot))
        proposer = proposer_of(Slot(slot), self.validators)
        state = process_attestations(process_header(state, make_block(Slot(slot), proposer, parent, ZERO_ROOT, votes)), votes)
        block = make_block(Slot(slot), proposer, parent, state_root(state), votes)
        self.blocks[block.root] = block
        self.states[block.root] = state
        return SignedBlock(block, b"proof of " + block.root[:4])

    def line(self, parent: Root, first_slot: int, count: int, *, voters: int | None = None) -> list[SignedBlock]:
        """`count` blocks, one a slot, each on the one before."""
        made: list[SignedBlock] = []
        for slot in range(first_slot, first_slot + count):
            made.append(self.child(made[-1].block.root if made else parent, slot, voters=voters))
        return made

    def vote(self, head: Root, slot: int | None = None) -> AttestationData:
        """A vote for `head` that its children accept."""
        block = self.blocks[head]
        here = Checkpoint(head, block.slot)
        justified, _ = checkpoints(self.states[head])
        source = justified if justified.root != ZERO_ROOT else Checkpoint(self.anchor.root, self.anchor.slot)
        return AttestationData(block.slot if slot is None else Slot(slot), here, here, source)

    def accept(self, store: Store, signed: SignedBlock) -> Store:
        """The store after importing a block that was made here, once its slot has come."""
        ready = replace(store, time=max(store.time, 5 * signed.block.slot))
        return accept_block(ready, signed.block, node_of(signed.block, self.states[signed.block.root]))
