"""Gossiped votes: checked once, applied to the store of the moment, counted; refusals and failures to check stay apart."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from kit.clock import settle
from kit.lean_imports import BAD, GOOD, FlagBackend, HeldWorkers, NoWorkers, Rig
from proofplane.chain.errors import CouldNotCheck
from proofplane.chain.votes import VerifiedOnce
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.pool_limits import VOTES_PER_SLOT, PoolFull
from proofplane.lean.proof import Component, ProofInvalid
from proofplane.lean.types import ZERO_ROOT, AggregateProof, Participants, SignedAggregate, SignedAttestation, Slot, ValidatorIndex


async def rig() -> Rig:
    return await Rig(NoWorkers()).open()


def attestation(rig: Rig, signature: bytes = GOOD, *, index: int = 1, slot: int = 2) -> SignedAttestation:
    return SignedAttestation(ValidatorIndex(index), rig.branches.vote(rig.anchor, slot), signature)


def aggregate(rig: Rig, proof: bytes = GOOD) -> SignedAggregate:
    return SignedAggregate(rig.branches.vote(rig.anchor, 2), AggregateProof(Participants(0b101, 4), proof))


async def test_an_aggregate_becomes_pending_and_its_proof_is_checked_once() -> None:
    one = await rig()
    await one.importer.aggregate(aggregate(one))
    assert dict(one.importer.store.new_payloads) == {aggregate(one).data: {aggregate(one).proof}}
    assert one.backend.checked == [GOOD]
    assert one.notes.votes == [("gossip", 2, 0)]


async def test_a_vote_is_kept_by_aggregators_only() -> None:
    one = await rig()
    commits = one.storage.commits
    await one.importer.attestation(attestation(one), is_aggregator=False)
    assert one.storage.commits == commits
    await one.importer.attestation(attestation(one), is_aggregator=True)
    assert dict(one.importer.store.attestation_signatures) == {attestation(one).data: {(1, GOOD)}}
    assert one.notes.votes == [("gossip", 1, 0)] * 2


async def test_a_bad_signature_is_refused_and_counted() -> None:
    one = await rig()
    before = one.importer.store
    for vote in (one.importer.attestation(attestation(one, BAD), True), one.importer.aggregate(aggregate(one, BAD))):
        with pytest.raises(Rejected) as caught:
            await vote
        assert caught.value.reason is Reason.INVALID_SIGNATURE
    assert one.importer.store is before
    assert one.notes.votes == [("gossip", 0, 1), ("gossip", 0, 2)]


async def test_other_refusals_count_no_signature() -> None:
    one = await rig()
    with pytest.raises(Rejected) as caught:
        await one.importer.attestation(attestation(one, index=4), True)
    assert caught.value.reason is Reason.VALIDATOR_NOT_IN_STATE
    assert one.notes.votes == []


async def test_what_could_not_be_checked_is_no_refusal() -> None:
    one = await rig()
    one.backend.errors[GOOD] = MemoryError()
    with pytest.raises(CouldNotCheck):
        await one.importer.aggregate(aggregate(one))
    assert one.notes.votes == []


async def test_a_full_pool_is_told_as_it_is() -> None:
    one = await rig()
    for number in range(VOTES_PER_SLOT):
        await one.importer.attestation(attestation(one, b"%d" % number), True)
    with pytest.raises(PoolFull):
        await one.importer.attestation(attestation(one, b"one more"), True)


async def test_a_vote_is_applied_to_the_store_of_the_moment_not_to_the_one_it_was_checked_on() -> None:
    workers = HeldWorkers()
    one = await Rig(workers).open()
    taken = asyncio.ensure_future(one.importer.aggregate(aggregate(one)))
    await settle()
    await one.importer.tick(one.importer.store.time + 1, False, False)
    moved = one.importer.store
    workers.run_all()
    await taken
    assert one.importer.store == replace(moved, new_payloads={aggregate(one).data: frozenset({aggregate(one).proof})})
    assert one.backend.checked == [GOOD]


def test_another_claim_than_the_verified_one_is_checked() -> None:
    backend = FlagBackend()
    once = VerifiedOnce(backend)
    component = Component((bytes(52),), ZERO_ROOT, Slot(1))
    for _ in range(2):
        once.verify_single(component, GOOD, 1)
        once.verify_signature(bytes(52), Slot(1), ZERO_ROOT, GOOD)
    assert backend.checked == [GOOD, GOOD]
    once.verify_single(replace(component, slot=Slot(2)), GOOD, 1)
    once.verify_signature(bytes(52), Slot(2), ZERO_ROOT, GOOD)
    assert backend.checked == [GOOD] * 4
    for _ in range(2):
        with pytest.raises(ProofInvalid):
            once.verify_single(component, BAD, 1)
        with pytest.raises(ProofInvalid):
            once.verify_signature(bytes(52), Slot(1), ZERO_ROOT, BAD)
    assert backend.checked == [GOOD] * 4 + [BAD] * 4
