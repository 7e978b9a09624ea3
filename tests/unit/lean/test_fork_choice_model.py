"""Events in any order leave the store as the naive model says: blocks, votes, aggregates and ticks, on trees with forks and gaps.

An event is a kind and a seed, from which it takes all its choices: so a failing sequence shrinks to few events, and drawing one is quick.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.fork_choice import LabelBackend, anchor_node, block_of, proof_of, registry_of_size, root_of, store_of
from kit.naive_fork_choice import NaiveStore
from proofplane.lean.aggregation import aggregate
from proofplane.lean.blocks import accept_block
from proofplane.lean.errors import Rejected
from proofplane.lean.fork_choice import attestation_target, block_weights
from proofplane.lean.gossip import accept_aggregate, accept_attestation
from proofplane.lean.store import BlockNode, Store
from proofplane.lean.ticks import on_tick
from proofplane.lean.types import (
    AggregateProof,
    AttestationData,
    Checkpoint,
    Participants,
    Registry,
    Root,
    SignedAggregate,
    SignedAttestation,
    Slot,
    ValidatorIndex,
)

BACKEND = LabelBackend()


class Pair:
    """The store and its model, fed with the same events."""

    def __init__(self, anchor_slot: int, validators: int) -> None:
        root, node = root_of("anchor"), anchor_node(anchor_slot, validators)
        self.store = store_of(root, node)
        self.model = NaiveStore(root, {root: node})
        self.registry = registry_of_size(validators)
        self.roots = [root]

    def block(self, choose: Random) -> None:
        """On any known block, with any checkpoints of its branch in its state, above or below what the parent's has."""
        parent = choose.choice(self.roots[-6:] + self.roots[:2])
        slot = Slot(self.store.blocks[parent].slot + choose.randint(1, 3))
        branch = self._branch(parent)
        justified = choose.choice(branch)
        unknown = Checkpoint(root_of("before the anchor"), Slot(max(0, self.store.blocks[self.roots[0]].slot - 1)))
        finalized = choose.choice([*branch, unknown])
        root = root_of(len(self.roots))
        node = BlockNode(slot, parent, justified, finalized, len(self.registry))
        old = list(self.store.known_payloads)
        body = list(dict.fromkeys([self._vote(choose), *choose.sample(old, min(1, len(old)))]))[: choose.randint(0, 2)]
        self.roots.append(root)
        self.store = accept_block(self.store, block_of(root, node, body), node)
        self.model.on_block(root, node, body)

    def tick(self, choose: Random) -> None:
        """Some intervals or many, or back in time."""
        target = self.store.time + choose.choice([-1, *range(13), 200])
        proposal, aggregator = choose.random() < 0.5, choose.random() < 0.5
        self.store = on_tick(self.store, target, proposal, aggregator, partial(aggregate, backend=BACKEND, registry=self.registry))
        self.model.on_tick(target, proposal, aggregator)

    def vote(self, choose: Random) -> None:
        """A raw vote, now and then by a stranger."""
        data, index = self._vote(choose), ValidatorIndex(choose.randint(0, len(self.registry)))
        signature = choose.choice([b"s%d", b"t%d"]) % index
        aggregator = choose.random() < 0.8
        signed = SignedAttestation(index, data, signature)
        reason = self._apply(lambda store: accept_attestation(store, signed, self._registry_of, BACKEND, aggregator))
        assert reason == self.model.on_vote(data, index, signature, aggregator)

    def aggregate(self, choose: Random) -> None:
        """An aggregate, often of a vote that is there already, now and then of nobody or of a stranger."""
        old = [*self.store.new_payloads, *self.store.known_payloads]
        data = choose.choice(old) if old and choose.random() < 0.4 else self._vote(choose)
        indices = [index for index in range(len(self.registry)) if choose.random() < 0.4]
        proof = proof_of(indices, choose.choice(["", "x"]))
        longer = choose.choice([0, 0, 9])
        proof = replace(proof, participants=Participants(proof.participants.mask, proof.participants.length + longer))
        if choose.random() < 0.1:
            proof = AggregateProof(Participants.of({len(self.registry)}), b"")
        reason = self._apply(lambda store: accept_aggregate(store, SignedAggregate(data, proof), self._registry_of, BACKEND, 1))
        assert reason == self.model.on_aggregate(data, proof)

    def compare(self) -> None:
        """Every field, the order of the pools, and what is computed from them."""
        store, model = self.store, self.model
        assert (store.time, store.head, store.safe_target) == (model.time, model.head, model.safe_target)
        assert (store.latest_justified, store.latest_finalized) == (model.latest_justified, model.latest_finalized)
        assert list(store.attestation_signatures.items()) == list(model.signatures.items())
        assert list(store.new_payloads.items()) == list(model.new.items())
        assert list(store.known_payloads.items()) == list(model.known.items())
        assert dict(store.blocks) == model.blocks
        assert list(block_weights(store).items()) == list(model.block_weights().items())
        assert attestation_target(store) == model.attestation_target()

    def _vote(self, choose: Random) -> AttestationData:
        """Mostly what a validator could vote, sometimes with one thing wrong."""
        branch = self._branch(choose.choice(self.roots[-6:]))
        source, target, head = sorted(choose.choices(branch[:4] + branch[-1:], k=3), key=lambda checkpoint: checkpoint.slot)
        latest = max(head.slot, (self.store.time + 1) // 5)
        data = AttestationData(Slot(choose.randint(max(head.slot, latest - 2), latest)), head, target, source)
        if choose.random() < 0.8:
            return data
        other = choose.choice(self.roots)
        wrong = Checkpoint(choose.choice([root_of("unknown"), other]), Slot(self.store.blocks[other].slot + choose.randint(0, 1)))
        data = replace(data, **{choose.choice(["source", "target", "head"]): wrong})
        return replace(data, slot=Slot(max(0, data.slot + choose.randint(-2, 2))))

    def _branch(self, root: Root) -> list[Checkpoint]:
        branch = []
        while root in self.store.blocks:
            branch.append(Checkpoint(root, self.store.blocks[root].slot))
            root = self.store.blocks[root].parent_root
        return branch

    def _registry_of(self, root: Root) -> Registry:
        return self.registry

    def _apply(self, change: Callable[[Store], Store]) -> str | None:
        try:
            self.store = change(self.store)
        except Rejected as rejected:
            return rejected.reason.name
        return None


KINDS = (Pair.block, Pair.block, Pair.tick, Pair.vote, Pair.aggregate, Pair.aggregate)
Event = tuple[Callable[[Pair, Random], None], int]
EVENTS = st.tuples(st.sampled_from(KINDS), st.integers(0, 2**32))


def play(anchor_slot: int, validators: int, events: list[Event]) -> None:
    """One sequence of events, compared after each."""
    pair = Pair(anchor_slot, validators)
    for kind, seed in events:
        kind(pair, Random(seed))
        pair.compare()


@settings(deadline=None, max_examples=120)
@given(st.sampled_from([0, 0, 4]), st.integers(1, 7), st.lists(EVENTS, min_size=10, max_size=30))
def test_the_store_is_what_the_naive_model_says_after_every_event(anchor_slot: int, validators: int, events: list[Event]) -> None:
    play(anchor_slot, validators, events)


@pytest.mark.slow
@settings(deadline=None, max_examples=5000)
@given(st.sampled_from([0, 0, 4]), st.integers(1, 7), st.lists(EVENTS, min_size=30, max_size=80))
def test_the_store_is_what_the_naive_model_says_in_long_runs(anchor_slot: int, validators: int, events: list[Event]) -> None:
    play(anchor_slot, validators, events)
