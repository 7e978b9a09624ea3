"""The job state machine: which arrows exist, and what a job found in flight at a start needs."""

from __future__ import annotations

from collections.abc import Mapping

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


def sent_again_at_start(found: JobStatus, prover_remembers: bool) -> bool:
    """Whether a job found in flight at a start is handed over again, rather than asked about.

    In SUBMITTING the prover may have it or not (the same key makes a second hand-over harmless); in SUBMITTED it has it,
    unless it forgets what it had when our process ends.
    """
    return found is JobStatus.SUBMITTING or not prover_remembers


def require(found: JobStatus, then: JobStatus) -> None:
    """Raises `WrongState` unless the arrow from `found` to `then` exists."""
    if then not in ARROWS[found]:
        raise WrongState(f"a job that is {found.name} cannot become {then.name}")


def sources(then: JobStatus) -> tuple[JobStatus, ...]:
    """The statuses from which an arrow leads to `then`, in order."""
    return tuple(status for status in JobStatus if then in ARROWS[status])
