"""The storage ports of the reference keep their meaning over the two tables."""

import pytest

from kit.prover_rig import Rig
from kit.toy_chain import STEP_KEY, STEP_PROGRAM
from proofplane.base.ids import Height
from proofplane.base.proof_id import RecursiveId, StepId
from proofplane.base.receipt import ProverKind, Receipt
from proofplane.proving.errors import DuplicateRemoteId, StatusExists, StatusMissing, WrongState
from proofplane.proving.reconciler import VerifiedReceipt
from proofplane.proving.types import JobKey, JobStatus, Planned, RemoteId, RemotePhase
from proofplane.proving.views import RemoteEntry

A, B, C = RemoteId(b"a"), RemoteId(b"b"), RemoteId(b"c")
R, P, C_ = RemotePhase.REQUESTED, RemotePhase.IN_PROGRESS, RemotePhase.COMPLETED


def receipt(text: bytes) -> VerifiedReceipt:
    """Stands for a verified one: these tests are about rows."""
    return VerifiedReceipt(Receipt(STEP_KEY.sign(text), text, ProverKind.NATIVE, "1", STEP_PROGRAM))


@pytest.mark.checklist(65)
async def test_the_mapping_leads_both_ways_and_the_latest_wins(rig: Rig) -> None:
    one = StepId.of(rig.chain.extend(1)[0])
    await rig.mapping.put(one, A)
    assert rig.mapping.remote_of(one) == A
    await rig.mapping.put(one, B)
    assert rig.mapping.remote_of(one) == B
    assert rig.mapping.proof_of(A) == rig.mapping.proof_of(B) == one
    assert [job.status for job in rig.jobs(one)] == [JobStatus.FAILED, JobStatus.SUBMITTED]
    await rig.mapping.put(one, A)
    assert rig.mapping.remote_of(one) == A


@pytest.mark.checklist(65)
async def test_a_remote_id_belongs_to_one_proof_for_ever(rig: Rig) -> None:
    first, second = rig.chain.extend(2)
    await rig.mapping.put(StepId.of(first), A)
    await rig.mapping.clear(StepId.of(first))
    with pytest.raises(DuplicateRemoteId):
        await rig.mapping.put(StepId.of(second), A)
    assert rig.mapping.remote_of(StepId.of(second)) is None


@pytest.mark.checklist(65)
async def test_the_same_pair_again_changes_nothing_but_restores_a_cleared_entry(rig: Rig) -> None:
    one = StepId.of(rig.chain.extend(1)[0])
    await rig.mapping.put(one, A)
    before = rig.jobs(one)
    await rig.mapping.put(one, A)
    assert rig.jobs(one) == before
    await rig.mapping.clear(one)
    assert rig.mapping.remote_of(one) is None
    assert rig.mapping.proof_of(A) == one
    await rig.mapping.clear(one)
    await rig.mapping.put(one, A)
    assert rig.mapping.remote_of(one) == A
    assert rig.mapping.proof_of(A) == one
    assert [job.status for job in rig.jobs(one)] == [JobStatus.FAILED, JobStatus.SUBMITTED], "what has ended stays ended"


async def test_a_mapping_takes_no_job_where_no_arrow_leads(rig: Rig) -> None:
    planned, sent, done, stopped = (Planned.of(StepId.of(block)) for block in rig.chain.extend(4))
    await rig.store.plan([planned, sent, done, stopped])
    await rig.store.submitting([(sent, JobKey(bytes(32))), (done, JobKey(bytes(32)))])
    await rig.store.submitted([(done, A)], [])
    await rig.store.outcome(done=[(done, receipt(b"done"))], aborted=[stopped])
    for one in (planned, done):
        before = rig.jobs(one.proof_id)
        with pytest.raises(WrongState):
            await rig.mapping.put(one.proof_id, B)
        assert rig.jobs(one.proof_id) == before
    await rig.mapping.put(done.proof_id, A)
    assert rig.job(done.proof_id).status is JobStatus.DONE
    await rig.mapping.put(sent.proof_id, B)
    await rig.mapping.put(stopped.proof_id, C)
    assert [job.status for job in rig.jobs(sent.proof_id)] == [JobStatus.SUBMITTED]
    assert [job.status for job in rig.jobs(stopped.proof_id)] == [JobStatus.ABORTED, JobStatus.SUBMITTED]


