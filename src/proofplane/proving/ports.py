"""What proving needs of others: a prover backend, and the chain as far as proofs are concerned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from proofplane.base.ids import BlockCommitment
from proofplane.base.receipt import Receipt
from proofplane.proving.types import AnyProofId, Expected, RemoteId, RemoteStatus, Submission
from proofplane.service.subscriptions import Subscription


class ProverBackend(Protocol):
    """Takes jobs, tells how they stand, hands receipts back.

    Answers come in the order of the questions, exactly one each; an exception in a place is about that item only.
    A whole call that cannot reach the prover raises `TryAgain`.
    """

    @property
    def name(self) -> str:
        """Shown in status and messages."""

    @property
    def pipelines(self) -> bool:
        """Whether a job may name earlier jobs of the same call as prerequisites."""

    @property
    def remembers(self) -> bool:
        """Whether it still knows its jobs after this process was gone. One that lives and dies with us does not."""

    async def start(self, jobs: Sequence[Submission]) -> Sequence[RemoteId | Exception]:
        """Accepts jobs and returns without waiting for any to be proved.

        Idempotent by `Submission.key`: a key that is known gives the remote id of its job and starts nothing.
        A job whose pipelined prerequisite fails, fails as UNFULFILLABLE.
        """

    async def status(self, ids: Sequence[RemoteId]) -> Sequence[RemoteStatus | Exception]:
        """How the jobs stand; an id that the prover does not know is `Failed(LOST)`, never an exception."""

    async def fetch(self, ids: Sequence[RemoteId]) -> Sequence[Receipt | Exception]:
        """The receipts of completed jobs, as often as asked for; `NotReady` for others."""

    @property
    def completions(self) -> Subscription[RemoteId]:
        """Jobs that have ended, well or not: a hint that spares waiting for the timer; may drop or repeat."""

    async def close(self) -> None:
        """Drops what runs and frees everything; a second call does nothing."""


class Chain(Protocol):
    """The chain of Moho states, read-only; whatever its log names is readable."""

    def since(self, cursor: int, limit: int) -> Sequence[tuple[int, BlockCommitment]]:
        """Up to `limit` entries of the Moho log with a position above `cursor`, in order; positions start at 1."""

    def tip(self) -> BlockCommitment | None:
        """The current tip, None while there is no state."""

    def parent(self, block: BlockCommitment) -> BlockCommitment | None:
        """The block before, None at the anchor and for an unknown block."""

    def prerequisites(self, proof_id: AnyProofId) -> tuple[AnyProofId, ...]:
        """Whose receipts the program takes, in its order.

        A step: none. Recursive: the block's step and, unless the parent is the anchor, the parent's recursive proof.
        """

    def body(self, proof_id: AnyProofId) -> bytes | None:
        """The program's serialised input without receipts; None if chain data for it is not there."""

    def expected(self, proof_id: AnyProofId) -> Expected | None:
        """What a receipt must say; the step predicate is that of the parent's Moho state. None as for `body`."""

    def is_canonical(self, block: BlockCommitment) -> bool:
        """Whether `block` is on the current branch, which may reach beyond `tip`: Moho follows the anchor's blocks."""
