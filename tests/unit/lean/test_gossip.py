"""Votes from gossip: each reason to refuse one, in the specification's order, and what is kept of the others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kit.fork_choice import BAD_PROOF, LabelBackend, Tree, proof_of, root_of
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.gossip import RegistryMissing, accept_aggregate, accept_attestation, validate_attestation
from proofplane.lean.store import Store
from proofplane.lean.types import (
    AggregateProof,
    AttestationData,
    Checkpoint,
    Participants,
    SignedAggregate,
    SignedAttestation,
    Slot,
    ValidatorIndex,
)

UNKNOWN = Checkpoint(root_of("unknown"), Slot(1))


@pytest.fixture
def tree() -> Tree:
    """a - b - c - d in slots 0, 1, 2, 4 with a fork c - x in slot 3; the time is slot 4."""
    tree = Tree()
    tree.grow("b", "a", 1)
    tree.grow("c", "b", 2)
    tree.grow("d", "c", 4)
    tree.grow("x", "c", 3)
    tree.store = replace(tree.store, time=20)
    return tree


def moved(checkpoint: Checkpoint, by: int) -> Checkpoint:
    """The checkpoint with another slot than its block's."""
    return Checkpoint(checkpoint.root, Slot(checkpoint.slot + by))


def steps_to_a_good_vote(tree: Tree) -> list[tuple[Reason, AttestationData]]:
    """Votes whose first mistake comes ever later in the order of checks; as many of the later ones as can be had together are there too."""
    a, b, c, d, x = (tree.at(name) for name in "abcdx")
    late = Slot(9)
    return [
        (Reason.UNKNOWN_SOURCE_BLOCK, AttestationData(late, UNKNOWN, UNKNOWN, UNKNOWN)),
        (Reason.UNKNOWN_TARGET_BLOCK, AttestationData(late, UNKNOWN, UNKNOWN, d)),
        (Reason.UNKNOWN_HEAD_BLOCK, AttestationData(late, UNKNOWN, b, d)),
        (Reason.SOURCE_AFTER_TARGET, AttestationData(late, moved(a, 0), b, moved(d, 1))),
        (Reason.HEAD_OLDER_THAN_TARGET, AttestationData(late, moved(b, -1), moved(x, 1), moved(d, -2))),
        (Reason.SOURCE_SLOT_MISMATCH, AttestationData(late, moved(d, 2), moved(x, 1), moved(d, -2))),
        (Reason.TARGET_SLOT_MISMATCH, AttestationData(late, moved(d, 2), moved(d, 1), x)),
        (Reason.HEAD_SLOT_MISMATCH, AttestationData(late, moved(d, 2), d, x)),
        (Reason.SOURCE_NOT_ANCESTOR_OF_TARGET, AttestationData(late, d, d, x)),
        (Reason.TARGET_NOT_ANCESTOR_OF_HEAD, AttestationData(late, d, x, c)),
        (Reason.ATTESTATION_SLOT_BEFORE_HEAD, AttestationData(Slot(3), d, c, b)),
        (Reason.ATTESTATION_TOO_FAR_IN_FUTURE, AttestationData(Slot(5), d, c, b)),
    ]


def test_the_reasons_come_in_the_order_of_the_specification(tree: Tree) -> None:
    met = []
    for _, data in steps_to_a_good_vote(tree):
        with pytest.raises(Rejected) as caught:
            validate_attestation(tree.store, data)
        met.append(caught.value.reason)
    assert met == [reason for reason, _ in steps_to_a_good_vote(tree)]
    assert met == [reason for reason in Reason if reason in met], "Reason lists them in this order too"


def test_a_vote_may_be_one_interval_early_and_no_more(tree: Tree) -> None:
    data = tree.data("d", "c", "b", slot=5)
    validate_attestation(replace(tree.store, time=24), data)
    with pytest.raises(Rejected, match="ATTESTATION_TOO_FAR_IN_FUTURE"):
        validate_attestation(replace(tree.store, time=23), data)


