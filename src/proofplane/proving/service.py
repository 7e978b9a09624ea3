"""The prover worker: a service that runs a cycle on every tick, commitment and completion, and takes an operator's commands.

A command only changes rows; what follows from it is submitted by the next cycle.

Errors: whatever goes wrong inside a cycle is logged, shown in the status, and the cycle's memory is rebuilt from the rows. Only `Broken`
(the database failed, the rows are not ours) ends the service: going on would promise a durability that is gone.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from proofplane.base.errors import Broken, CallerMistake, ProofplaneError
from proofplane.base.ids import BlockCommitment
from proofplane.base.proof_id import StepId
from proofplane.crypto.predicates import Check, check
from proofplane.proving.board import Board
from proofplane.proving.cycle import DEFAULT_LIMIT, Cycle
from proofplane.proving.errors import UnknownProof, WrongState
from proofplane.proving.inputs import Abort, Command, Committed, Completions, Message, Request, Retry, commitments, completions
from proofplane.proving.ports import Chain, ProverBackend
from proofplane.proving.state import ASKABLE, require
from proofplane.proving.store import JobRow, JobStore
from proofplane.proving.types import AnyProofId, JobStatus, Planned, ProofKey, RemoteId
from proofplane.service.clock import Clock
from proofplane.service.commands import CommandChannel, CommandHandle
from proofplane.service.inputs import ChannelInput, Input, Tick, TickingInput, select
from proofplane.service.service import Flow, Service
from proofplane.service.subscriptions import Subscription
from proofplane.storage.database import Database

DEFAULT_TICK = 1.0
"""Seconds between polls of everything in flight: how long a lost completion hint may go unnoticed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProverStatus:
    """What the prover worker shows."""

    backend: str
    queued: int = 0
    """Planned jobs that wait for their turn, for an instant, or in the table."""
    parked: int = 0
    """Planned jobs that wait for a prerequisite."""
    in_flight: int = 0
    unsent: int = 0
    """Of those in flight: handed over without an answer so far; they are handed over again."""
    steps: int = 0
    """Stored step proofs."""
    recursives: int = 0
    """Stored recursive proofs, orphans included."""
    failed: int = 0
    """Proofs given up after their retries; `retry` asks for them again."""
    aborted: int = 0
    last_committed: BlockCommitment | None = None
    last_proven: BlockCommitment | None = None
    """The highest block of the current branch with a stored recursive proof."""
    cycles: int = 0
    failed_cycles: int = 0
    last_error: str | None = None
    """Of the last cycle that failed."""

    @property
    def done(self) -> int:
        """Stored proofs."""
        return self.steps + self.recursives


class ProverHandle:
    """Commands to the prover worker; each raises `WorkerExited` if it is gone."""

    def __init__(self, commands: CommandHandle[Command]) -> None:
        self._commands = commands

    async def request(self, proof_id: AnyProofId) -> JobStatus:
        """Asks for a proof: plans it unless somebody has, tries it anew if it has failed or was aborted.

        Returns the job's status after that; raises `UnknownProof` if the chain does not have the block.
        """
        return await self._commands.call(lambda completion: Request(proof_id, completion))

    async def retry(self, proof_id: AnyProofId) -> JobStatus:
        """Plans the next attempt at a failed or aborted proof, with a full budget; raises `UnknownProof`, `WrongState`."""
        return await self._commands.call(lambda completion: Retry(proof_id, completion))

    async def abort(self, proof_id: AnyProofId) -> JobStatus:
        """Ends the current attempt at a proof; what its prover may still answer is ignored. Raises `UnknownProof`, `WrongState`."""
        return await self._commands.call(lambda completion: Abort(proof_id, completion))

    def pending(self) -> int:
        """Commands that wait to be taken."""
        return self._commands.pending()


