"""What can go wrong with a proof job, in the families that decide about trying again."""

from __future__ import annotations

from enum import Enum

from proofplane.base.errors import CallerMistake, NeverAgain, ProofplaneError, Refused, TryAgain
from proofplane.proving.types import Failed, FailureReason


class JobLost(Refused):
    """The prover does not know a job that we had handed over: the next attempt hands it over anew."""


class ProverFailed(Refused):
    """The prover gave up on a job, or answered it with something that is no answer: another attempt may go well."""


class ProgramAborted(NeverAgain):
    """The program refuses this input: no attempt can succeed until its cause is found."""


class InputMissing(TryAgain):
    """The chain does not (yet) have the data of a planned proof."""


class NotReady(TryAgain):
    """A receipt was asked for before its job has completed."""


class RefusalReason(Enum):
    """Which check a receipt failed; the values are stored and shown."""

    PROGRAM = "program"
    PUBLIC_VALUES = "public values"
    PREDICATE = "predicate"


class ReceiptRefused(Refused):
    """A prover handed back a receipt that is not the proof we asked for; nothing of it is stored."""

    def __init__(self, reason: RefusalReason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class DuplicateRemoteId(Refused):
    """A prover gave a job the remote id of another proof's job: it cannot be told which of the two it would answer for."""


class StatusExists(CallerMistake):
    """A remote status was put twice: update it instead."""


class StatusMissing(CallerMistake):
    """A remote status was updated, or put, for a remote id that has none, or no job."""


class UnknownProof(CallerMistake):
    """A command names a proof that nobody planned, or of a block that the chain does not have."""


class WrongState(CallerMistake):
    """A command does not apply to the state in which the job is."""


def failure(answer: Failed) -> ProofplaneError:
    """The error that a prover's failure stands for; its family decides about the next attempt."""
    if answer.reason is FailureReason.UNEXECUTABLE:
        return ProgramAborted(str(answer))
    if answer.reason is FailureReason.LOST:
        return JobLost(str(answer))
    return ProverFailed(str(answer))


def as_failure(error: Exception) -> ProofplaneError:
    """An exception out of a backend as one of ours; what a backend did not mean to raise counts as its failure."""
    if isinstance(error, ProofplaneError):
        return error
    return ProverFailed(f"the prover raised {type(error).__name__}: {error}")
