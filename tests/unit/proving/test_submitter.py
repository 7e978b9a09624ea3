"""Handing over: what a submission carries, and what happens when a prover cannot be reached, refuses or misanswers."""

from collections import deque
from collections.abc import Sequence

import pytest

from kit.prover_rig import LONG, Rig
from kit.remote_sim import HONEST, SLOW, Fate, Offline
from proofplane.base.proof_id import RecursiveId, StepId
from proofplane.proving import submitter
from proofplane.proving.cycle import DEFAULT_LIMIT
from proofplane.proving.errors import ProverFailed
from proofplane.proving.native import chunks, ledger
from proofplane.proving.native.frames import MAX_PUBLIC_VALUES
from proofplane.proving.store import JobStore
from proofplane.proving.submitter import BATCH
from proofplane.proving.types import Failed, FailureReason, JobStatus, RemoteId, Submission
from proofplane.service.retry import TRANSIENT

EXPIRED = Fate(end=Failed(FailureReason.EXPIRED))


def limited(rig: Rig, limit: int) -> None:
    rig.limit = limit
    rig.restart()


async def test_a_pipelining_prover_gets_both_proofs_of_all_blocks_in_one_call(rig: Rig) -> None:
    rig.sim.pipelines = True
    rig.chain.extend(20)
    await rig.tick()
    assert rig.sim.calls["start"] == 1
    assert sorted(rig.sim.accepted) == rig.chain.proofs()
    await rig.hints()
    assert rig.missing() == []
    rig.check_stored()


async def test_one_call_carries_a_bounded_number_of_jobs(rig: Rig) -> None:
    limited(rig, 1)
    rig.sim.fate = lambda _: SLOW
    rig.chain.extend(BATCH + 20)
    await rig.tick(3)
    assert rig.store.cursor() == BATCH + 20
    limited(rig, DEFAULT_LIMIT)
    await rig.tick()
    assert rig.sim.largest_call == BATCH
    assert rig.status().in_flight == BATCH + 20


@pytest.mark.checklist(56)
async def test_a_job_carries_the_predicate_that_the_chain_names_for_it(rig: Rig) -> None:
    rig.chain.extend(1)
    seen: list[Submission] = []

    def note(submission: Submission) -> Fate:
        seen.append(submission)
        return HONEST

    rig.sim.fate = note
    await rig.converge()
    assert len(seen) == 2
    for submission in seen:
        expected = rig.chain.expected(submission.proof_id)
        assert expected is not None
        assert (submission.predicate, submission.program_id) == (expected.predicate, expected.program_id)


async def test_an_unreachable_prover_gets_the_same_jobs_again_and_nothing_new_before(rig: Rig) -> None:
    blocks = rig.chain.extend(4)
    rig.sim.offline.add("start")
    await rig.tick(2)
    rig.chain.extend(4)
    await rig.tick()
    assert rig.sim.calls["start"] == 1, "the pause has not passed"
    rig.clock.advance(LONG)
    await rig.tick()
    assert rig.sim.calls["start"] == 2, "the four once more, and no others"
    assert rig.status().unsent == rig.status().in_flight == 4
    assert rig.job(StepId.of(blocks[0])).submissions == 2
    rig.sim.offline.clear()
    await rig.converge()
    assert max(rig.sim.starts.values()) == 1
    rig.check_submissions()


async def test_a_prover_that_stays_away_spends_the_budget_visibly(rig: Rig) -> None:
    rig.chain.extend(1)
    rig.sim.offline.add("start")
    for _ in range(TRANSIENT.budget + 5):
        await rig.tick()
        rig.clock.advance(LONG)
    assert rig.status().failed == 1
    assert rig.status().in_flight == 0


async def test_one_refused_job_ends_alone(rig: Rig) -> None:
    blocks = rig.chain.extend(2)
    first = StepId.of(blocks[0])
    rig.sim.item_trouble[("start", first)] = deque([ProverFailed("too big")])
    await rig.tick()
    assert [job.status for job in rig.jobs(first)] == [JobStatus.FAILED, JobStatus.PLANNED]
    assert rig.job(StepId.of(blocks[1])).status is JobStatus.SUBMITTED
    await rig.converge()


async def test_a_prover_that_answers_too_little_costs_an_attempt(rig: Rig) -> None:
    rig.chain.extend(2)

    async def short(jobs: Sequence[Submission]) -> list[RemoteId | Exception]:
        return [RemoteId(b"one for all")]

    honest, rig.sim.start = rig.sim.start, short  # type: ignore[method-assign]  # a prover that breaks the port
    await rig.tick()
    rig.sim.start = honest  # type: ignore[method-assign]  # as above
    assert all(rig.jobs(StepId.of(block))[0].status is JobStatus.FAILED for block in rig.chain.log)
    await rig.converge()


async def test_a_remote_id_given_to_two_proofs_counts_for_the_first_only(rig: Rig) -> None:
    blocks = rig.chain.extend(2)
    rig.sim.remote_ids += [RemoteId(b"twin"), RemoteId(b"twin")]
    await rig.tick()
    assert rig.job(StepId.of(blocks[0])).remote_id == b"twin"
    assert [job.status for job in rig.jobs(StepId.of(blocks[1]))] == [JobStatus.FAILED, JobStatus.PLANNED]
    await rig.converge()
    rig.sim.remote_ids += [RemoteId(b"twin")]
    later = StepId.of(rig.chain.extend(1)[0])
    await rig.tick()
    assert rig.jobs(later)[0].status is JobStatus.FAILED
    await rig.converge()
    rig.check_stored()


