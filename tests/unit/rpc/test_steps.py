"""A coroutine stepped by hand behaves as it would in a Task, whether it suspends never, once or many times, on asyncio and uvloop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from functools import partial
from typing import Any

import anyio
import pytest
import uvloop

from proofplane.rpc.steps import StandIn, Steps

Body = Callable[[], Coroutine[Any, Any, Any]]


class Rig:
    """Runs a coroutine as a pump does, from a callback of the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.steps = Steps(loop)
        self.tasks = 0

    async def run(self, body: Body) -> Any:
        outcome: asyncio.Future[Any] = self.loop.create_future()

        def begin() -> None:
            try:
                value = self.steps.first(body())
            except BaseException as error:
                outcome.set_exception(error)
                return
            assert asyncio.current_task() is None
            if not isinstance(value, StandIn):
                outcome.set_result(value)
            else:
                self.tasks += 1
                value.resume("rest").add_done_callback(settle)

        def settle(task: asyncio.Task[Any]) -> None:
            if task.cancelled():
                outcome.set_exception(asyncio.CancelledError())
            elif (error := task.exception()) is not None:
                outcome.set_exception(error)
            else:
                outcome.set_result(task.result())

        self.loop.call_soon(begin)
        return await outcome


def on_asyncio() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def on_uvloop() -> asyncio.AbstractEventLoop:
    return uvloop.new_event_loop()


@pytest.fixture(params=[on_asyncio, on_uvloop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Body], tuple[Any, int]]:
    def go(body: Body) -> tuple[Any, int]:
        with asyncio.Runner(loop_factory=request.param) as runner:
            rig = Rig(runner.get_loop())
            return runner.run(rig.run(body)), rig.tasks

    return go


Run = Callable[[Body], tuple[Any, int]]


@pytest.mark.parametrize("times", [0, 1, 2, 100])
def test_a_coroutine_that_suspends_so_often_gets_a_task_only_if_it_does(run: Run, times: int) -> None:
    async def body() -> int:
        for _ in range(times):
            await asyncio.sleep(0)
        return times

    assert run(body) == (times, min(times, 1))


def test_several_coroutines_that_suspend_at_once_each_go_on_with_their_own(run: Run) -> None:
    async def one(number: int) -> int:
        before = asyncio.current_task()
        await asyncio.sleep(0)
        assert asyncio.current_task() is before
        return number

    async def body() -> list[int]:
        rig = Rig(asyncio.get_running_loop())
        return await asyncio.gather(*[rig.run(partial(one, number)) for number in range(20)])

    assert run(body) == (list(range(20)), 1)


def test_what_was_first_waited_for_arrives(run: Run) -> None:
    async def body() -> int:
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, 7)
        return await future

    assert run(body) == (7, 1)


def test_what_was_first_waited_for_fails_inside_the_coroutine(run: Run) -> None:
    async def body() -> str:
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_exception, ValueError("no"))
        try:
            await future
        except ValueError as error:
            return str(error)
        return "nothing was raised"

    assert run(body) == ("no", 1)


@pytest.mark.parametrize("suspend", [False, True])
def test_an_error_comes_out_as_it_is(run: Run, suspend: bool) -> None:
    async def body() -> None:
        if suspend:
            await asyncio.sleep(0)
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        run(body)


def test_the_current_task_is_the_same_in_every_step(run: Run) -> None:
    async def body() -> bool:
        seen = [asyncio.current_task()]
        for _ in range(3):
            await asyncio.sleep(0)
            seen.append(asyncio.current_task())
        return all(one is seen[0] is not None for one in seen)

    assert run(body) == (True, 1)


def test_the_context_of_the_first_step_is_the_context_of_all(run: Run) -> None:
    variable: ContextVar[str] = ContextVar("variable", default="unset")

    async def body() -> tuple[str, str]:
        variable.set("first")
        await asyncio.sleep(0)
        during = variable.get()
        return during, await asyncio.create_task(read())

    async def read() -> str:
        return variable.get()

    assert run(body) == (("first", "first"), 1)
    assert variable.get() == "unset"


