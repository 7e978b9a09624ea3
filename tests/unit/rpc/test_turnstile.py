"""Callers pass the turnstile in the order in which they came, whoever gives up meanwhile; checked against a list."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.rpc.turnstile import Turnstile


class Model:
    """A queue, the naive way: who waits in order, who has passed."""

    def __init__(self) -> None:
        self.waiting: list[int] = []
        self.passed: list[int] = []


steps = st.lists(
    st.one_of(st.just(("come",)), st.tuples(st.just("admit"), st.integers(0, 3)), st.tuples(st.just("cancel"), st.integers(0, 5)))
)


@given(steps)
def test_callers_pass_in_order_and_never_more_than_there_is_room(plan: list[tuple[str, int]]) -> None:
    async def run() -> None:
        turnstile, model = Turnstile(asyncio.get_running_loop()), Model()
        passed: list[int] = []
        tasks: dict[int, asyncio.Task[None]] = {}

        async def caller(number: int) -> None:
            await turnstile.wait()
            passed.append(number)

        for step in plan:
            if step[0] == "come":
                number = len(tasks)
                tasks[number] = asyncio.create_task(caller(number))
                model.waiting.append(number)
            elif step[0] == "admit":
                turnstile.admit(step[1])
                model.passed += model.waiting[: step[1]]
                del model.waiting[: step[1]]
            elif step[1] < len(model.waiting):
                tasks[model.waiting.pop(step[1])].cancel()
            for _ in range(3):
                await asyncio.sleep(0)
            assert passed == model.passed
            assert len(turnstile) == len(model.waiting)
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        assert len(turnstile) == 0

    asyncio.run(run())


async def test_one_that_is_cancelled_when_its_turn_has_come_gives_it_to_the_next() -> None:
    turnstile = Turnstile(asyncio.get_running_loop())
    first, second = asyncio.create_task(turnstile.wait()), asyncio.create_task(turnstile.wait())
    await asyncio.sleep(0)

    turnstile.admit(1)
    assert len(turnstile) == 2
    first.cancel()

    await second
    assert first.cancelled()
    assert len(turnstile) == 0


async def test_one_whose_coroutine_is_closed_waits_no_longer() -> None:
    turnstile = Turnstile(asyncio.get_running_loop())
    closed, later = turnstile.wait(), asyncio.create_task(turnstile.wait())
    closed.send(None)
    await asyncio.sleep(0)
    assert len(turnstile) == 2

    closed.close()
    assert len(turnstile) == 1
    turnstile.admit(1)
    await later
    assert len(turnstile) == 0


async def test_one_whose_coroutine_is_closed_when_its_turn_has_come_gives_it_to_the_next() -> None:
    turnstile = Turnstile(asyncio.get_running_loop())
    closed, later = turnstile.wait(), asyncio.create_task(turnstile.wait())
    closed.send(None)
    await asyncio.sleep(0)
    turnstile.admit(1)

    closed.close()
    await later
    assert len(turnstile) == 0


async def test_one_that_found_no_room_waits_before_all_others() -> None:
    turnstile = Turnstile(asyncio.get_running_loop())
    later = asyncio.create_task(turnstile.wait())
    await asyncio.sleep(0)
    again = asyncio.create_task(turnstile.wait(first=True))
    await asyncio.sleep(0)

    turnstile.admit(1)
    await again

    assert not later.done()
    later.cancel()


async def test_everybody_is_sent_away_with_an_error_of_their_own() -> None:
    turnstile = Turnstile(asyncio.get_running_loop())
    waiting = [asyncio.create_task(turnstile.wait()) for _ in range(3)]
    await asyncio.sleep(0)

    turnstile.fail(ConnectionError("over"))

    errors = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(error) for error in errors] == ["over"] * 3
    assert len({id(error) for error in errors}) == 3
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await turnstile.wait()
