"""The defects of the upstream generations that concern proving, each shown to be absent."""

from collections import deque

import pytest

from kit.prover_rig import LONG, Killed, Rig
from kit.remote_sim import SLOW, Fate, Lie
from proofplane.base.proof_id import RecursiveId, StepId
from proofplane.proving.frontier import last_proven
from proofplane.proving.types import Failed, FailureReason, JobStatus


@pytest.mark.parametrize("end", [Failed(FailureReason.OTHER, "no"), Lie.FORGED, Failed(FailureReason.LOST)])
async def test_defect_a_a_failed_job_does_not_wedge_its_proof_even_over_a_restart(rig: Rig, end: Failed | Lie) -> None:
    step = StepId.of(rig.chain.extend(1)[0])
    rig.sim.fates[step] = deque([Fate(end=end)])
    await rig.tick(2)
    assert rig.mapping.remote_of(step) is None
    rig.restart()
    await rig.converge()
    assert [job.status for job in rig.jobs(step)] == [JobStatus.FAILED, JobStatus.DONE]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_defect_b_mapping_and_status_are_written_together(rig: Rig, when: str) -> None:
    step = StepId.of(rig.chain.extend(1)[0])
    rig.sim.fate = lambda _: SLOW
    setattr(rig.writes, f"kill_{when}", "proving.submitted")
    with pytest.raises(Killed):
        await rig.tick()
    rig.restart()
    (remote_id,) = rig.sim.ids_of(step)
    both = (rig.mapping.remote_of(step) is not None, rig.statuses.get(remote_id) is not None)
    assert both == ((False, False) if when == "before" else (True, True))
    await rig.converge()
    assert rig.sim.starts.total() == 2


async def test_defect_c_a_job_accepted_before_a_crash_is_not_made_a_second_time(rig: Rig) -> None:
    rig.chain.extend(2)

    def crash() -> None:
        rig.sim.after_accept = lambda: None
        raise Killed

    rig.sim.after_accept = crash
    with pytest.raises(Killed):
        await rig.tick()
    assert rig.sim.starts.total() == 2, "the prover has the jobs"
    rig.restart()
    await rig.converge()
    assert max(rig.sim.starts.values()) == 1
    assert max(rig.sim.asked.values()) == 2
    rig.check_submissions()


async def test_defect_c_a_prover_that_ignores_keys_makes_a_second_job_but_the_record_says_so(rig: Rig) -> None:
    rig.sim.idempotent = False
    step = StepId.of(rig.chain.extend(1)[0])

    def crash() -> None:
        rig.sim.after_accept = lambda: None
        raise Killed

    rig.sim.after_accept = crash
    with pytest.raises(Killed):
        await rig.tick()
    rig.restart()
    await rig.converge()
    assert len(rig.sim.ids_of(step)) == 2
    assert rig.job(step).submissions == 2
    rig.check_stored()


async def test_defect_d_planned_work_survives_a_restart(rig: Rig) -> None:
    rig.limit = 1
    rig.restart()
    rig.chain.extend(5)
    await rig.committed()
    rig.restart()
    assert rig.store.cursor() == 5, "no commitment comes a second time"
    await rig.converge()


async def test_defect_d_commits_that_nobody_saw_are_read_from_the_log(rig: Rig) -> None:
    await rig.worker.on_launch()
    rig.chain.extend(3)
    rig.restart()
    await rig.converge()


async def test_defect_e_last_proven_is_asked_along_the_chain(rig: Rig) -> None:
    fork, *_, orphan = rig.chain.extend(5)
    await rig.converge()
    tip = rig.chain.extend(2, on=fork, branch=b"b")[-1]
    await rig.converge()
    latest = rig.proofs.latest_recursive()
    assert latest is not None
    assert latest[0] == RecursiveId(orphan), "the greatest height is an orphan's"
    assert last_proven(rig.store, rig.chain.is_canonical) == tip
    rig.restart()
    await rig.tick()
    assert rig.status().last_proven == tip


async def test_defect_i_a_receipt_is_verified_before_it_is_stored(rig: Rig) -> None:
    (block,) = rig.chain.extend(1)
    rig.sim.fates[StepId.of(block)] = deque([Fate(end=lie) for lie in (Lie.FORGED, Lie.OTHER_BLOCK, Lie.OTHER_PROGRAM)])
    for _ in range(6):
        await rig.tick()
        assert rig.proofs.get(StepId.of(block)) is None
        rig.clock.advance(LONG / 10)
    await rig.converge()
    rig.check_stored()


async def test_defect_j_a_row_that_names_no_proof_is_quarantined_and_uses_no_capacity(rig: Rig) -> None:
    rig.limit = 1
    rig.restart()
    (block,) = rig.chain.extend(1)
    sql = f"""INSERT INTO jobs (proof_key, attempt, kind, status, retries, job_key, remote_id, remote_phase, submissions)
              VALUES (x'00ff', 1, 0, {JobStatus.SUBMITTED:d}, 0, x'00', x'abcd', 0, 1)"""
    await rig.database.write("test", lambda transaction: transaction.execute(sql))
    await rig.converge()
    assert rig.proofs.get(RecursiveId(block)) is not None
    assert rig.database.row("SELECT status, reason FROM jobs WHERE proof_key = x'00ff'") == (
        JobStatus.FAILED,
        "quarantined: the row cannot be read",
    )


async def test_defect_k_a_prover_that_takes_its_time_holds_neither_ticks_nor_other_work(rig: Rig) -> None:
    slow, *others = rig.chain.extend(3)
    rig.sim.fates[StepId.of(slow)] = deque([Fate(SLOW.phases * 100)])
    await rig.tick(5)
    assert all(rig.proofs.get(StepId.of(block)) is not None for block in others)
    assert rig.job(StepId.of(slow)).status is JobStatus.SUBMITTED
