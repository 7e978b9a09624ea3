"""The prover worker as a service: survives its cycles' errors, obeys commands, and runs on its inputs until they end."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kit.clock import settle
from kit.prover_rig import LONG, Rig
from kit.remote_sim import SLOW, Fate, Offline
from proofplane.base.errors import CallerMistake
from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.base.proof_id import RecursiveId, StepId
from proofplane.proving.errors import UnknownProof, WrongState
from proofplane.proving.inputs import Command
from proofplane.proving.service import ProverHandle, ProverStatus, ProverWorker, prover_input
from proofplane.proving.types import Failed, FailureReason, JobStatus
from proofplane.service.commands import CommandChannel, WorkerExited
from proofplane.service.monitor import StatusCell
from proofplane.service.service import ShutdownSignal, run_service
from proofplane.service.subscriptions import Subscribers
from proofplane.storage.errors import StorageFull

FATAL = Fate(end=Failed(FailureReason.UNEXECUTABLE, "aborted"))


@pytest.mark.checklist(63)
@pytest.mark.parametrize("error", [RuntimeError("odd"), KeyError("odd"), Offline("down"), CallerMistake("odd")])
async def test_an_exception_in_a_cycle_never_kills_the_service(rig: Rig, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.chain.extend(2)
    await rig.tick()

    def fail(cursor: int, limit: int) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(rig.chain, "since", fail)
        await rig.tick(3)
        assert rig.status().failed_cycles == 3
        assert "odd" in str(rig.status().last_error) or "down" in str(rig.status().last_error)
    await rig.converge()
    assert max(rig.sim.asked.values()) == 1


async def test_a_broken_database_does_end_the_service(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.chain.extend(1)

    def full(site: str) -> None:
        raise StorageFull("no space")

    with monkeypatch.context() as patched:
        patched.setattr(rig.writes, "before_commit", full)
        with pytest.raises(StorageFull):
            await rig.tick()
    rig.restart()
    await rig.converge()


async def test_a_limit_below_one_is_a_mistake(rig: Rig) -> None:
    with pytest.raises(CallerMistake):
        ProverWorker(rig.database, rig.chain, rig.sim, rig.clock, 0)


async def test_the_status_before_the_launch_names_the_backend_only(rig: Rig) -> None:
    assert rig.status() == ProverStatus("remote-sim")


@asynccontextmanager
async def running(rig: Rig) -> AsyncIterator[tuple[ProverHandle, Subscribers[BlockCommitment], StatusCell[ProverStatus]]]:
    """The worker in its loop, with a handle, its producer of commitments and its status."""
    commits: Subscribers[BlockCommitment] = Subscribers()
    channel: CommandChannel[Command] = CommandChannel()
    cell = StatusCell(rig.worker.status())
    shutdown = ShutdownSignal()
    source = prover_input(commits.subscribe(), rig.sim, channel, rig.clock, tick=1.0)
    task = asyncio.create_task(run_service(rig.worker, source, shutdown, cell))
    monitor = cell.monitor()
    try:
        await monitor.changed()  # launched
        yield ProverHandle(channel.handle()), commits, cell
    finally:
        shutdown.set()
        await task
        commits.close()


async def until(cell: StatusCell[ProverStatus], done: int) -> None:
    """Waits until `done` proofs are stored."""
    monitor = cell.monitor()
    while monitor.current().done < done:
        await monitor.changed()


async def test_commitments_and_completions_drive_it_without_the_timer(rig: Rig) -> None:
    async with running(rig) as (_, commits, cell):
        await until(cell, 0)
        for block in rig.chain.extend(6):
            commits.emit(block)
        async with asyncio.timeout(10):
            await until(cell, 12)
    rig.check_stored()
    assert rig.clock.now() == 0.0


async def test_the_timer_finds_what_no_hint_told(rig: Rig) -> None:
    rig.sim.silent = True
    rig.chain.extend(1)
    async with running(rig) as (_, _commits, cell):
        monitor = cell.monitor()
        async with asyncio.timeout(10):
            for cycles in (1, 2, 3):
                while monitor.current().cycles < cycles:
                    await monitor.changed()
                await settle()  # the worker waits for its input again
                rig.clock.advance(1.0)
    assert rig.status().done == 2


async def test_it_ends_when_the_commitments_end_and_callers_are_told(rig: Rig) -> None:
    async with running(rig) as (handle, commits, cell):
        commits.close()
        listener = cell.listen()
        async with asyncio.timeout(10):
            while await listener.recv_next() is not None:
                pass
        await settle()  # the input is closed last
        with pytest.raises(WorkerExited):
            await handle.request(StepId.of(rig.chain.anchor))


async def test_a_request_plans_a_proof_that_nobody_asked_for_and_pulls_in_what_it_needs(rig: Rig) -> None:
    blocks = rig.chain.extend(3)
    rig.chain.log = []
    async with running(rig) as (handle, _, cell):
        assert await handle.request(RecursiveId(blocks[-1])) is JobStatus.PLANNED
        assert await handle.request(RecursiveId(blocks[-1])) in (JobStatus.PLANNED, JobStatus.SUBMITTED)
        rig.clock.advance(1.0)
        async with asyncio.timeout(10):
            await until(cell, 6)
        assert await handle.request(RecursiveId(blocks[-1])) is JobStatus.DONE
    assert rig.proofs.get(RecursiveId(blocks[-1])) is not None


async def test_unknown_blocks_and_the_anchor_are_refused(rig: Rig) -> None:
    nowhere = BlockCommitment(Height(7), BlockId(bytes(32)))
    async with running(rig) as (handle, _, _cell):
        for proof_id in (StepId.of(nowhere), RecursiveId(nowhere), StepId.of(rig.chain.anchor), RecursiveId(rig.chain.anchor)):
            with pytest.raises(UnknownProof):
                await handle.request(proof_id)
            with pytest.raises(UnknownProof):
                await handle.retry(proof_id)
            with pytest.raises(UnknownProof):
                await handle.abort(proof_id)


@pytest.mark.checklist(64)
@pytest.mark.parametrize("command", ["retry", "request"])
async def test_a_proof_that_was_given_up_can_be_asked_for_again(rig: Rig, command: str) -> None:
    (block,) = rig.chain.extend(1)
    step = StepId.of(block)
    rig.sim.fates[step] = deque([FATAL])
    await rig.tick(3)
    assert rig.status().failed == 1
    async with running(rig) as (handle, _, cell):
        assert await getattr(handle, command)(step) is JobStatus.PLANNED
        assert cell.current().failed in (0, 1)
        rig.clock.advance(1.0)
        async with asyncio.timeout(10):
            await until(cell, 2)
    assert rig.status().failed == 0
    assert [job.status for job in rig.jobs(step)] == [JobStatus.FAILED, JobStatus.DONE]


async def test_an_aborted_proof_stays_aborted_until_it_is_asked_for_again(rig: Rig) -> None:
    rig.sim.fate = lambda _: SLOW
    (block,) = rig.chain.extend(1)
    step, recursive = StepId.of(block), RecursiveId(block)
    await rig.tick()
    async with running(rig) as (handle, _, cell):
        assert await handle.abort(step) is JobStatus.ABORTED
        assert await handle.abort(recursive) is JobStatus.ABORTED
        with pytest.raises(WrongState):
            await handle.abort(step)
        rig.sim.work(3)
        rig.clock.advance(LONG)
        await settle()
        assert (cell.current().aborted, cell.current().in_flight, cell.current().done) == (2, 0, 0)
        rig.sim.fate = lambda _: Fate()
        assert await handle.retry(step) is JobStatus.PLANNED
        assert await handle.request(recursive) is JobStatus.PLANNED
        with pytest.raises(WrongState):
            await handle.retry(step)
        rig.clock.advance(LONG)
        async with asyncio.timeout(10):
            await until(cell, 2)
    assert rig.status().aborted == 0
    rig.check_stored()


async def test_a_pruned_proof_can_be_made_again(rig: Rig) -> None:
    (block,) = rig.chain.extend(1)
    await rig.converge()
    await rig.proofs.prune(Height(block.height + 1))
    rig.restart()
    async with running(rig) as (handle, _, cell):
        assert await handle.request(StepId.of(block)) is JobStatus.PLANNED
        rig.clock.advance(1.0)
        async with asyncio.timeout(10):
            await until(cell, 1)
    assert rig.proofs.get(StepId.of(block)) is not None
