"""What can go wrong with a lease or a worker, each in its family of base.errors. None of them says anything about what was asked."""

from __future__ import annotations

from collections.abc import Sequence

from proofplane.base.errors import Broken, CallerMistake, TryAgain
from proofplane.pool.exits import ExitCause


class BadPool(CallerMistake):
    """A pool's size, bound or time with which nothing could be served."""


class LeaseOver(CallerMistake):
    """A worker was used after its lease had ended: it may be somebody else's by then."""


class PoolClosed(TryAgain):
    """The pool is draining, closed, or was not entered yet: ask another one."""


class QueueFull(TryAgain):
    """So many leases wait that no further one may."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(f"{message}; try again in {retry_after:.2g} s")
        self.retry_after = retry_after
        """Seconds after which the queue, at its present speed, will have been served."""


class LeaseTimeout(TryAgain):
    """No worker became free, or ready, before the lease's deadline; nothing was asked of any."""


class WorkerError(TryAgain):
    """Base of what happened to one worker; whether it did what it was asked is not known."""

    def __init__(self, message: str, pid: int | None = None, cause: ExitCause | None = None, log: Sequence[str] = ()) -> None:
        super().__init__(_with(message, log))
        self.pid = pid
        """Its process id, if there was a process."""
        self.cause = cause
        """How its process ended; None if that is not known."""
        self.log = tuple(log)
        """The last lines of its output."""


class WorkerDied(WorkerError):
    """The worker's process ended during the call, or before the call reached it."""


class WorkerWedged(WorkerError):
    """The worker did not answer before the deadline; it was killed."""


class WorkerNotStarted(WorkerError):
    """A worker did not become ready (it died, hung, or the system was short of something), also when tried again."""


class WorkerUnusable(Broken):
    """A worker that starts will never do: its command cannot be run, or it was asked its greeting and failed."""

    def __init__(self, message: str, log: Sequence[str] = ()) -> None:
        super().__init__(_with(message, log))
        self.log = tuple(log)
        """The last lines of its output."""


class DisposalFailed(Broken):
    """A worker could not be ended properly: its process, socket or descriptors may be left behind, as the message says."""


def _with(message: str, log: Sequence[str]) -> str:
    return f"{message}; last lines: {' | '.join(log)}" if log else message
