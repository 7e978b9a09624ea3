"""The service loop: hooks, status, errors, shutdown, and that nobody is left waiting for a service that is gone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from kit.clock import settle
from proofplane.base.errors import Broken
from proofplane.service.commands import CommandChannel, Completion, WorkerExited, WorkerExitedWithoutResponse
from proofplane.service.inputs import ChannelInput, Input, IteratorInput, StreamInput
from proofplane.service.monitor import Monitor, StatusCell
from proofplane.service.service import CancelledItself, Flow, Service, ShutdownSignal, run_service
from proofplane.service.subscriptions import Feed, Subscribers, SubscriptionEnded


class Counter(Service[int, int]):
    """Adds up its messages: 0 asks it to exit, a negative one is an error, 99 never returns, 98 raises CancelledError."""

    name: ClassVar[str] = "counter"

    def __init__(self, launch_error: Exception | None = None, shutdown_error: Exception | None = None, hang: bool = False) -> None:
        self.total = 0
        self.hooks: list[object] = []
        self.launch_error = launch_error
        self.shutdown_error = shutdown_error
        self.hang = hang

    def status(self) -> int:
        return self.total

    async def on_launch(self) -> None:
        self.hooks.append("launch")
        if self.launch_error is not None:
            raise self.launch_error
        if self.hang:
            await asyncio.Event().wait()

    async def process_input(self, message: int) -> Flow:
        self.hooks.append(message)
        self.total += abs(message)
        if message < 0:
            raise Broken(f"cannot add {message}")
        if message == 98:
            raise asyncio.CancelledError
        if message == 99:
            await asyncio.Event().wait()
        return Flow.SHOULD_EXIT if message == 0 else Flow.CONTINUE

    async def before_shutdown(self, error: BaseException | None) -> None:
        self.hooks.append(("shutdown", error))
        if self.shutdown_error is not None:
            raise self.shutdown_error

    def on_exit(self) -> None:
        self.hooks.append("exit")


@dataclass
class Run:
    """A service that runs."""

    task: asyncio.Task[None]
    shutdown: ShutdownSignal
    monitor: Monitor[int]
    statuses: list[int] = field(default_factory=list)


def run(service: Counter, source: Input[int]) -> Run:
    cell = StatusCell(service.status())
    shutdown = ShutdownSignal()
    return Run(asyncio.create_task(run_service(service, source, shutdown, cell)), shutdown, cell.monitor())


class Endless:
    """An input without messages."""

    async def recv_next(self) -> int | None:
        await asyncio.Event().wait()
        return None


@pytest.mark.checklist(10)
async def test_an_on_launch_error_is_the_tasks_error_and_before_shutdown_is_not_called() -> None:
    error = Broken("no state")
    service = Counter(launch_error=error)
    with pytest.raises(Broken) as raised:
        await run(service, IteratorInput([1])).task
    assert raised.value is error
    assert service.hooks == ["launch", "exit"]


@pytest.mark.checklist(11)
async def test_a_processing_error_goes_to_before_shutdown_and_propagates_and_the_status_is_unchanged() -> None:
    service = Counter()
    running = run(service, IteratorInput([5, -1, 7]))
    with pytest.raises(Broken, match="cannot add -1") as raised:
        await running.task
    assert service.hooks == ["launch", 5, -1, ("shutdown", raised.value), "exit"]
    assert service.total == 6
    assert running.monitor.current() == 5


async def test_an_input_error_goes_to_before_shutdown_and_propagates() -> None:
    service = Counter()
    with pytest.raises(ZeroDivisionError) as raised:
        await run(service, IteratorInput(1 // n for n in (1, 0))).task
    assert service.hooks == ["launch", 1, ("shutdown", raised.value), "exit"]


@pytest.mark.checklist(12)
async def test_should_exit_publishes_the_status_calls_before_shutdown_with_none_and_succeeds() -> None:
    service = Counter()
    service.total = 3
    cell = StatusCell(0)
    listener = cell.listen()
    await run_service(service, IteratorInput([4, 0, 1]), ShutdownSignal(), cell)
    assert service.hooks == ["launch", 4, 0, ("shutdown", None), "exit"]
    assert [await listener.recv_next() for _ in range(4)] == [3, 7, 7, None]


@pytest.mark.checklist(13)
async def test_input_none_is_success() -> None:
    service = Counter()
    await run(service, IteratorInput([])).task
    assert service.hooks == ["launch", ("shutdown", None), "exit"]


@pytest.mark.checklist(14)
@pytest.mark.parametrize("messages", [[1], [-1]], ids=["a good end", "a bad end"])
async def test_before_shutdowns_error_is_logged_and_the_result_unaffected(messages: list[int], caplog: pytest.LogCaptureFixture) -> None:
    service = Counter(shutdown_error=Broken("cannot flush"))
    (result,) = await asyncio.gather(run(service, IteratorInput(messages)).task, return_exceptions=True)
    assert str(result) == ("None" if messages == [1] else "cannot add -1")
    assert [(record.levelname, record.message) for record in caplog.records] == [("ERROR", "counter: before_shutdown failed")]
    assert service.hooks[-1] == "exit"


@pytest.mark.checklist(15)
async def test_the_status_right_after_launch_is_the_initial_state() -> None:
    service = Counter()
    service.total = 11
    running = run(service, Endless())
    assert running.monitor.current() == 11
    await settle()
    assert running.monitor.current() == 11
    running.shutdown.set()
    await running.task


async def test_the_status_after_on_launch_is_what_it_resumed() -> None:
    class Resuming(Counter):
        async def on_launch(self) -> None:
            self.total = 500

    running = run(Resuming(), Endless())
    assert running.monitor.current() == 0
    assert await running.monitor.changed() == 500
    running.shutdown.set()
    await running.task


@pytest.mark.checklist(16)
async def test_shutdown_ends_an_idle_service_and_before_shutdown_is_called() -> None:
    service = Counter()
    running = run(service, Endless())
    await settle()
    assert not running.task.done()
    running.shutdown.set()
    await running.task
    assert service.hooks == ["launch", ("shutdown", None), "exit"]


async def test_shutdown_cancels_a_message_in_flight_and_its_status_is_not_published() -> None:
    service = Counter()
    running = run(service, IteratorInput([1, 99]))
    await settle()
    assert service.total == 100
    running.shutdown.set()
    await running.task
    assert service.hooks == ["launch", 1, 99, ("shutdown", None), "exit"]
    assert running.monitor.current() == 1


async def test_shutdown_ends_a_service_whose_input_is_always_ready() -> None:
    service = Counter()
    running = run(service, IteratorInput(iter(lambda: 1, 0)))
    await settle()
    running.shutdown.set()
    await running.task
    assert 1 < service.total < 1000
    assert running.monitor.current() == service.total


async def test_shutdown_during_on_launch_ends_well_without_before_shutdown() -> None:
    service = Counter(hang=True)
    running = run(service, IteratorInput([1]))
    await settle()
    running.shutdown.set()
    await running.task
    assert service.hooks == ["launch", "exit"]


async def test_a_service_cancelled_from_outside_ends_cancelled_and_still_lets_go() -> None:
    service = Counter()
    producer = Subscribers[int]()
    running = run(service, StreamInput(producer.subscribe()))
    await settle()
    running.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running.task
    assert service.hooks == ["launch", "exit"]
    assert len(producer) == 0
    assert await running.monitor.changed() == 0
    with pytest.raises(SubscriptionEnded):
        await running.monitor.changed()


class Deaf(Counter):
    """Ignores every cancellation of a message until `release`; a negative message fails then."""

    def __init__(self) -> None:
        super().__init__()
        self.release = asyncio.Event()

    async def process_input(self, message: int) -> Flow:
        while not self.release.is_set():
            try:
                await self.release.wait()
            except asyncio.CancelledError:
                self.hooks.append("cancelled")
        return await super().process_input(message)


@pytest.mark.parametrize("told", [False, True], ids=["cancelled twice", "told to stop, then cancelled"])
async def test_a_service_cancelled_again_while_its_work_ignores_it_does_not_end_before_its_work(told: bool) -> None:
    service = Deaf()
    running = run(service, IteratorInput([5]))
    await settle()
    try:
        for count in (1, 2, 3):
            if told and count == 1:
                running.shutdown.set()
            else:
                running.task.cancel()
            await settle()
            assert service.hooks == ["launch", *["cancelled"] * count]
            assert not running.task.done()
    finally:
        service.release.set()
    with pytest.raises(asyncio.CancelledError):
        await running.task
    assert service.hooks == ["launch", "cancelled", "cancelled", "cancelled", 5, "exit"]


async def test_an_error_of_the_work_of_a_cancelled_service_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    service = Deaf()
    running = run(service, IteratorInput([-1]))
    await settle()
    running.task.cancel()
    await settle()
    service.release.set()
    with pytest.raises(asyncio.CancelledError):
        await running.task
    assert [(record.levelname, record.message) for record in caplog.records] == [("ERROR", "counter: failed when it was cancelled")]
    assert caplog.records[0].exc_info is not None
    assert str(caplog.records[0].exc_info[1]) == "cannot add -1"


async def test_a_service_that_raises_cancelled_error_itself_is_broken_not_stopped() -> None:
    service = Counter()
    with pytest.raises(CancelledItself, match="counter"):
        await run(service, IteratorInput([98])).task
    assert [hook[0] if isinstance(hook, tuple) else hook for hook in service.hooks] == ["launch", 98, "shutdown", "exit"]


async def test_an_error_of_on_exit_is_logged_and_the_input_closed_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Counter):
        def on_exit(self) -> None:
            raise Broken("cannot let go")

    channel = CommandChannel[int]()
    channel.finish()
    await run(Failing(), ChannelInput(channel)).task
    assert [record.message for record in caplog.records] == ["counter: on_exit failed"]
    with pytest.raises(WorkerExited):
        await channel.handle().send(1)


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask for the answer; `fatal` kills the service before it answers."""

    fatal: bool
    done: Completion[str]