class ProverWorker(Service[Message, ProverStatus]):
    """Gets every committed block its step and its recursive proof."""

    name: ClassVar[str] = "prover"

    def __init__(
        self, database: Database, chain: Chain, backend: ProverBackend, clock: Clock, limit: int = DEFAULT_LIMIT, check: Check = check
    ) -> None:
        """Sets the worker up.

        `limit` is how many jobs may be in flight; raises `CallerMistake` unless it is positive. `check` holds receipts against their
        predicates; it is called on a thread, and for kinds beyond the built-in ones a wider one has to be given.
        """
        if limit < 1:
            raise CallerMistake(f"at least one proof has to be allowed in flight, not {limit}")
        self._store = JobStore(database)
        self._chain = chain
        self._backend = backend
        self._cycle = Cycle(self._store, chain, backend, clock, limit, check)
        self._cycles = 0
        self._failed_cycles = 0
        self._last_error: str | None = None
        self._last = ProverStatus(backend.name)

    def status(self) -> ProverStatus:
        """Counts and frontiers as of the last message."""
        board = self._cycle.peek()
        if board is None:
            return replace(self._last, cycles=self._cycles, failed_cycles=self._failed_cycles, last_error=self._last_error)
        frontier = self._cycle.frontier
        self._last = ProverStatus(
            backend=self._backend.name,
            queued=max(0, board.totals.planned - board.queue.parked),
            parked=board.queue.parked,
            in_flight=len(board.flight),
            unsent=len(board.send_again),
            steps=board.totals.steps,
            recursives=board.totals.recursives,
            failed=board.totals.failed,
            aborted=board.totals.aborted,
            last_committed=self._cycle.last_committed,
            last_proven=frontier.block if frontier is not None else None,
            cycles=self._cycles,
            failed_cycles=self._failed_cycles,
            last_error=self._last_error,
        )
        return self._last

    async def on_launch(self) -> None:
        """Resumes from the rows; hands over nothing yet."""
        await self._cycle.board()

    async def process_input(self, message: Message) -> Flow:
        """A cycle for a tick or a hint, a change of rows for a command; raises only `Broken`."""
        match message:
            case Tick():
                await self._run(None)
            case Completions(remote_ids):
                await self._run(remote_ids)
            case Committed():
                await self._run(())
            case Request() | Retry() | Abort():
                await self._obey(message)
        return Flow.CONTINUE

    async def _run(self, about: Sequence[RemoteId] | None) -> None:
        self._cycles += 1
        try:
            await self._cycle.run(about)
        except Broken:
            raise
        except Exception as error:
            self._cycle.drop()
            self._failed_cycles += 1
            self._last_error = f"{type(error).__name__}: {error}"
            _log.exception("a proving cycle failed; the next one starts from the stored rows")

    async def _obey(self, command: Command) -> None:
        try:
            command.completion.succeed(await self._carried_out(command))
        except Exception as error:
            command.completion.fail(error)
            if isinstance(error, Broken):
                raise
            if not isinstance(error, ProofplaneError):
                self._cycle.drop()

    async def _carried_out(self, command: Command) -> JobStatus:
        board = await self._cycle.board()
        proof_id = command.proof_id
        row = self._store.latest(ProofKey(proof_id.key()))
        if isinstance(command, Request):
            if row is None:
                return await self._plan(board, proof_id)
            return await self._again(board, row) if self._askable(row) else row.status
        if row is None:
            raise UnknownProof(f"{proof_id} was never planned: ask for it with `request`")
        if isinstance(command, Retry):
            if not self._askable(row):
                raise WrongState(f"{proof_id} is {row.status.name}: only a failed or aborted proof can be tried anew")
            return await self._again(board, row)
        return await self._abort(board, row)

    def _askable(self, row: JobRow) -> bool:
        """FAILED, ABORTED, or DONE with a proof that has been pruned since."""
        return row.status in ASKABLE or (row.status is JobStatus.DONE and not self._store.has_proof(row.planned.key))

    async def _plan(self, board: Board, proof_id: AnyProofId) -> JobStatus:
        block = proof_id.end if isinstance(proof_id, StepId) else proof_id.block
        if self._chain.parent(block) is None:
            raise UnknownProof(f"{proof_id}: the chain does not have this block, or it is the anchor, which needs no proof")
        planned = Planned.of(proof_id)
        board.totals.planned += (await self._store.plan([planned])).fresh
        board.queue.add(planned)
        return JobStatus.PLANNED

    async def _again(self, board: Board, row: JobRow) -> JobStatus:
        planned = replace(row.planned, attempt=row.planned.attempt + 1, retries=0)
        await self._store.ask_again([planned])
        board.totals.planned += 1
        board.totals.failed -= row.status is JobStatus.FAILED
        board.totals.aborted -= row.status is JobStatus.ABORTED
        board.queue.add(planned)
        return JobStatus.PLANNED

    async def _abort(self, board: Board, row: JobRow) -> JobStatus:
        require(row.status, JobStatus.ABORTED)
        await self._store.outcome(aborted=[row.planned])
        board.totals.planned -= row.status is JobStatus.PLANNED
        board.totals.aborted += 1
        board.queue.discard(row.planned.key)
        board.take_out(row.planned.key)
        return JobStatus.ABORTED


def prover_input(
    commits: Subscription[BlockCommitment],
    backend: ProverBackend,
    commands: CommandChannel[Command],
    clock: Clock,
    tick: float = DEFAULT_TICK,
) -> Input[Message]:
    """Everything the worker listens to: ticks every `tick` seconds, the Moho worker's commits, the prover's completions, commands.

    Ends when the commits, the completions or the commands end. Owns the subscriptions and the channel.
    """
    hints = select(commitments(commits), completions(backend.completions))
    asked: Input[Command] = ChannelInput(commands)
    return TickingInput(select(asked, hints), tick, clock)
