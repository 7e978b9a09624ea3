"""Bounds with which nothing could be served are refused."""

from __future__ import annotations

import math

import pytest

from proofplane.pool.errors import BadPool
from proofplane.pool.pool import WorkerPool
from proofplane.pool.types import PoolOptions, WorkerSpec


@pytest.mark.parametrize(
    "bound",
    [{"max_waiting": 0}, {"max_leases": 0}, {"max_age": -1.0}, {"kill_timeout": math.nan}, {"probe_after": -0.1}, {"fresh_at_once": 0}],
)
def test_a_bound_that_is_none_is_refused(bound: dict[str, float]) -> None:
    (name,) = bound
    with pytest.raises(BadPool, match=name):
        PoolOptions(**bound)  # type: ignore[arg-type] - one of each kind


def test_a_pool_has_at_least_one_worker() -> None:
    with pytest.raises(BadPool, match="at least 1 worker, not 0"):
        WorkerPool(WorkerSpec("none", lambda address: ()), 0)
