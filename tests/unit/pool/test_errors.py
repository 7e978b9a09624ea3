"""Each error's family says what to do."""

import inspect

import pytest

from proofplane.base.errors import Broken, CallerMistake, ProofplaneError, TryAgain
from proofplane.pool import errors
from proofplane.pool.errors import QueueFull, WorkerDied
from proofplane.pool.exits import ExitCause
from proofplane.service.retry import TRANSIENT, classify


def test_the_families_of_all_errors() -> None:
    found = {
        name: next(base for base in kind.__mro__ if base in (CallerMistake, TryAgain, Broken))
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, ProofplaneError) and kind.__module__ == errors.__name__
    }
    assert found == {
        "BadPool": CallerMistake,
        "LeaseOver": CallerMistake,
        "PoolClosed": TryAgain,
        "QueueFull": TryAgain,
        "LeaseTimeout": TryAgain,
        "WorkerError": TryAgain,
        "WorkerDied": TryAgain,
        "WorkerWedged": TryAgain,
        "WorkerNotStarted": TryAgain,
        "WorkerUnusable": Broken,
        "DisposalFailed": Broken,
    }


def test_a_refused_lease_may_be_asked_for_again() -> None:
    error = QueueFull("5 leases wait", 1.5)
    assert str(error) == "5 leases wait; try again in 1.5 s"
    assert classify(error) is TRANSIENT


@pytest.mark.parametrize(("log", "text"), [((), "it died"), (("a", "b"), "it died; last lines: a | b")])
def test_the_last_lines_ride_on_the_error(log: tuple[str, ...], text: str) -> None:
    error = WorkerDied("it died", 7, ExitCause(1), log)
    assert (str(error), error.pid, error.cause, error.log) == (text, 7, ExitCause(1), log)
