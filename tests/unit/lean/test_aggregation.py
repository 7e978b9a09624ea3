"""The aggregation round: which proofs and votes are merged, what replaces the pending pool, what stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from kit.fork_choice import LabelBackend, Tree, label_of, proof_of
from proofplane.lean.aggregation import aggregate
from proofplane.lean.codec import attestation_data_root
from proofplane.lean.proof import CannotBuildProof, Component
from proofplane.lean.types import AggregateProof, AttestationData, Participants, ValidatorIndex


class NotingBackend(LabelBackend):
    """Remembers what it was asked to merge."""

    def __init__(self) -> None:
        self.merged: list[tuple[Component, list[bytes], list[tuple[bytes, bytes]]]] = []

    def merge(self, component: Component, children: Sequence[bytes], votes: Sequence[tuple[bytes, bytes]]) -> bytes:
        self.merged.append((component, list(children), list(votes)))
        return super().merge(component, children, votes)


class FullBackend(LabelBackend):
    """Can build nothing."""

    def merge(self, component: Component, children: Sequence[bytes], votes: Sequence[tuple[bytes, bytes]]) -> bytes:
        raise CannotBuildProof("too large")


@pytest.fixture
def tree() -> Tree:
    """a - b - c, nobody has voted."""
    tree = Tree(validators=12)
    tree.chain("bc")
    return tree


def sign(tree: Tree, data: AttestationData, votes: dict[int, bytes]) -> None:
    """Puts raw votes into the pool."""
    pool = {**tree.store.attestation_signatures, data: frozenset((ValidatorIndex(index), signature) for index, signature in votes.items())}
    tree.store = replace(tree.store, attestation_signatures=pool)


def test_raw_votes_become_one_proof_of_all_of_them_by_ascending_index(tree: Tree) -> None:
    data, backend = tree.data("b"), NotingBackend()
    sign(tree, data, {5: b"s5", 1: b"s1"})
    store = aggregate(tree.store, backend, tree.registry)
    keys = [tree.registry.validators[index].attestation_key for index in (1, 5)]
    assert backend.merged == [
        (Component(tuple(keys), attestation_data_root(data), data.slot), [], list(zip(keys, [b"s1", b"s5"], strict=True)))
    ]
    assert store.new_payloads == {data: {AggregateProof(Participants.of({1, 5}), b"s1 s5")}}
    assert store.attestation_signatures == {}


def test_pending_proofs_come_before_known_ones_and_votes_fill_what_is_left(tree: Tree) -> None:
    data, backend = tree.data("b"), NotingBackend()
    tree.vote(data, [0, 1], known=False)
    tree.vote(data, [0, 1, 2, 3])
    sign(tree, data, {3: b"s3", 4: b"s4"})
    store = aggregate(tree.store, backend, tree.registry)
    ((_, children, votes),) = backend.merged
    assert children == [proof_of([0, 1]).proof, proof_of([0, 1, 2, 3]).proof]
    assert votes == [(tree.registry.validators[4].attestation_key, b"s4")]
    assert [proof.participants for proof in store.new_payloads[data]] == [Participants.of({0, 1, 2, 3, 4})]
    assert store.known_payloads == tree.store.known_payloads


def test_the_proof_that_adds_most_is_taken_first_and_one_that_adds_nobody_never(tree: Tree) -> None:
    data, backend = tree.data("b"), NotingBackend()
    for indices in ([0, 1, 2], [2, 3, 4, 5], [0, 6], [3, 4, 5, 6], [1, 2]):
        tree.vote(data, indices, known=False)
    aggregate(tree.store, backend, tree.registry)
    assert backend.merged[0][1] == [proof_of(indices).proof for indices in ([3, 4, 5, 6], [0, 1, 2])]


def test_of_proofs_that_add_as_many_the_larger_encoding_is_taken(tree: Tree) -> None:
    data, backend = tree.data("b"), NotingBackend()
    longer = AggregateProof(Participants(0b011, 9), b"a")
    same = [AggregateProof(Participants.of({0, 1}), proof) for proof in (b"a", b"zz", b"b")]
    other = AggregateProof(Participants.of({5, 6}), b"n")
    tree.store = replace(tree.store, new_payloads={data: frozenset({*same, longer, other})})
    aggregate(tree.store, backend, tree.registry)
    assert backend.merged[0][1] == [b"a", b"n"], "nine bits need a byte more than two, so their proof's offset is larger"
    tree.store = replace(tree.store, new_payloads={data: frozenset({*same, other})})
    aggregate(tree.store, backend, tree.registry)
    assert backend.merged[1][1] == [b"n", b"zz"]


def test_a_lone_pending_proof_is_dropped_and_covered_votes_stay(tree: Tree) -> None:
    data = tree.data("b")
    tree.vote(data, [0, 1], known=False)
    sign(tree, data, {1: b"s1"})
    store = aggregate(tree.store, NotingBackend(), tree.registry)
    assert (store.new_payloads, store.attestation_signatures) == ({}, tree.store.attestation_signatures)


def test_data_keep_their_order_pending_ones_before_those_with_votes_only(tree: Tree) -> None:
    first, second, third = tree.data("c"), tree.data("b"), tree.data("c", slot=3)
    sign(tree, first, {0: b"s0"})
    sign(tree, third, {0: b"s0"})
    for data in (third, second):
        tree.vote(data, [1], known=False)
        tree.vote(data, [2], known=False)
    assert list(aggregate(tree.store, LabelBackend(), tree.registry).new_payloads) == [third, second, first]


def test_two_signatures_of_one_validator_count_once(tree: Tree) -> None:
    data = tree.data("b")
    both = frozenset({(ValidatorIndex(1), b"s1"), (ValidatorIndex(1), b"r1")})
    tree.store = replace(tree.store, attestation_signatures={data: both})
    store = aggregate(tree.store, LabelBackend(), tree.registry)
    assert store.new_payloads == {data: {AggregateProof(Participants.of({1}), label_of([b"r1"]))}}


def test_nothing_is_lost_if_the_backend_cannot_build_a_proof(tree: Tree) -> None:
    data = tree.data("b")
    tree.vote(data, [0, 1], known=False)
    sign(tree, data, {2: b"s2"})
    sign(tree, tree.data("c"), {2: b"s2"})
    assert aggregate(tree.store, FullBackend(), tree.registry) == tree.store
