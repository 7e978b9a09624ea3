"""How an exit is told."""

import signal

import pytest

from proofplane.pool.exits import ExitCause, Recycle


@pytest.mark.parametrize(
    ("returncode", "recycled", "text"),
    [
        (3, None, "ended with exit code 3"),
        (-9, None, "was killed by SIGKILL"),
        (-9, Recycle.DIED, "was killed by SIGKILL"),
        (-250, None, "was killed by signal 250"),
        (None, None, "closed its connection"),
        (-9, Recycle.OVERDUE, "was ended by the pool: its lease's deadline had passed"),
    ],
)
def test_an_exit_says_who_ended_the_process_and_how(returncode: int | None, recycled: Recycle | None, text: str) -> None:
    assert str(ExitCause.of(returncode, recycled)) == text


def test_a_return_code_is_a_signal_or_an_exit_code() -> None:
    assert ExitCause.of(-signal.SIGTERM) == ExitCause(None, 15)
    assert ExitCause.of(0) == ExitCause(0, None)


def test_only_sound_workers_are_asked_to_end() -> None:
    gentle = {Recycle.LEASES, Recycle.AGE, Recycle.MEMORY, Recycle.EXPIRED, Recycle.CONDEMNED, Recycle.SIBLING, Recycle.CLOSED}
    assert {cause for cause in Recycle if cause.gentle} == gentle
