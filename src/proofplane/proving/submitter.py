"""Handing jobs over: build each submission, write SUBMITTING, call the prover, write what it answered.

Rules:

1. Nothing is handed over before its SUBMITTING row is durable; a repeated hand-over has its own write, and the row's key stays.
2. A submission is complete in itself: what cannot be built yet goes back to the queue, what can never be built ends as FAILED.
3. One call carries at most `BATCH` jobs and about `BATCH_BYTES` of input.
4. Nothing new is handed over while `FLIGHT_BYTES` of input are in flight; a repeated hand-over is in flight already.
5. If the prover cannot be reached, the same jobs follow again under the same keys, and nothing new until then.

Cancellation: between the two writes the rows are SUBMITTING, and the next start hands them over again under the same keys.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from proofplane.base.errors import Broken, TryAgain
from proofplane.base.receipt import Receipt
from proofplane.proving.answers import one_each
from proofplane.proving.board import Board
from proofplane.proving.errors import DuplicateRemoteId, InputMissing, JobLost
from proofplane.proving.identity import job_key
from proofplane.proving.ports import ProverBackend
from proofplane.proving.reconciler import Again, Ended, ended, on_trouble
from proofplane.proving.scheduler import Chosen
from proofplane.proving.types import Expected, InFlight, JobKey, Planned, ProofKey, RemoteId, Submission
from proofplane.service.clock import Clock

BATCH = 128
"""Jobs per call and transaction: two for each of the 64 blocks that may share a commit point."""

BATCH_BYTES = 16 * 1024 * 1024
"""Bytes of input after which a call takes no further job: bounds memory when bodies are whole blocks."""

FLIGHT_BYTES = 32 * 1024 * 1024
"""Bytes of input in flight from which on nothing new is handed over until some of it has ended.

