"""Reconciling: progress, receipts, failures, lies and an unreachable prover, each with what it leaves in the rows."""

from collections import deque
from collections.abc import Callable, Sequence

import pytest

from kit.prover_rig import LONG, Rig
from kit.remote_sim import SLOW, Fate, Lie, Offline
from proofplane.base.proof_id import RecursiveId, StepId
from proofplane.proving.errors import NotReady
from proofplane.proving.types import AnyProofId, Failed, FailureReason, JobStatus, RemoteId, RemotePhase
from proofplane.service.retry import ATTEMPT, TRANSIENT

EXPIRED = Fate(end=Failed(FailureReason.EXPIRED))


def limited(rig: Rig, limit: int) -> None:
    rig.limit = limit
    rig.restart()


@pytest.mark.checklist(57)
async def test_an_unchanged_status_writes_nothing(rig: Rig) -> None:
    rig.sim.fate = lambda _: Fate((RemotePhase.REQUESTED,) * 9)
    rig.chain.extend(2)
    await rig.tick()
    before = list(rig.writes.sites)
    await rig.tick(5)
    assert rig.writes.sites == before


@pytest.mark.checklist(58)
async def test_progress_is_recorded(rig: Rig) -> None:
    rig.sim.fate = lambda _: SLOW
    (block,) = rig.chain.extend(1)
    await rig.tick()
    rig.sim.work()
    await rig.tick()
    (remote_id,) = rig.sim.ids_of(StepId.of(block))
    assert rig.statuses.get(remote_id) is RemotePhase.IN_PROGRESS


@pytest.mark.checklist(59)
async def test_completed_jobs_are_verified_stored_and_move_the_frontier_on(rig: Rig) -> None:
    blocks = rig.chain.extend(5)
    frontier = []
    while rig.missing():
        await rig.tick()
        if (proven := rig.status().last_proven) is not None:
            frontier.append(proven.height)
    assert frontier == sorted(frontier)
    assert rig.status().last_proven == blocks[-1]
    assert rig.status().in_flight == 0
    assert rig.statuses.in_progress() == []
    rig.check_stored()


async def test_a_completion_hint_spares_the_wait_for_the_timer(rig: Rig) -> None:
    rig.chain.extend(3)
    await rig.committed()
    while await rig.hints():
        pass
    assert rig.missing() == []
    assert rig.status().cycles < 9


async def test_a_hint_asks_about_the_named_jobs_only(rig: Rig) -> None:
    rig.chain.extend(2)
    rig.sim.fate = lambda _: SLOW
    await rig.tick()
    rig.sim.hint(RemoteId(b"nobody's"))
    await rig.hints()
    assert rig.sim.calls["status"] == 0


@pytest.mark.checklist(60)
async def test_a_failed_job_is_tried_again_under_a_new_remote_id_and_the_old_one_still_resolves(rig: Rig) -> None:
    (block,) = rig.chain.extend(1)
    step = StepId.of(block)
    rig.sim.fates[step] = deque([Fate(end=Failed(FailureReason.REVERTED, "out of luck"))])
    await rig.tick(2)
    (first,) = rig.sim.ids_of(step)
    assert rig.mapping.remote_of(step) is None
    assert rig.statuses.get(first) is None
    assert rig.jobs(step)[0][::4] == (JobStatus.FAILED, "reverted: out of luck")
    await rig.tick(3)
    assert len(rig.sim.ids_of(step)) == 1, "the pause has not passed"
    rig.clock.advance(LONG)
    await rig.tick(2)
    first, second = rig.sim.ids_of(step)
    assert rig.mapping.remote_of(step) == second
    assert rig.mapping.proof_of(first) == step
    rig.sim.hint(first)
    await rig.hints()
    await rig.converge()
    rig.check_submissions()


@pytest.mark.checklist(61)
@pytest.mark.parametrize("call", ["status", "fetch"])
async def test_an_unreachable_prover_leaves_the_rows_and_is_asked_again(rig: Rig, call: str) -> None:
    rig.chain.extend(2)
    await rig.tick()
    before = rig.store.in_flight()
    rig.sim.offline.add(call)
    await rig.tick(3)
    assert rig.store.in_flight() == before
    rig.sim.offline.clear()
    await rig.converge()
    assert rig.status().failed_cycles == 0


@pytest.mark.checklist(61)
@pytest.mark.parametrize("call", ["status", "fetch"])
@pytest.mark.parametrize(
    ("error", "attempts"), [(Offline("down"), [JobStatus.SUBMITTED]), (RuntimeError("odd"), [JobStatus.FAILED, JobStatus.PLANNED])]
)
async def test_trouble_with_one_job_does_not_keep_the_others(rig: Rig, call: str, error: Exception, attempts: list[JobStatus]) -> None:
    blocks = rig.chain.extend(3)
    first = StepId.of(blocks[0])
    rig.sim.item_trouble[(call, first)] = deque([error])
    await rig.tick(2)
    assert [job.status for job in rig.jobs(first)] == attempts
    assert rig.proofs.get(StepId.of(blocks[1])) is not None
    await rig.converge()
    assert len(rig.jobs(first)) == len(attempts)


