"""The job state machine: which arrows exist, and what a status found at start asks for."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from proofplane.proving.errors import WrongState
from proofplane.proving.types import JobStatus

_P = JobStatus

ARROWS: Mapping[JobStatus, frozenset[JobStatus]] = {
    _P.PLANNED: frozenset({_P.SUBMITTING, _P.FAILED, _P.ABORTED}),
    # SUBMITTING again: handed over a second time under the same key, its counter raised first.
    _P.SUBMITTING: frozenset({_P.SUBMITTING, _P.SUBMITTED, _P.FAILED, _P.ABORTED}),
    # SUBMITTING after SUBMITTED: the prover that had it has died with our process.
    _P.SUBMITTED: frozenset({_P.SUBMITTING, _P.DONE, _P.FAILED, _P.ABORTED}),
    _P.DONE: frozenset(),
    _P.FAILED: frozenset(),
    _P.ABORTED: frozenset(),
}

IN_FLIGHT = frozenset({JobStatus.SUBMITTING, JobStatus.SUBMITTED})
"""What uses the prover's capacity."""

ASKABLE = frozenset({JobStatus.FAILED, JobStatus.ABORTED})
"""What an operator may ask for again, as the next attempt."""


class AtStart(Enum):
    """What the first cycles after a start do with a job, by the status in which it is found."""

    QUEUE = "queue"
    SEND_AGAIN = "send again"
    """The prover may have it or not: the same key makes the second hand-over harmless."""
    POLL = "poll"
    NOTHING = "nothing"


_AT_START = {JobStatus.PLANNED: AtStart.QUEUE, JobStatus.SUBMITTING: AtStart.SEND_AGAIN, JobStatus.SUBMITTED: AtStart.POLL}


def at_start(status: JobStatus, prover_remembers: bool) -> AtStart:
    """What a job found in `status` needs, by whether the prover still knows what it had."""
    if status is JobStatus.SUBMITTED and not prover_remembers:
        return AtStart.SEND_AGAIN
    return _AT_START.get(status, AtStart.NOTHING)


def require(found: JobStatus, then: JobStatus) -> None:
    """Raises `WrongState` unless the arrow from `found` to `then` exists."""
    if then not in ARROWS[found]:
        raise WrongState(f"a job that is {found.name} cannot become {then.name}")


def sources(then: JobStatus) -> tuple[JobStatus, ...]:
    """The statuses from which an arrow leads to `then`, in order."""
    return tuple(status for status in JobStatus if then in ARROWS[status])