The prover gets two full calls (`BATCH_BYTES`), one to work on while the outcomes of the other are written, or more than twenty full blocks
of 1.4 MB: more would keep no process busier.
With one body beyond it (as large as the native prover takes) and what that prover's ledger adds for framing and pipelined receipts
to each of `DEFAULT_LIMIT` jobs, it stays below the ledger's own bound, `MAX_UNFINISHED_BYTES` of 64 MiB, so `QueueFull` is not part of
normal work. Beyond it, full blocks would run into `QueueFull` and its pauses. Aborted jobs that the prover still runs are not counted.
"""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Built:
    """A job that is ready to be handed over."""

    planned: Planned
    submission: Submission
    expected: Expected
    submissions: int
    """How often it was handed over before."""


class Waiting(TryAgain):
    """A prerequisite is on its way: the job has to wait for it."""


class Submitter:
    """Hands over what was chosen, and repeats hand-overs whose outcome is unknown."""

    def __init__(self, backend: ProverBackend, clock: Clock) -> None:
        self._backend = backend
        self._clock = clock
        self._reachable_from = 0.0
        """After an unreachable prover nothing new is handed over before this instant."""
        self._sizes: dict[ProofKey, int] = {}
        """Bytes of input of what this process has handed over. Not the board's: a rebuilt board does not empty the prover."""

    def open(self, board: Board) -> bool:
        """Whether new jobs may be handed over now."""
        return self._clock.now() >= self._reachable_from and self._bytes_in_flight(board) < FLIGHT_BYTES

    async def submit(self, board: Board, chosen: Sequence[Chosen]) -> None:
        """Hands over new jobs; those that do not fit or cannot be built go back to the queue."""
        built: dict[ProofKey, Built] = {}
        size, in_flight = 0, self._bytes_in_flight(board)
        unready: list[tuple[Planned, Exception]] = []
        for one in chosen:
            planned = one.planned
            if size >= BATCH_BYTES or in_flight + size >= FLIGHT_BYTES:
                board.queue.add(planned)
                continue
            try:
                ready = self._build(board, planned, one.prerequisites, built, None)
            except Broken:
                raise
            except Waiting:
                board.queue.add(planned)
            except Exception as error:  # one id's trouble is not the others'
                unready.append((planned, error))
            else:
                built[planned.key] = ready
                size += len(ready.submission.body)
        await self.not_ready(board, unready)
        await self._hand_over(board, list(built.values()), first=True)

    async def repeat(self, board: Board) -> None:
        """Hands over again the SUBMITTING rows that are due, lowest first."""
        now = self._clock.now()
        due = sorted(key for key, instant in board.send_again.items() if instant <= now)
        built: dict[ProofKey, Built] = {}
        size = 0
        over: list[Ended] = []
        for key in due[:BATCH]:
            if size >= BATCH_BYTES:
                break
            job = board.flight[key]
            try:
                prerequisites = tuple(ProofKey(one.key()) for one in board.prerequisites(job.planned.proof_id))
                ready = self._build(board, job.planned, prerequisites, built, job)
            except Broken:
                raise
            except Waiting:
                if not any(one in board.flight for one in prerequisites):
                    # Its prerequisite has ended without a proof: waiting for it here would hold capacity that it may need.
                    over.append(ended(job.planned, JobLost("the job whose receipt it was to use has failed")))
            except Exception as error:
                self._again_or_over(board, job.planned, error, over)
            else:
                built[key] = ready
                size += len(ready.submission.body)
        if over:
            await board.store.outcome(over=over)
            self._note_over(board, over)
        await self._hand_over(board, list(built.values()), first=False)

    async def not_ready(self, board: Board, unready: Sequence[tuple[Planned, Exception]]) -> None:
        """Holds back planned jobs that cannot be built now; ends those whose budget for that is spent."""
        over: list[Ended] = []
        for planned, error in unready:
            tries = board.tries.get(planned.key, 0)
            board.tries[planned.key] = tries + 1
            step = on_trouble(planned, error, tries)
            if isinstance(step, Again):
                board.queue.delay(planned, self._clock.now() + step.wait)
            else:
                over.append(step)
        if over:
            await board.store.outcome(over=over)
            board.totals.planned -= len(over)
            self._note_over(board, over)

    def _bytes_in_flight(self, board: Board) -> int:
        """Counts what is in flight, without what only an earlier process has handed over; forgets the sizes of what has ended."""
        self._sizes = {key: size for key, size in self._sizes.items() if key in board.flight}
        return sum(self._sizes.values())

    def _build(
        self, board: Board, planned: Planned, prerequisites: Sequence[ProofKey], ahead: dict[ProofKey, Built], job: InFlight | None
    ) -> Built:
        """The complete submission of a job, under the key of `job` if it is a repeated one; raises what keeps it from being built."""
        expected = board.chain.expected(planned.proof_id)
        body = board.chain.body(planned.proof_id)
        if expected is None or body is None:
            raise InputMissing(f"the chain has no input for {planned.proof_id} yet")
        found: list[Receipt | JobKey] = []
        for needed in prerequisites:
            if (before := ahead.get(needed)) is not None and self._backend.pipelines:
                found.append(before.submission.key)
            elif (receipt := board.receipt(needed)) is not None:
                found.append(receipt)
            else:
                raise Waiting(f"{planned.proof_id} waits for a prerequisite")
        key = job.job_key if job is not None else job_key(planned.key, expected.program_id, planned.attempt, body, found)
        submission = Submission(key, planned.proof_id, expected.program_id, expected.predicate, body, tuple(found))
        return Built(planned, submission, expected, job.submissions if job is not None else 0)

    async def _hand_over(self, board: Board, built: Sequence[Built], first: bool) -> None:
        if not built:
            return
        await board.store.submitting([(one.planned, one.submission.key) for one in built])
        if first:
            board.totals.planned -= len(built)
        for one in built:
            key = one.planned.key
            board.put_in_flight(InFlight(one.planned, one.submission.key, None, submissions=one.submissions + 1))
            board.expectations[key] = one.expected
            self._sizes[key] = len(one.submission.body)
        answers = await self._start([one.submission for one in built])
        await self._record(board, built, answers)

    async def _start(self, jobs: Sequence[Submission]) -> Sequence[RemoteId | Exception]:
        """Calls the prover; an error of the whole call becomes everyone's, except `Broken`, which is raised."""
        try:
            return await one_each(self._backend.start, jobs)
        except Broken:
            raise  # the prover cannot work at all: that is the operator's to mend, and no fault of the jobs
        except Exception as error:
            _log.warning("%s did not take %d jobs: %s", self._backend.name, len(jobs), error)
            return [error] * len(jobs)

    async def _record(self, board: Board, built: Sequence[Built], answers: Sequence[RemoteId | Exception]) -> None:
        accepted: list[tuple[Built, RemoteId]] = []
        over: list[Ended] = []
        taken: dict[RemoteId, ProofKey] = {}
        unreached = 0
        for one, answer in zip(built, answers, strict=True):
            key = one.planned.key
            if isinstance(answer, Exception):
                unreached += isinstance(answer, TryAgain)
                self._again_or_over(board, one.planned, answer, over)
            elif taken.setdefault(answer, key) != key or board.store.other_proof_of(answer, key):
                over.append(ended(one.planned, DuplicateRemoteId(f"remote id {answer} belongs to another proof already")))
            else:
                accepted.append((one, answer))
        await board.store.submitted([(one.planned, remote_id) for one, remote_id in accepted], over)
        for one, remote_id in accepted:
            key = one.planned.key
            board.put_in_flight(replace(board.flight[key], remote_id=remote_id))
            board.send_again.pop(key, None)
            board.answered(key)
        self._note_over(board, over)
        if unreached == len(built):
            self._reachable_from = min(board.send_again.values(), default=0.0)

    def _again_or_over(self, board: Board, planned: Planned, error: Exception, over: list[Ended]) -> None:
        tries = board.tries.get(planned.key, 0)
        board.tries[planned.key] = tries + 1
        step = on_trouble(planned, error, tries)
        if isinstance(step, Again):
            board.send_again[planned.key] = self._clock.now() + step.wait
        else:
            over.append(step)

    def _note_over(self, board: Board, over: Sequence[Ended]) -> None:
        for one in over:
            _log.warning("%s, attempt %d: %s", one.planned.proof_id, one.planned.attempt, one.error)
            board.note_ended(one, self._clock.now())
