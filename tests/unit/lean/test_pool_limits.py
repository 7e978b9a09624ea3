"""What the pools keep at most: per validator and slot, per data, and in bytes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from kit.fork_choice import BAD_PROOF, LabelBackend, Tree, proof_of
from proofplane.base.errors import TryAgain
from proofplane.lean import pool_limits
from proofplane.lean.gossip import accept_aggregate, accept_attestation
from proofplane.lean.pool_limits import REDUNDANT_PROOFS, VOTES_PER_SLOT, PoolFull
from proofplane.lean.pruning import prune
from proofplane.lean.types import AggregateProof, AttestationData, Participants, SignedAggregate, SignedAttestation, ValidatorIndex

SLOT = 99


@pytest.fixture
def tree() -> Tree:
    """A chain with more blocks than a validator may vote for in one slot."""
    tree = Tree()
    names = ["a", *(f"block {number}" for number in range(VOTES_PER_SLOT + 5))]
    for slot, (parent, name) in enumerate(pairwise(names), 1):
        tree.grow(name, parent, slot)
    tree.store = replace(tree.store, time=5 * SLOT + 5)
    return tree


def choices(tree: Tree, slot: int = SLOT) -> list[AttestationData]:
    """Different votes for one slot."""
    return [tree.data(f"block {number}", slot=slot) for number in range(VOTES_PER_SLOT + 5)]


def vote(tree: Tree, data: AttestationData, index: int, signature: bytes = b"s") -> None:
    signed = SignedAttestation(ValidatorIndex(index), data, signature)
    tree.store = accept_attestation(tree.store, signed, lambda root: tree.registry, LabelBackend(), True)


def aggregate(tree: Tree, data: AttestationData, proof: AggregateProof) -> None:
    tree.store = accept_aggregate(tree.store, SignedAggregate(data, proof), lambda root: tree.registry, LabelBackend(), 1)


def test_a_full_pool_is_no_reason_of_the_specification_and_nothing_is_checked_or_changed(tree: Tree) -> None:
    *fitting, beyond = choices(tree)[: VOTES_PER_SLOT + 1]
    for data in fitting:
        vote(tree, data, 3)
    before = tree.store
    with pytest.raises(PoolFull) as caught:
        vote(tree, beyond, 3, BAD_PROOF)
    assert isinstance(caught.value, TryAgain)
    assert caught.value.limit == "VOTES_PER_SLOT"
    assert tree.store is before


def test_a_validator_that_votes_too_often_in_a_slot_keeps_its_place_in_others_and_takes_nobodys(tree: Tree) -> None:
    *fitting, beyond = choices(tree)[: VOTES_PER_SLOT + 1]
    for data in fitting:
        vote(tree, data, 3)
    vote(tree, fitting[0], 3)
    vote(tree, beyond, 4)
    vote(tree, choices(tree, SLOT + 1)[0], 3)


def test_signatures_of_one_vote_count_like_votes(tree: Tree) -> None:
    data = choices(tree)[0]
    for number in range(VOTES_PER_SLOT):
        vote(tree, data, 3, b"%d" % number)
    with pytest.raises(PoolFull, match="VOTES_PER_SLOT"):
        vote(tree, data, 3, b"another")


def test_an_aggregate_is_refused_only_if_all_its_voters_vote_too_often(tree: Tree) -> None:
    *fitting, beyond = choices(tree)[: VOTES_PER_SLOT + 1]
    for number, data in enumerate(fitting):
        tree.vote(data, [2, 3], known=number % 2 == 0)
    tree.vote(fitting[0], [4])
    with pytest.raises(PoolFull, match="VOTES_PER_SLOT"):
        aggregate(tree, beyond, proof_of([2, 3]))
    aggregate(tree, fitting[0], proof_of([3], "again"))
    aggregate(tree, choices(tree, SLOT + 1)[0], proof_of([2]))
    aggregate(tree, beyond, proof_of([3, 4]))
    assert beyond in tree.store.new_payloads


def test_redundant_proofs_fill_a_data_but_never_keep_a_voter_out(tree: Tree) -> None:
    data = choices(tree)[0]
    for length in range(REDUNDANT_PROOFS):
        aggregate(tree, data, AggregateProof(Participants(0b1011, 4 + length), b"s"))
    with pytest.raises(PoolFull, match="REDUNDANT_PROOFS"):
        aggregate(tree, data, proof_of([0, 3]))
    aggregate(tree, data, AggregateProof(Participants(0b1011, 4), b"s"))
    aggregate(tree, data, proof_of([0, 2]))
    assert len(tree.store.new_payloads[data]) == REDUNDANT_PROOFS + 1


def test_the_proofs_of_both_pools_together_have_a_limit_in_bytes(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_limits, "PROOF_POOL_BYTES", 30)
    known, pending, beyond = choices(tree)[:3]
    tree.store = replace(tree.store, known_payloads={known: frozenset({AggregateProof(Participants.of({1}), bytes(10))})})
    aggregate(tree, pending, AggregateProof(Participants.of({2}), bytes(12)))
    with pytest.raises(PoolFull, match="PROOF_POOL_BYTES"):
        aggregate(tree, beyond, AggregateProof(Participants.of({3}), bytes(9)))
    aggregate(tree, beyond, AggregateProof(Participants.of({3}), bytes(8)))


def test_the_data_of_both_pools_together_have_a_limit_and_those_that_are_there_go_on_taking_proofs(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_limits, "PROOF_POOL_DATA", 2)
    known, pending, beyond = choices(tree)[:3]
    tree.vote(known, [1])
    aggregate(tree, pending, proof_of([2]))
    with pytest.raises(PoolFull, match="PROOF_POOL_DATA"):
        aggregate(tree, beyond, proof_of([3]))
    aggregate(tree, known, proof_of([3]))
    aggregate(tree, pending, proof_of([3]))


def test_the_raw_votes_have_a_limit_whatever_slots_they_are_for(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_limits, "RAW_VOTES", 3)
    for slot, index in ((SLOT, 1), (SLOT, 2), (SLOT - 1, 1)):
        vote(tree, choices(tree, slot)[0], index)
    with pytest.raises(PoolFull, match="RAW_VOTES"):
        vote(tree, choices(tree, SLOT - 2)[0], 3)
    vote(tree, choices(tree)[0], 2)


def test_a_vote_for_the_finalized_block_is_kept_for_any_slot_since_and_goes_when_finality_moves(tree: Tree) -> None:
    for slot in (0, SLOT):
        data = tree.data("a", slot=slot)
        vote(tree, data, 1)
        aggregate(tree, data, proof_of([1]))
        assert data in tree.store.attestation_signatures
        assert data in tree.store.new_payloads
    tree.store = replace(tree.store, latest_finalized=tree.at("block 0"))
    pruned = prune(tree.store)
    assert not pruned.attestation_signatures
    assert not pruned.new_payloads