def test_a_timeout_that_is_entered_in_the_first_step_expires(run: Run) -> None:
    async def body() -> str:
        try:
            async with asyncio.timeout(0.001):
                await asyncio.get_running_loop().create_future()
        except TimeoutError:
            await asyncio.sleep(0)
            return "expired"
        return "went on"

    assert run(body) == ("expired", 1)


def test_a_timeout_that_does_not_expire_leaves_nothing_behind(run: Run) -> None:
    async def body() -> int:
        async with asyncio.timeout(60):  # noqa: ASYNC100 - it is the entering and leaving that is tested
            pass
        async with asyncio.timeout(60):
            await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert run(body) == (0, 1)


def test_a_task_group_works_from_the_first_step_on(run: Run) -> None:
    async def double(number: int) -> int:
        await asyncio.sleep(0)
        return 2 * number

    async def body() -> list[int]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(double(number)) for number in range(5)]
        return [task.result() for task in tasks]

    assert run(body) == ([0, 2, 4, 6, 8], 1)


def test_a_task_group_whose_task_fails_cancels_the_coroutine(run: Run) -> None:
    async def fail() -> None:
        raise ValueError("one of them")

    async def body() -> str:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
                await asyncio.get_running_loop().create_future()
        except* ValueError:
            pass
        await asyncio.sleep(0)
        return "went on"

    assert run(body) == ("went on", 1)


def test_an_anyio_scope_that_is_entered_in_the_first_step_is_left_in_a_later_one(run: Run) -> None:
    async def body() -> tuple[str, bool]:
        with anyio.fail_after(60):
            await asyncio.sleep(0)
        with anyio.move_on_after(0.001) as scope:
            await anyio.sleep_forever()
        return "left", scope.cancelled_caught

    assert run(body) == (("left", True), 1)


def test_a_coroutine_that_cancels_itself_before_it_suspends_is_cancelled_there(run: Run) -> None:
    reached: list[str] = []

    async def body() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        reached.append("before")
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            reached.append("finally")
        reached.append("after")

    with pytest.raises(asyncio.CancelledError):
        run(body)
    assert reached == ["before", "finally"]


def test_a_coroutine_that_cancels_itself_and_ends_counts_as_cancelled(run: Run) -> None:
    async def body() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()

    with pytest.raises(asyncio.CancelledError):
        run(body)


def test_cancelling_and_uncancelling_count_through_the_first_suspension(run: Run) -> None:
    async def body() -> list[int]:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        task.cancel()
        counts = [task.cancelling(), task.uncancel()]
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            counts.append(task.cancelling())
        counts.append(task.uncancel())
        await asyncio.sleep(0)
        return counts

    assert run(body) == ([2, 1, 1, 0], 1)


def test_cancelling_reaches_what_the_coroutine_waits_for(run: Run) -> None:
    async def body() -> bool:
        task = asyncio.current_task()
        inner = asyncio.ensure_future(asyncio.sleep(60))
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)
        try:
            await inner
        except asyncio.CancelledError:
            return inner.cancelled()
        return False

    assert run(body) == (True, 1)


@pytest.mark.parametrize("times", [0, 1])
def test_a_callback_for_the_end_is_called_with_the_task_it_was_asked_of(run: Run, times: int) -> None:
    called: list[object] = []
    asked: list[object] = []

    async def body() -> None:
        task = asyncio.current_task()
        assert task is not None
        asked.append(task)
        task.add_done_callback(called.append)
        for _ in range(times):
            await asyncio.sleep(0)

    async def whole() -> None:
        await Rig(asyncio.get_running_loop()).run(body)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(whole())
    assert called == asked
    assert isinstance(called[0], StandIn)


def test_the_task_is_known_by_its_name_and_coroutine(run: Run) -> None:
    async def body() -> tuple[str, str, str]:
        task = asyncio.current_task()
        assert task is not None
        before = task.get_name()
        await asyncio.sleep(0)
        coroutine = task.get_coro()
        assert coroutine is not None
        return before.split(".")[-1], task.get_name(), coroutine.__qualname__.split(".")[-1]

    assert run(body) == (("body", "rest", "body"), 1)
