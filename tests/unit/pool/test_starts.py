"""The pauses between starts that fail."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from proofplane.base.errors import Broken, TryAgain
from proofplane.pool.starts import Starts, backoff
from proofplane.pool.types import PoolOptions

OPTIONS = PoolOptions(first_backoff=0.5, max_backoff=7.0, start_retries=2)


@given(st.integers(0, 10_000))
def test_a_pause_is_at_least_the_one_before_and_at_most_the_bound(failures: int) -> None:
    pauses = [backoff(OPTIONS, failures), backoff(OPTIONS, failures + 1)]
    assert pauses == sorted(pauses)
    assert pauses[1] <= 7.0


def test_as_long_as_nothing_has_failed_all_may_start() -> None:
    assert Starts(OPTIONS).allowed(0.0, 8, 3) == 8


def test_after_a_failure_one_may_start_after_the_pause_if_none_is_under_way() -> None:
    starts = Starts(OPTIONS)
    starts.failed(0, 0.0, TryAgain())
    assert [starts.allowed(now, 8, under_way) for now, under_way in ((0.4, 0), (0.5, 1), (0.5, 0))] == [0, 0, 1]


def test_hope_ends_with_the_retries_and_comes_back_when_all_were_told() -> None:
    starts = Starts(OPTIONS)
    for number in range(3):
        assert not starts.hopeless
        starts.failed(number, 0.0, TryAgain())
        starts.failed(number, 0.0, TryAgain())
    assert starts.hopeless
    starts.told()
    assert not starts.hopeless
    assert starts.allowed(0.0, 2, 0) == 2


def test_an_error_that_comes_again_ends_it_at_once_and_a_success_begins_anew() -> None:
    starts = Starts(OPTIONS)
    starts.failed(0, 0.0, Broken())
    assert starts.hopeless
    starts.succeeded()
    assert not starts.hopeless
    assert starts.last_failure is None
