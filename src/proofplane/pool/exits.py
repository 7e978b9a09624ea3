"""Why a worker was ended by the pool, and how its process ended."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import Enum


class Recycle(Enum):
    """Why a worker was ended."""

    LEASES = "it had served max_leases"
    AGE = "it had reached max_age"
    MEMORY = "it held more than max_memory"
    EXPIRED = "its generation had expired"
    CONDEMNED = "its lessee condemned it"
    DIED = "its process ended by itself"
    TIMED_OUT = "a call was not answered in time"
    CANCELLED = "its lessee was cancelled"
    FAILED = "its lease ended with an error"
    OVERDUE = "its lease's deadline had passed"
    PROBE = "it did not answer the probe"
    START = "it did not become ready"
    SIBLING = "another one of the same start failed"
    CLOSED = "the pool was closed"
    CUT_OFF = "the pool was closed under it"

    @property
    def gentle(self) -> bool:
        """Whether such a worker is idle and sound, so that it may end by itself; all others are killed."""
        return self in _GENTLE


_GENTLE = frozenset({Recycle.LEASES, Recycle.AGE, Recycle.MEMORY, Recycle.EXPIRED, Recycle.CONDEMNED, Recycle.SIBLING, Recycle.CLOSED})


@dataclass(frozen=True, slots=True)
class ExitCause:
    """How a worker's process ended."""

    code: int | None
    """The exit code; None if a signal ended it or it was not seen to end."""

    signal: int | None = None
    """The number of the signal that ended it."""

    recycled: Recycle | None = None
    """Why the pool ended it; None if it was not the pool."""

    @classmethod
    def of(cls, returncode: int | None, recycled: Recycle | None = None) -> ExitCause:
        """From a return code in the manner of `subprocess`: negative for a signal, None for not ended."""
        if returncode is not None and returncode < 0:
            return cls(None, -returncode, recycled)
        return cls(returncode, None, recycled)

    def __str__(self) -> str:
        if self.recycled not in (None, Recycle.DIED):
            return f"was ended by the pool: {self.recycled.value}"
        if self.signal is not None:
            return f"was killed by {_signal_name(self.signal)}"
        return "closed its connection" if self.code is None else f"ended with exit code {self.code}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