async def test_unknown_names_map_to_nothing(rig: Rig) -> None:
    assert rig.mapping.remote_of(StepId.of(rig.chain.extend(1)[0])) is None
    assert rig.mapping.proof_of(A) is None


@pytest.mark.checklist(66)
async def test_a_status_is_put_once_updated_if_there_and_removed_always(rig: Rig) -> None:
    one = StepId.of(rig.chain.extend(1)[0])
    with pytest.raises(StatusMissing):
        await rig.statuses.put(A, R)
    await rig.mapping.put(one, A)
    with pytest.raises(StatusMissing):
        await rig.statuses.update(A, P)
    await rig.statuses.put(A, R)
    with pytest.raises(StatusExists):
        await rig.statuses.put(A, R)
    await rig.statuses.update(A, P)
    assert rig.statuses.get(A) is P
    await rig.statuses.remove(A)
    await rig.statuses.remove(A)
    assert rig.statuses.get(A) is None
    with pytest.raises(StatusMissing):
        await rig.statuses.update(A, P)


@pytest.mark.checklist(66)
async def test_in_progress_lists_requested_and_in_progress_only(rig: Rig) -> None:
    blocks = rig.chain.extend(4)
    for block, remote_id, phase in zip(blocks, (A, B, C), (R, P, C_), strict=False):
        await rig.mapping.put(StepId.of(block), remote_id)
        await rig.statuses.put(remote_id, phase)
    await rig.mapping.put(StepId.of(blocks[3]), RemoteId(b"d"))
    assert rig.statuses.in_progress() == [RemoteEntry(A, R), RemoteEntry(B, P)]


@pytest.mark.checklist(68)
async def test_prune_spares_the_height_it_names(rig: Rig) -> None:
    blocks = rig.chain.extend(3)
    for block in blocks:
        await rig.proofs.store(StepId.of(block), receipt(b"step"))
        await rig.proofs.store(RecursiveId(block), receipt(b"recursive"))
    assert await rig.proofs.prune(Height(blocks[1].height)) == 2
    assert rig.proofs.get(StepId.of(blocks[0])) is None
    assert rig.proofs.get(RecursiveId(blocks[0])) is None
    assert rig.proofs.get(StepId.of(blocks[1])) is not None
    assert rig.proofs.get(RecursiveId(blocks[2])) is not None


@pytest.mark.checklist(69)
async def test_the_latest_recursive_proof_is_the_one_of_the_greatest_height(rig: Rig) -> None:
    assert rig.proofs.latest_recursive() is None
    low, high, above = rig.chain.extend(3)
    await rig.proofs.store(RecursiveId(high), receipt(b"high"))
    await rig.proofs.store(RecursiveId(low), receipt(b"low"))
    await rig.proofs.store(StepId.of(above), receipt(b"step"))
    assert rig.proofs.latest_recursive() == (RecursiveId(high), receipt(b"high").receipt)


@pytest.mark.checklist(70)
async def test_everything_is_there_after_reopening(rig: Rig) -> None:
    one = StepId.of(rig.chain.extend(1)[0])
    await rig.mapping.put(one, A)
    await rig.statuses.put(A, P)
    await rig.proofs.store(one, receipt(b"step"))
    rig.restart()
    assert rig.mapping.remote_of(one) == A
    assert rig.mapping.proof_of(A) == one
    assert rig.statuses.get(A) is P
    assert rig.proofs.get(one) == receipt(b"step").receipt


async def test_a_stored_proof_is_not_replaced(rig: Rig) -> None:
    one = StepId.of(rig.chain.extend(1)[0])
    await rig.proofs.store(one, receipt(b"first"))
    await rig.proofs.store(one, receipt(b"second"))
    assert rig.proofs.get(one) == receipt(b"first").receipt


async def test_the_worker_and_the_ports_see_the_same_rows(rig: Rig) -> None:
    rig.limit = 1
    rig.restart()
    one = StepId.of(rig.chain.extend(1)[0])
    await rig.tick()
    remote_id = rig.mapping.remote_of(one)
    assert remote_id is not None
    assert rig.statuses.in_progress() == [RemoteEntry(remote_id, R)]
    await rig.tick()
    assert rig.proofs.get(one) is not None
    assert rig.statuses.get(remote_id) is None
    assert rig.mapping.remote_of(one) == remote_id
