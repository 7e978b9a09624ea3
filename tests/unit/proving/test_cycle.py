"""The cycle: what is planned, in which order it reaches the prover, and what a restart or a reorg does with it."""

import pytest

from kit.prover_rig import Killed, Rig
from kit.remote_sim import SLOW, Fate
from proofplane.base.errors import Broken
from proofplane.base.proof_id import RecursiveId, StepId
from proofplane.proving.cycle import PLAN_BLOCKS
from proofplane.proving.types import Failed, FailureReason, JobStatus
from proofplane.storage.errors import StorageBroken

EXPIRED = Fate(end=Failed(FailureReason.EXPIRED))


def limited(rig: Rig, limit: int) -> None:
    rig.limit = limit
    rig.restart()


@pytest.mark.checklist(48)
async def test_a_commit_plans_exactly_a_step_and_a_recursive_proof(rig: Rig) -> None:
    limited(rig, 1)
    blocks = rig.chain.extend(2)
    await rig.committed()
    wanted = [one for block in blocks for one in (StepId.of(block), RecursiveId(block))]
    assert [one for one in wanted if len(rig.jobs(one)) == 1] == wanted
    assert rig.store.counts().planned == 3
    assert rig.sim.accepted == [wanted[0]]
    assert rig.status().last_committed == blocks[-1]


@pytest.mark.checklist(48)
async def test_nothing_is_handed_over_outside_a_cycle(rig: Rig) -> None:
    rig.chain.extend(2)
    await rig.worker.on_launch()
    assert rig.sim.calls["start"] == 0
    await rig.tick()
    assert rig.sim.calls["start"] == 1


async def test_a_burst_of_commits_is_planned_in_batches_and_none_is_left(rig: Rig) -> None:
    rig.sim.fate = lambda _: SLOW
    rig.chain.extend(PLAN_BLOCKS * 3 + 5)
    await rig.tick()
    assert rig.store.cursor() == PLAN_BLOCKS * 3 + 5
    assert rig.writes.sites.count("proving.plan") == 4


@pytest.mark.checklist(50)
async def test_no_more_than_the_limit_is_ever_in_flight(rig: Rig) -> None:
    limited(rig, 3)
    rig.sim.fate = lambda _: SLOW
    rig.chain.extend(10)
    for _ in range(12):
        await rig.tick()
        assert rig.sim.running() <= 3
        assert rig.status().in_flight == len(rig.store.in_flight()[0]) <= 3
        rig.sim.work()
    assert rig.status().done > 3


@pytest.mark.checklist(50)
async def test_capacity_counts_the_rows_found_at_start(rig: Rig) -> None:
    limited(rig, 3)
    rig.sim.fate = lambda _: SLOW
    rig.chain.extend(10)
    await rig.tick()
    rig.restart()
    await rig.tick()
    assert len(rig.sim.accepted) == 3
    assert rig.status().in_flight == 3


@pytest.mark.checklist(54)
async def test_steps_of_all_blocks_are_at_the_prover_while_recursion_goes_one_by_one(rig: Rig) -> None:
    rig.chain.extend(4)
    await rig.tick()
    assert all(isinstance(one, StepId) for one in rig.sim.accepted)
    assert rig.status().parked == 4
    for done in range(1, 5):
        await rig.tick()
        assert sum(isinstance(one, RecursiveId) for one in rig.sim.accepted) == done


@pytest.mark.checklist(55)
async def test_a_commit_seen_again_hands_nothing_over_twice(rig: Rig) -> None:
    blocks = rig.chain.extend(3)
    await rig.converge()
    before = list(rig.sim.accepted)
    rig.chain.log += blocks
    await rig.tick(5)
    assert rig.sim.accepted == before
    assert rig.store.cursor() == 6