class Oracle(Service[Ask, None]):
    """Answers, or dies."""

    name: ClassVar[str] = "oracle"

    def status(self) -> None:
        return None

    async def process_input(self, message: Ask) -> Flow:
        if message.fatal:
            raise Broken("struck by lightning")
        message.done.succeed("42")
        return Flow.CONTINUE


@pytest.mark.checklist(17)
async def test_a_service_that_dies_before_replying_gives_worker_exited_without_response_and_afterwards_worker_exited() -> None:
    channel = CommandChannel[Ask]()
    handle = channel.handle()
    task = asyncio.create_task(run_service(Oracle(), ChannelInput(channel), ShutdownSignal(), StatusCell(None)))
    assert await handle.call(lambda done: Ask(False, done)) == "42"
    fatal: asyncio.Task[str] = asyncio.create_task(handle.call(lambda done: Ask(True, done)))
    queued: asyncio.Task[str] = asyncio.create_task(handle.call(lambda done: Ask(False, done)))
    with pytest.raises(WorkerExitedWithoutResponse):
        await fatal
    with pytest.raises(WorkerExitedWithoutResponse):
        await queued
    with pytest.raises(WorkerExited):
        await handle.call(lambda done: Ask(False, done))
    with pytest.raises(Broken, match="lightning"):
        await task


