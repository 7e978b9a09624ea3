"""The supervisor: first failure wins, ordered and bounded stops, signals."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest

from kit.clock import ManualClock, settle
from proofplane.base.errors import Broken, CallerMistake
from proofplane.service.inputs import IteratorInput
from proofplane.service.service import Flow, Service
from proofplane.service.supervisor import CANCEL_TIMEOUT, GRACEFUL_TIMEOUT, Stopping, Supervisor, TaskFailed


class Quiet:
    """An input without messages."""

    async def recv_next(self) -> int | None:
        await asyncio.Event().wait()
        return None


class Recorder(Service[int, int]):
    """Notes in a shared log when it stops; may take until `release` for that."""

    name: ClassVar[str] = "recorder"

    def __init__(self, label: str, log: list[str], release: asyncio.Event | None = None, stubborn: bool = False) -> None:
        self.label = label
        self.log = log
        self.release = release
        self.stubborn = stubborn

    def status(self) -> int:
        return 7

    async def process_input(self, message: int) -> Flow:
        if message < 0:
            raise Broken(f"{self.label} got {message}")
        return Flow.CONTINUE

    async def before_shutdown(self, error: BaseException | None) -> None:
        self.log.append(f"{self.label} told")
        if self.release is not None:
            while not self.release.is_set():
                try:
                    await self.release.wait()
                except asyncio.CancelledError:
                    self.log.append(f"{self.label} cancelled")
                    if not self.stubborn:
                        raise
        self.log.append(f"{self.label} stopped")


async def fail_when(event: asyncio.Event, error: Exception) -> None:
    await event.wait()
    raise error


async def test_parts_are_stopped_in_reverse_order_of_launch_each_after_the_one_before() -> None:
    log: list[str] = []
    release = asyncio.Event()
    async with Supervisor(clock=ManualClock()) as supervisor:
        supervisor.launch(Recorder("anchor", log), Quiet())
        supervisor.launch(Recorder("moho", log, release), Quiet())
        supervisor.launch(Recorder("source", log), Quiet())
        await settle()
        supervisor.shutdown()
        await settle()
        assert log == ["source told", "source stopped", "moho told"]
        release.set()
    assert log == ["source told", "source stopped", "moho told", "moho stopped", "anchor told", "anchor stopped"]


async def test_launch_shows_the_initial_status_at_once() -> None:
    async with Supervisor() as supervisor:
        assert supervisor.launch(Recorder("one", []), Quiet()).current() == 7


@pytest.mark.checklist(22)
async def test_a_critical_task_raises_and_all_are_told_to_stop_and_the_first_error_names_the_task() -> None:
    log: list[str] = []
    strike = asyncio.Event()
    error = Broken("disk gone")

    async def system() -> None:
        async with Supervisor(clock=ManualClock()) as supervisor:
            supervisor.launch(Recorder("a", log), Quiet())
            supervisor.launch(Recorder("b", log), Quiet())
            supervisor.spawn("first", lambda: fail_when(strike, error))
            supervisor.spawn("second", lambda: fail_when(strike, Broken("as a consequence")))
            await settle()
            strike.set()
            await supervisor.wait()

    with pytest.raises(TaskFailed, match=r"^first failed: disk gone$") as raised:
        await system()
    assert (raised.value.name, raised.value.cause, raised.value.__cause__) == ("first", error, error)
    assert sorted(log) == ["a stopped", "a told", "b stopped", "b told"]


@pytest.mark.checklist(22)
async def test_a_critical_service_raises_and_is_named() -> None:
    async def system() -> None:
        async with Supervisor() as supervisor:
            supervisor.launch(Recorder("a", []), IteratorInput([1, -1]))
            await supervisor.wait()

    with pytest.raises(TaskFailed, match="recorder failed: a got -1"):
        await system()


@pytest.mark.checklist(22)
async def test_a_critical_task_raises_and_the_wait_for_one_that_does_not_stop_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    log: list[str] = []
    never = asyncio.Event()

    async def system() -> None:
        async with Supervisor(clock=clock) as supervisor:
            supervisor.launch(Recorder("good", log), Quiet())
            supervisor.launch(Recorder("stuck", log, never), Quiet())
            await settle()
            supervisor.spawn("bad", lambda: fail_when(done, Broken("disk gone")))
            await supervisor.wait()

    done = asyncio.Event()
    done.set()
    task = asyncio.create_task(system())
    await settle(300)
    assert log == ["stuck told"]
    clock.advance(GRACEFUL_TIMEOUT / 2)  # its share of the time; the next is told although it has not ended
    await settle()
    assert log == ["stuck told", "good told", "good stopped"]
    clock.advance(GRACEFUL_TIMEOUT / 2 - 0.01)
    await settle()
    assert not task.done()
    clock.advance(0.02)
    await settle()
    assert log[-1] == "stuck cancelled"
    with pytest.raises(TaskFailed, match=r"^bad failed: disk gone$"):
        await task
    assert "recorder: did not stop in time, cancelled" in [record.message for record in caplog.records]
    assert clock.sleepers() == 0


async def test_a_part_that_ignores_cancellation_is_abandoned_and_named(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    release = asyncio.Event()
    log: list[str] = []

    async def system() -> None:
        async with Supervisor(clock=clock) as supervisor:
            supervisor.launch(Recorder("deaf", log, release, stubborn=True), Quiet())
            await settle()

    task = asyncio.create_task(system())
    await settle(200)
    clock.advance(GRACEFUL_TIMEOUT + 1)
    await settle()
    assert not task.done()
    clock.advance(CANCEL_TIMEOUT)
    await task
    assert "recorder: ignores cancellation, abandoned" in [record.message for record in caplog.records]
    release.set()
    await settle()
    assert log == ["deaf told", "deaf cancelled", "deaf stopped"]


async def test_a_message_in_flight_that_ignores_cancellation_is_abandoned_and_named(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    release = asyncio.Event()
    log: list[str] = []

    class Deaf(Recorder):
        async def process_input(self, message: int) -> Flow:
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    self.log.append(f"{self.label} cancelled")
            return Flow.CONTINUE

    async def system() -> None:
        async with Supervisor(clock=clock) as supervisor:
            supervisor.launch(Deaf("deaf", log), IteratorInput([1]))
            await settle()

    task = asyncio.create_task(system())
    await settle(200)
    clock.advance(GRACEFUL_TIMEOUT + 1)
    await settle()
    clock.advance(CANCEL_TIMEOUT)
    await settle()
    release.set()
    await task
    assert "recorder: ignores cancellation, abandoned" in [record.message for record in caplog.records]
    assert log == ["deaf cancelled", "deaf cancelled"]


@pytest.mark.checklist(23)
async def test_a_critical_task_that_ends_normally_does_not_stop_the_system() -> None:
    log: list[str] = []
    async with Supervisor() as supervisor:
        supervisor.launch(Recorder("short", log), IteratorInput([1]))
        supervisor.launch(Recorder("long", log), Quiet())
        waiting = asyncio.create_task(supervisor.wait())
        await settle(200)
        assert log == ["short told", "short stopped"]
        assert not waiting.done()
        supervisor.shutdown()
        await waiting


async def test_wait_returns_when_every_part_has_ended() -> None:
    class Diary(Recorder):
        async def process_input(self, message: int) -> Flow:
            self.log.append(f"{self.label} got {message}")
            return Flow.CONTINUE

    log: list[str] = []
    async with Supervisor() as supervisor:
        supervisor.launch(Diary("one", log), IteratorInput([1, 2]))
        await supervisor.wait()
        assert log == ["one got 1", "one got 2", "one told", "one stopped"]


async def test_a_task_that_is_not_critical_is_logged_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with Supervisor() as supervisor:
        now = asyncio.Event()
        now.set()
        supervisor.spawn("extra", lambda: fail_when(now, Broken("never mind")), critical=False)
        supervisor.launch(Recorder("one", []), Quiet())
        waiting = asyncio.create_task(supervisor.wait())
        await settle()
        assert not waiting.done()
        supervisor.shutdown()
        await waiting
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == ["extra: failed"]


async def test_a_critical_task_that_cancels_itself_is_a_failure() -> None:
    async def odd() -> None:
        raise asyncio.CancelledError

    async def system() -> None:
        async with Supervisor() as supervisor:
            supervisor.spawn("odd", odd)
            await supervisor.wait()

    with pytest.raises(TaskFailed, match="odd failed: cancelled by its own code"):
        await system()


async def test_a_plain_task_is_stopped_by_cancelling_it_and_that_is_no_failure() -> None:
    log: list[str] = []

    async def poll() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            log.append("cleaned up")

    async with Supervisor() as supervisor:
        supervisor.spawn("poller", poll)
        await settle()
    assert log == ["cleaned up"]


async def test_a_failure_stops_everything_at_once_whatever_the_block_is_doing() -> None:
    log: list[str] = []
    seen: list[str] = []
    strike = asyncio.Event()

    async def system() -> None:
        async with Supervisor() as supervisor:
            supervisor.launch(Recorder("one", log), Quiet())
            supervisor.spawn("bad", lambda: fail_when(strike, Broken("disk gone")))
            await settle()
            strike.set()
            await settle(200)  # the block does something else than wait
            seen.extend(log)

    with pytest.raises(TaskFailed, match="bad failed: disk gone"):
        await system()
    assert seen == ["one told", "one stopped"]


async def test_a_failure_while_stopping_is_still_the_result() -> None:
    async def fails_to_clean_up() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise Broken("cannot flush")

    async def system() -> None:
        async with Supervisor() as supervisor:
            supervisor.spawn("writer", fails_to_clean_up)
            await settle()

    with pytest.raises(TaskFailed, match="writer failed: cannot flush"):
        await system()


async def test_a_failure_takes_the_place_of_its_consequence_in_the_block() -> None:
    strike = asyncio.Event()

    async def system() -> None:
        async with Supervisor() as supervisor:
            supervisor.spawn("worker", lambda: fail_when(strike, Broken("disk gone")))
            strike.set()
            await settle()
            raise Broken("worker exited")

    with pytest.raises(TaskFailed, match="worker failed: disk gone") as raised:
        await system()
    assert str(raised.value.__context__) == "worker exited"


async def test_an_error_of_the_block_stops_everything_and_is_raised() -> None:
    log: list[str] = []

    async def system() -> None:
        async with Supervisor() as supervisor:
            supervisor.launch(Recorder("one", log), Quiet())
            await settle()
            raise CallerMistake("wrong file")

    with pytest.raises(CallerMistake, match="wrong file"):
        await system()
    assert log == ["one told", "one stopped"]


async def test_nothing_is_launched_after_stopping_has_begun() -> None:
    async with Supervisor() as supervisor:
        supervisor.shutdown()
        with pytest.raises(Stopping):
            supervisor.launch(Recorder("late", []), Quiet())
        with pytest.raises(Stopping):
            supervisor.spawn("late", settle)


async def test_cancelling_the_block_cuts_the_grace_short_but_leaves_no_part_running() -> None:
    log: list[str] = []

    async def system() -> None:
        async with Supervisor(clock=ManualClock()) as supervisor:
            supervisor.launch(Recorder("stuck", log, asyncio.Event()), Quiet())
            await settle()

    task = asyncio.create_task(system())
    await settle(200)
    assert log == ["stuck told"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["stuck told", "stuck cancelled"]


def test_a_negative_grace_is_the_callers_mistake() -> None:
    with pytest.raises(CallerMistake):
        Supervisor(graceful_timeout=-1)