@pytest.mark.checklist(76)
async def test_jobs_in_flight_are_polled_after_a_restart_and_not_submitted_again(rig: Rig) -> None:
    rig.sim.fate = lambda _: SLOW
    rig.chain.extend(4)
    await rig.tick()
    rig.restart()
    await rig.tick()
    assert rig.sim.calls["start"] == 1
    await rig.converge()
    assert max(rig.sim.asked.values()) == 1


@pytest.mark.checklist(77)
async def test_a_restart_without_new_blocks_finishes_everything(rig: Rig) -> None:
    limited(rig, 2)
    rig.chain.extend(12)
    await rig.tick(2)
    rig.restart()
    await rig.converge()
    rig.check_stored()


@pytest.mark.checklist(78)
@pytest.mark.parametrize("pipelines", [False, True])
async def test_a_branch_of_20_blocks_is_replaced_by_one_of_30_over_a_restart(rig: Rig, pipelines: bool) -> None:
    rig.sim.pipelines = pipelines
    (fork,) = rig.chain.extend(1)
    branch_a = rig.chain.extend(20)
    await rig.converge()
    branch_b = rig.chain.extend(30, on=fork, branch=b"b")
    rig.restart()
    await rig.converge()
    assert rig.status().last_proven == branch_b[-1]
    assert all(rig.proofs.get(RecursiveId(block)) is not None for block in branch_a)
    assert rig.store.counts().recursives == 51


@pytest.mark.checklist(79)
async def test_orphans_are_proved_and_kept_but_never_the_chains(rig: Rig) -> None:
    fork, *branch_a = rig.chain.extend(4)
    await rig.converge()
    branch_b = rig.chain.extend(2, on=fork, branch=b"b")
    await rig.tick()
    assert rig.status().last_proven == fork
    await rig.converge()
    assert rig.status().last_proven == branch_b[-1]
    assert rig.proofs.get(RecursiveId(branch_a[-1])) is not None
    rig.chain.switch_to(branch_a[-1])
    await rig.tick()
    assert rig.status().last_proven == branch_a[-1]
    assert rig.status().done == len(rig.chain.proofs())


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("site", ["proving.plan", "proving.submitting", "proving.submitted", "proving.outcome"])
@pytest.mark.parametrize("pipelines", [False, True])
@pytest.mark.checklist(67)
@pytest.mark.checklist(75)
async def test_a_crash_at_any_write_loses_nothing_and_submits_nothing_untold(rig: Rig, site: str, when: str, pipelines: bool) -> None:
    rig.sim.pipelines = pipelines
    rig.chain.extend(3)
    setattr(rig.writes, f"kill_{when}", site)
    with pytest.raises(Killed):
        await rig.tick(3)
    rig.restart()
    await rig.converge()
    rig.check_stored()
    rig.check_submissions()
    assert max(rig.sim.starts.values()) == 1
    counts = rig.store.counts()
    assert (counts.steps, counts.recursives) == (3, 3)


async def test_jobs_of_a_prover_that_died_with_us_are_handed_over_again_without_using_up_a_retry(rig: Rig) -> None:
    rig.sim.fate = lambda _: SLOW
    rig.sim.remembers = False
    block = rig.chain.extend(1)[0]
    await rig.tick()
    before = rig.job(StepId.of(block))
    for restarts in range(1, 8):  # more often than any retry budget allows
        rig.sim.lose(StepId.of(block))
        rig.restart()
        await rig.tick()
        now = rig.job(StepId.of(block))
        assert (now.status, now.attempt, now.submissions) == (JobStatus.SUBMITTED, before.attempt, before.submissions + restarts)
    await rig.converge()
    rig.check_submissions()


async def test_a_prover_that_cannot_work_at_all_ends_the_service_and_leaves_the_jobs_to_be_sent_again(rig: Rig) -> None:
    block = rig.chain.extend(1)[0]
    rig.sim.trouble["start"].append(StorageBroken("no prover process starts"))
    with pytest.raises(Broken):
        await rig.tick()
    assert rig.job(StepId.of(block)).status is JobStatus.SUBMITTING
    rig.restart()
    await rig.converge()