def test_a_slot_that_is_hostile_is_only_too_far_in_the_future(tree: Tree) -> None:
    with pytest.raises(Rejected, match="ATTESTATION_TOO_FAR_IN_FUTURE"):
        validate_attestation(tree.store, tree.data("d", "c", "b", slot=2**64 - 1))


def test_source_target_and_head_may_be_one_block(tree: Tree) -> None:
    validate_attestation(tree.store, tree.data("d", "d", "d"))


def test_a_source_in_a_slot_that_the_branch_left_empty_is_no_ancestor(tree: Tree) -> None:
    with pytest.raises(Rejected, match="SOURCE_NOT_ANCESTOR_OF_TARGET"):
        validate_attestation(tree.store, tree.data("d", "d", "x"))


def send_vote(tree: Tree, index: int, signature: bytes, aggregator: bool = True) -> Store:
    signed = SignedAttestation(ValidatorIndex(index), tree.data("d", "c", "b"), signature)
    return accept_attestation(tree.store, signed, lambda root: tree.registry, LabelBackend(), aggregator)


def send_aggregate(tree: Tree, proof: AggregateProof) -> Store:
    signed = SignedAggregate(tree.data("d", "c", "b"), proof)
    return accept_aggregate(tree.store, signed, lambda root: tree.registry, LabelBackend(), 1)


def test_an_aggregator_keeps_a_vote_and_others_only_check_it(tree: Tree) -> None:
    data = tree.data("d", "c", "b")
    assert send_vote(tree, 2, b"s").attestation_signatures == {data: {(2, b"s")}}
    assert send_vote(tree, 2, b"s", aggregator=False) is tree.store


def test_an_unknown_voter_is_refused_before_its_signature_is_looked_at(tree: Tree) -> None:
    with pytest.raises(Rejected, match="VALIDATOR_NOT_IN_STATE"):
        send_vote(tree, 6, BAD_PROOF)
    with pytest.raises(Rejected, match="VALIDATOR_NOT_IN_STATE"):
        send_vote(tree, 2**64 - 1, BAD_PROOF)


@pytest.mark.parametrize("aggregator", [True, False])
def test_a_bad_signature_is_refused_whether_or_not_the_vote_would_be_kept(tree: Tree, aggregator: bool) -> None:
    with pytest.raises(Rejected, match="INVALID_SIGNATURE"):
        send_vote(tree, 2, BAD_PROOF, aggregator)


def test_an_aggregate_waits_among_the_new_ones_behind_those_before_it(tree: Tree) -> None:
    tree.store = send_aggregate(tree, proof_of([0, 1]))
    store = send_aggregate(tree, proof_of([2]))
    assert store.new_payloads == {tree.data("d", "c", "b"): {proof_of([0, 1]), proof_of([2])}}
    assert (store.known_payloads, store.head) == (tree.store.known_payloads, tree.store.head)


def test_an_aggregate_is_refused_for_nobody_then_for_strangers_then_for_its_proof(tree: Tree) -> None:
    for proof, reason in (
        (AggregateProof(Participants(0, 9), BAD_PROOF), "EMPTY_AGGREGATION_BITS"),
        (AggregateProof(Participants.of({1, 6}), BAD_PROOF), "VALIDATOR_NOT_IN_STATE"),
        (AggregateProof(Participants.of({1, 5}), BAD_PROOF), "INVALID_SIGNATURE"),
    ):
        with pytest.raises(Rejected, match=reason):
            send_aggregate(tree, proof)


def test_a_vote_whose_target_state_is_lost_was_not_checked(tree: Tree) -> None:
    signed = SignedAttestation(ValidatorIndex(0), tree.data("d", "c", "b"), b"s")
    with pytest.raises(RegistryMissing):
        accept_attestation(tree.store, signed, lambda root: None, LabelBackend(), True)


def test_the_registry_is_that_of_the_target(tree: Tree) -> None:
    asked = []
    signed = SignedAttestation(ValidatorIndex(0), tree.data("d", "c", "b"), b"s")
    accept_attestation(tree.store, signed, lambda root: asked.append(root) or tree.registry, LabelBackend(), True)
    assert asked == [root_of("c")]