@pytest.mark.parametrize("call", ["status", "fetch"])
@pytest.mark.parametrize("wrong", [lambda answers: answers[1:], lambda answers: [*answers, *answers]])
async def test_a_wrong_number_of_answers_leaves_the_rows_and_the_next_cycle_asks_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, call: str, wrong: Callable[[list[object]], list[object]]
) -> None:
    rig.chain.extend(3)
    await rig.tick()
    before = rig.store.in_flight()
    honest = getattr(rig.sim, call)

    async def odd(ids: Sequence[RemoteId]) -> list[object]:
        return wrong(list(await honest(ids)))

    with monkeypatch.context() as patched:
        patched.setattr(rig.sim, call, odd)
        await rig.tick(3)
    assert rig.store.in_flight() == before
    assert rig.sim.calls[call] == 3
    assert rig.status().failed_cycles == 0
    await rig.tick()
    assert rig.status().steps == 3


@pytest.mark.checklist(64)
@pytest.mark.parametrize("call", ["status", "fetch"])
async def test_a_job_that_can_never_be_asked_about_gives_its_capacity_back_and_is_shown(rig: Rig, call: str) -> None:
    """Such as one that its prover calls completed and whose receipt it never hands over."""
    limited(rig, 1)
    first, second = (StepId.of(block) for block in rig.chain.extend(2))
    rig.sim.item_trouble[(call, first)] = deque([NotReady("not yet")] * 1000)
    await rig.tick(2)
    for _ in range(TRANSIENT.budget - 1):
        rig.clock.advance(LONG)
        await rig.tick()
    assert rig.job(first).status is JobStatus.SUBMITTED
    rig.clock.advance(LONG)
    await rig.tick()
    assert rig.job(first)[::4] == (JobStatus.FAILED, "not yet")
    assert rig.status().failed == 1
    assert rig.job(second).status is JobStatus.SUBMITTED, "the capacity is free again"


async def test_a_job_that_could_not_be_asked_about_is_asked_again_after_a_pause_not_with_every_tick(rig: Rig) -> None:
    (block,) = rig.chain.extend(1)
    rig.sim.item_trouble[("status", StepId.of(block))] = deque([Offline("down")] * 3)
    await rig.tick(9)
    assert rig.sim.calls["status"] == 1
    rig.clock.advance(LONG)
    await rig.tick(9)
    assert rig.sim.calls["status"] == 2
    await rig.converge()


async def test_a_job_that_gets_on_in_between_is_never_given_up(rig: Rig) -> None:
    rig.sim.fate = lambda _: SLOW
    (block,) = rig.chain.extend(1)
    step = StepId.of(block)
    await rig.tick()
    for _ in range(3):
        rig.sim.item_trouble[("status", step)] = deque([Offline("down")] * (TRANSIENT.budget - 1))
        for _ in range(TRANSIENT.budget):
            rig.clock.advance(LONG)
            await rig.tick()
        assert not rig.sim.item_trouble[("status", step)]
    assert len(rig.jobs(step)) == 1
    await rig.converge()


@pytest.mark.checklist(61)
@pytest.mark.parametrize("call", ["status", "fetch"])
async def test_a_prover_that_is_away_for_however_long_costs_no_job(rig: Rig, call: str) -> None:
    (block,) = rig.chain.extend(1)
    await rig.tick()
    rig.sim.offline.add(call)
    for _ in range(2 * TRANSIENT.budget):
        rig.clock.advance(LONG)
        await rig.tick()
    rig.sim.offline.clear()
    await rig.converge()
    assert len(rig.jobs(StepId.of(block))) == 1


@pytest.mark.checklist(62)
@pytest.mark.parametrize("lie", Lie)
@pytest.mark.parametrize("recursive", [False, True])
async def test_a_lie_is_never_stored_but_recorded_and_asked_again(rig: Rig, lie: Lie, recursive: bool) -> None:
    blocks = rig.chain.extend(2)
    target: AnyProofId = RecursiveId(blocks[1]) if recursive else StepId.of(blocks[0])
    rig.sim.fates[target] = deque([Fate(end=lie)])
    while target not in rig.sim.accepted:
        await rig.tick()
    await rig.tick()
    assert rig.proofs.get(target) is None
    assert rig.jobs(target)[0].status is JobStatus.FAILED
    assert rig.jobs(target)[0].reason
    await rig.converge()
    assert len(rig.jobs(target)) == 2
    rig.check_stored()


@pytest.mark.checklist(64)
async def test_a_job_that_can_never_run_is_given_up_after_its_budget_and_shown(rig: Rig) -> None:
    (block,) = rig.chain.extend(1)
    rig.sim.fate = lambda _: EXPIRED
    starts = []
    for _ in range(30):
        await rig.tick()
        starts.append(len(rig.sim.accepted))
        rig.clock.advance(LONG)
    assert len(rig.sim.accepted) == ATTEMPT.budget + 1
    assert rig.status().failed == 1
    assert rig.job(StepId.of(block)).reason == "expired"
    assert rig.status().parked == 1


@pytest.mark.checklist(64)
async def test_the_budget_counts_over_restarts(rig: Rig) -> None:
    rig.chain.extend(1)
    rig.sim.fate = lambda _: EXPIRED
    for _ in range(30):
        await rig.tick()
        rig.restart()
    assert len(rig.sim.accepted) == ATTEMPT.budget + 1
    await rig.tick()
    assert rig.status().failed == 1


@pytest.mark.checklist(64)
async def test_an_aborted_program_is_not_tried_again(rig: Rig) -> None:
    rig.chain.extend(1)
    rig.sim.fate = lambda _: Fate(end=Failed(FailureReason.UNEXECUTABLE, "bad block"))
    for _ in range(9):
        await rig.tick()
        rig.clock.advance(LONG)
    assert len(rig.sim.accepted) == 1
    assert rig.status().failed == 1