async def test_missing_chain_data_delays_its_proof_and_nothing_else(rig: Rig) -> None:
    blocks = rig.chain.extend(3)
    hidden = StepId.of(blocks[1])
    rig.chain.hidden.add(hidden)
    for _ in range(5):
        await rig.tick()
        rig.clock.advance(LONG)
    assert rig.proofs.get(StepId.of(blocks[2])) is not None
    assert rig.proofs.get(RecursiveId(blocks[0])) is not None
    assert rig.job(hidden).status is JobStatus.PLANNED
    rig.chain.hidden.clear()
    await rig.converge()


@pytest.mark.checklist(64)
async def test_chain_data_that_never_comes_ends_the_attempt_visibly(rig: Rig) -> None:
    (block,) = rig.chain.extend(1)
    rig.chain.hidden.add(StepId.of(block))
    for _ in range(TRANSIENT.budget + 5):
        await rig.tick()
        rig.clock.advance(LONG)
    assert rig.job(StepId.of(block)).status is JobStatus.FAILED
    assert rig.status().failed == 1
    assert rig.status().queued == 0


async def test_a_job_sent_again_keeps_its_key_though_its_prerequisite_is_proved_by_then(rig: Rig) -> None:
    """A pipelined pair is handed over, the answer about the recursive one is lost, the step gets proved meanwhile."""
    rig.sim.pipelines = True
    (block,) = rig.chain.extend(1)
    recursive = RecursiveId(block)
    rig.sim.item_trouble[("answer", recursive)] = deque([Offline("answer lost")])
    await rig.tick()
    assert rig.job(recursive).status is JobStatus.SUBMITTING
    rig.clock.advance(LONG)
    await rig.tick(2)
    assert rig.missing() == []
    assert max(rig.sim.starts.values()) == 1
    assert max(rig.sim.asked.values()) == 2
    assert rig.job(recursive).submissions == 2
    assert len(rig.jobs(recursive)) == 1


async def test_a_job_to_be_sent_again_whose_prerequisite_failed_gives_its_capacity_back(rig: Rig) -> None:
    rig.sim.pipelines = True
    limited(rig, 2)
    (block,) = rig.chain.extend(1)
    step, recursive = StepId.of(block), RecursiveId(block)
    rig.sim.item_trouble[("start", recursive)] = deque([Offline("answer lost")])
    rig.sim.fates[step] = deque([EXPIRED])
    await rig.tick(2)
    rig.clock.advance(LONG)
    await rig.tick()
    assert rig.jobs(recursive)[0].status is JobStatus.FAILED
    await rig.converge()


async def test_one_call_carries_a_bounded_number_of_bytes(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submitter, "BATCH_BYTES", 100)  # a toy step's input has 96
    rig.chain.extend(5)
    await rig.tick()
    assert rig.sim.largest_call == 2
    assert rig.sim.accepted == [StepId.of(block) for block in rig.chain.log]
    await rig.converge()


async def test_bytes_in_flight_are_bounded_until_some_have_ended(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submitter, "FLIGHT_BYTES", 200)  # a toy step's input has 96
    rig.sim.fate = lambda _: SLOW
    rig.chain.extend(9)
    await rig.tick(3)
    assert rig.status().in_flight == 3, "the third crosses the bound"
    rig.sim.work(2)
    await rig.tick()
    assert rig.status().steps == 3
    assert 1 <= rig.status().in_flight <= 4
    await rig.converge()


@pytest.mark.parametrize("remembers", [True, False])
async def test_a_rebuilt_board_does_not_forget_what_the_prover_holds(rig: Rig, monkeypatch: pytest.MonkeyPatch, remembers: bool) -> None:
    monkeypatch.setattr(submitter, "FLIGHT_BYTES", 200)
    rig.sim.fate = lambda _: SLOW
    rig.chain.extend(9)
    await rig.tick()
    monkeypatch.setattr(rig.sim, "remembers", remembers)

    def odd(*_: object) -> bool:
        raise RuntimeError("odd")

    with monkeypatch.context() as patched:
        patched.setattr(rig.chain, "since", odd)
        await rig.tick()
    assert rig.status().failed_cycles == 1
    await rig.tick(2)
    assert len(rig.sim.accepted) == rig.status().in_flight == 3


def test_what_is_in_flight_fits_into_the_native_provers_ledger() -> None:
    pipelined = chunks.JOB_OVERHEAD + 2 * (chunks.RECEIPT_OVERHEAD + MAX_PUBLIC_VALUES)
    assert submitter.FLIGHT_BYTES + ledger.MAX_JOB + DEFAULT_LIMIT * pipelined <= ledger.MAX_UNFINISHED_BYTES
    assert submitter.FLIGHT_BYTES >= 2 * submitter.BATCH_BYTES


async def test_a_cycle_that_breaks_off_halfway_is_made_good_from_the_rows(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = rig.chain.extend(2)

    def odd(*_: object) -> bool:
        raise RuntimeError("odd")

    with monkeypatch.context() as patched:
        patched.setattr(JobStore, "other_proof_of", odd)
        await rig.tick()
    assert rig.status().failed_cycles == 1
    assert rig.job(StepId.of(blocks[0])).status is JobStatus.SUBMITTING
    await rig.converge()
    assert max(rig.sim.starts.values()) == 1
    rig.check_submissions()
