"""Values of proving: jobs and their states, what is handed to a prover, what it answers, what we expect of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import NewType

from proofplane.base.errors import CallerMistake
from proofplane.base.ids import Hash32
from proofplane.base.predicate import Predicate
from proofplane.base.proof_id import RecursiveId, StepId
from proofplane.base.receipt import Receipt

JobKey = NewType("JobKey", bytes)
"""Idempotency key of one attempt at one proof, 32 bytes; `identity.job_key` makes it."""

ProofKey = NewType("ProofKey", bytes)
"""`ProofId.key()`: names a proof in tables and in memory; byte order is the order of work."""

AnyProofId = StepId | RecursiveId

MAX_REMOTE_ID = 512
"""Bytes of a remote id that are accepted; a longer one is a prover's mistake and would bloat every row."""

FIRST_ATTEMPT = 1


class MalformedRemoteId(CallerMistake):
    """Bytes that cannot be a remote id."""


class RemoteId(bytes):
    """A prover's own name for a job: 1 to `MAX_REMOTE_ID` opaque bytes, shown as hex."""

    __slots__ = ()

    def __new__(cls, raw: bytes) -> RemoteId:
        """Raises `MalformedRemoteId` if `raw` is empty or too long."""
        if not 0 < len(raw) <= MAX_REMOTE_ID:
            raise MalformedRemoteId(f"a remote id has 1 to {MAX_REMOTE_ID} bytes, not {len(raw)}")
        return super().__new__(cls, raw)

    def __str__(self) -> str:
        return self.hex()

    def __repr__(self) -> str:
        return f"RemoteId({self.hex()})"


class JobStatus(IntEnum):
    """Where one attempt at one proof stands; each arrow is a transaction written before the act that it announces.

    ```
     PLANNED ──> SUBMITTING ──> SUBMITTED(remote id) ──> DONE
        │             │                │
        └─────────────┴────────────────┴──> FAILED(reason) or, asked for by the operator, ABORTED
    ```

    SUBMITTED -> SUBMITTING happens only at a start, if the prover died with the process that had used it.
    FAILED and ABORTED end an attempt; the next one is a new row in PLANNED.
    PLANNED -> FAILED happens only if the chain never yields the program's input. The numbers are stored.
    """

    PLANNED = 0
    SUBMITTING = 1
    SUBMITTED = 2
    DONE = 3
    FAILED = 4
    ABORTED = 5


class RemotePhase(IntEnum):
    """A job's progress as its prover tells it; the numbers are stored."""

    REQUESTED = 0
    IN_PROGRESS = 1
    COMPLETED = 2


class FailureReason(Enum):
    """Why a prover gave up on a job; the values are stored and shown."""

    UNEXECUTABLE = "unexecutable"
    """The program aborted on this input: no prover can prove it."""
    UNFULFILLABLE = "unfulfillable"
    """This prover cannot do it now; also what a pipelined job becomes when its prerequisite fails."""
    REVERTED = "reverted"
    EXPIRED = "expired"
    LOST = "lost"
    """The prover does not know the job (any more)."""
    OTHER = "other"
    """Only the text says more."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A prover's answer that a job will not complete."""

    reason: FailureReason
    text: str = ""

    def __str__(self) -> str:
        return f"{self.reason.value}: {self.text}" if self.text else self.reason.value


RemoteStatus = RemotePhase | Failed


@dataclass(frozen=True, slots=True)
class Submission:
    """One job as it is handed to a prover; complete in itself."""

    key: JobKey
    proof_id: AnyProofId
    program_id: Hash32
    predicate: Predicate
    """Under which the proof must hold."""
    body: bytes
    """The program's serialised input, without receipts."""
    prerequisites: tuple[Receipt | JobKey, ...]
    """Receipts in the program's order; a key stands for the receipt that an earlier job of the same call will yield."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a receipt must say, computed from our own chain."""

    public_values: bytes
    predicate: Predicate
    program_id: Hash32


@dataclass(frozen=True, slots=True)
class Planned:
    """A proof that is to be made, not handed over yet."""

    proof_id: AnyProofId
    key: ProofKey
    attempt: int
    retries: int
    """Automatic attempts before this one since somebody asked; what the retry budget counts."""

    @classmethod
    def of(cls, proof_id: AnyProofId, attempt: int = FIRST_ATTEMPT, retries: int = 0) -> Planned:
        """A planned attempt at `proof_id`."""
        return cls(proof_id, ProofKey(proof_id.key()), attempt, retries)

    def next(self) -> Planned:
        """The attempt that follows this one by itself, one retry further."""
        return Planned(self.proof_id, self.key, self.attempt + 1, self.retries + 1)


@dataclass(frozen=True, slots=True)
class InFlight:
    """An attempt that has been, or is about to be, handed to the prover."""

    planned: Planned
    job_key: JobKey
    remote_id: RemoteId | None
    """None while SUBMITTING."""
    phase: RemotePhase = RemotePhase.REQUESTED
    submissions: int = 1
    """How often it has been handed over, or may have been."""

    @property
    def status(self) -> JobStatus:
        """SUBMITTING until the prover has named it."""
        return JobStatus.SUBMITTING if self.remote_id is None else JobStatus.SUBMITTED