class Committer(Service[int, int]):
    """Emits each message; fails at a negative one."""

    name: ClassVar[str] = "committer"

    def __init__(self) -> None:
        self._commits = Subscribers[int]()

    def commits(self) -> Feed[int]:
        return self._commits.feed()

    def status(self) -> int:
        return 0

    async def process_input(self, message: int) -> Flow:
        if message < 0:
            raise Broken("disk full")
        self._commits.emit(message)
        return Flow.CONTINUE

    def on_exit(self) -> None:
        self._commits.close()


@dataclass
class CommitterHandle:
    """What other parts keep of the service: upstream kept a sender in here."""

    commits: Feed[int]


@pytest.mark.parametrize("how", ["fails", "is cancelled", "ends"])
async def test_defect_l_a_dead_producers_stream_ends_although_its_handle_lives(how: str) -> None:
    committer = Committer()
    handle = CommitterHandle(committer.commits())
    consumer = Counter()
    consuming = run(consumer, StreamInput(handle.commits.subscribe()))
    channel = CommandChannel[int]()
    producing = asyncio.create_task(run_service(committer, ChannelInput(channel), ShutdownSignal(), StatusCell(0)))
    await channel.handle().send(3)
    await settle()
    assert not consuming.task.done()
    if how == "fails":
        await channel.handle().send(-1)
    elif how == "is cancelled":
        producing.cancel()
    else:
        channel.finish()
    await asyncio.gather(producing, return_exceptions=True)
    await consuming.task
    assert consumer.hooks == ["launch", 3, ("shutdown", None), "exit"]
    with pytest.raises(SubscriptionEnded):
        await handle.commits.subscribe().recv()
