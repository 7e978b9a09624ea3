"""Retries: derived from the family alone, bounded, deterministic."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.clock import ManualClock, settle
from proofplane.base.errors import Broken, CallerMistake, NeverAgain, ProofplaneError, Refused, TryAgain
from proofplane.service.retry import ATTEMPT, JITTER, TRANSIENT, BudgetSpent, RetryTier, classify, delay, retrying


class Busy(TryAgain):
    """A concrete error of a family."""


def test_the_family_alone_decides_and_every_family_is_decided() -> None:
    decided = {TryAgain: TRANSIENT, Refused: ATTEMPT, NeverAgain: None, CallerMistake: None, Broken: None}
    assert set(decided) == {family for family in ProofplaneError.__subclasses__() if family.__module__ == ProofplaneError.__module__}
    assert {family: classify(family("x")) for family in decided} == decided
    assert classify(Busy("x")) is TRANSIENT


@pytest.mark.parametrize("error", [ValueError("ours"), TimeoutError(), ConnectionError(), asyncio.CancelledError(), KeyboardInterrupt()])
def test_an_error_that_is_not_ours_is_not_retried(error: BaseException) -> None:
    assert classify(error) is None


@given(st.sampled_from([TRANSIENT, ATTEMPT]), st.integers(0, 200), st.binary(max_size=40))
def test_delays_are_bounded_deterministic_and_end_with_the_budget(tier: RetryTier, tries: int, seed: bytes) -> None:
    seconds = delay(tier, tries, seed)
    assert seconds == delay(tier, tries, seed)
    if tries >= tier.budget:
        assert seconds is None
    else:
        assert seconds is not None
        nominal = min(tier.cap, tier.first_delay * tier.factor**tries)
        assert nominal * (1 - JITTER) <= seconds <= nominal * (1 + JITTER)


def test_different_seeds_are_spread_over_the_jitter_range() -> None:
    delays = [delay(ATTEMPT, 0, bytes([seed])) for seed in range(200)]
    known = sorted(seconds for seconds in delays if seconds is not None)
    assert len(set(known)) == 200
    assert known[0] < 5.0 * 0.8
    assert known[-1] > 5.0 * 1.2


def test_the_two_tiers_differ_as_they_should() -> None:
    assert TRANSIENT.budget > 10 * ATTEMPT.budget
    assert TRANSIENT.first_delay < ATTEMPT.first_delay


def test_a_negative_number_of_tries_is_the_callers_mistake() -> None:
    with pytest.raises(CallerMistake):
        delay(TRANSIENT, -1, b"")


def failing_with(*errors: Exception) -> Iterator[Exception]:
    return iter(errors)


async def attempt(errors: Iterator[Exception]) -> str:
    for error in errors:
        raise error
    return "done"


async def test_retrying_waits_as_the_tier_says_tells_each_retry_and_returns_the_result() -> None:
    clock = ManualClock()
    told: list[tuple[str, int, float]] = []
    errors = failing_with(Busy("a"), Refused("b"), Busy("c"))
    task = asyncio.create_task(retrying(lambda: attempt(errors), clock, b"seed", lambda e, n, s: told.append((str(e), n, s))))
    await settle()
    for count in (1, 2, 3):
        assert len(told) == count
        clock.advance(told[-1][2] * 0.99)
        await settle()
        assert len(told) == count
        assert not task.done()
        clock.advance(told[-1][2] * 0.02)
        await settle()
    assert await task == "done"
    assert told == [
        ("a", 1, delay(TRANSIENT, 0, b"seed")),
        ("b", 1, delay(ATTEMPT, 0, b"seed")),
        ("c", 2, delay(TRANSIENT, 1, b"seed")),
    ]


@pytest.mark.parametrize(("error", "tier"), [(Busy("gone"), TRANSIENT), (Refused("forged"), ATTEMPT)])
async def test_a_spent_budget_ends_in_never_again_with_the_last_error(error: Exception, tier: RetryTier) -> None:
    clock = ManualClock()
    tries = 0

    async def fail() -> None:
        nonlocal tries
        tries += 1
        raise error

    task = asyncio.create_task(retrying(fail, clock, b""))
    while not task.done():
        await settle(5)
        clock.advance(delay(tier, tries - 1, b"") or 0.0)
    with pytest.raises(BudgetSpent, match=f"gave up after {tier.budget} retries") as raised:
        await task
    assert (tries, raised.value.tier, raised.value.retries, raised.value.last) == (tier.budget + 1, tier, tier.budget, error)
    assert classify(raised.value) is None


async def test_calls_that_take_long_before_they_fail_are_bounded_by_the_tiers_span() -> None:
    clock = ManualClock()
    call = 30.0
    begun: list[float] = []

    async def time_out() -> None:
        begun.append(clock.now())
        await clock.sleep_until(clock.now() + call)
        raise Busy("no answer")

    task = asyncio.create_task(retrying(time_out, clock, b""))
    while not task.done():
        await settle(5)
        clock.advance(0.5)
    with pytest.raises(BudgetSpent, match=r"gave up after 3\d retries in 1\d{3} s \(transient\): no answer") as raised:
        await task
    assert begun[-1] <= call + TRANSIENT.span
    assert raised.value.retries == len(begun) - 1
    assert TRANSIENT.span - TRANSIENT.cap * (1 + JITTER) <= raised.value.seconds <= TRANSIENT.span + call


async def test_each_tiers_span_begins_with_its_own_first_failure() -> None:
    clock = ManualClock()
    errors = failing_with(Refused("a"), Busy("b"))

    async def slow() -> str:
        await clock.sleep_until(clock.now() + TRANSIENT.span)
        return await attempt(errors)

    task = asyncio.create_task(retrying(slow, clock, b""))
    for _ in range(20):
        await settle(5)
        clock.advance(TRANSIENT.span / 4)
    assert await task == "done"


@pytest.mark.parametrize("tier", [TRANSIENT, ATTEMPT])
def test_a_tiers_span_holds_all_its_waits_whatever_the_jitter(tier: RetryTier) -> None:
    waits = (min(tier.cap, tier.first_delay * tier.factor**tries) for tries in range(tier.budget))
    assert sum(waits) * (1 + JITTER) < tier.span


async def test_an_error_that_is_not_retried_is_raised_at_once_as_it_is() -> None:
    error = NeverAgain("no key")
    with pytest.raises(NeverAgain) as raised:
        await retrying(lambda: attempt(failing_with(error)), ManualClock(), b"")
    assert raised.value is error
