"""What the native prover knows of its jobs: accepted, cut into chunks, handed out, ended, kept for a while. Pure: no I/O, no clock.

Rules:

1. A key that is known gives the id of its job and starts nothing.
2. A chunk is ready once everything from outside that its jobs build on has ended.
3. A job whose prerequisite failed, or is unknown, fails without being handed out.
4. Of a dead worker's chunks, the one that may have begun is lost, the one that waited in the pipe is handed out again:
   so a job that kills its worker takes only the rest of its own chunk with it.
5. What has ended is kept until it was read, and then a while longer; both are bounded, and a job that was dropped is an unknown job.

Invariants: every unfinished job is in exactly one chunk; a chunk is either waiting, ready, or in the hands of one worker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from proofplane.base.errors import CallerMistake, NeverAgain, TryAgain
from proofplane.base.ids import Hash32
from proofplane.base.receipt import Receipt
from proofplane.proving.ended import EndedJobs, Result
from proofplane.proving.errors import NotReady
from proofplane.proving.native.chunks import cut, keys, size
from proofplane.proving.native.frames import (
    MAX_FRAME,
    Job,
    MalformedFrame,
    Outcome,
    Proved,
    Unexecutable,
    native_receipt,
    prerequisite_failed,
)
from proofplane.proving.types import Failed, FailureReason, JobKey, RemoteId, RemotePhase, RemoteStatus, Submission

MAX_JOB = MAX_FRAME // 2
"""Input bytes of one job; a chunk of one such job, or of `CHUNK_BYTES` of smaller ones, always fits in a message."""

MAX_UNFINISHED = 4096
"""Jobs accepted and not ended; far above what a node keeps in flight, so reaching it means that nobody looks at capacity."""

MAX_UNFINISHED_BYTES = 64 * 1024 * 1024
"""Input bytes of the jobs accepted and not ended (one job is always accepted): a node's whole memory is a few hundred MB."""

KEEP_UNREAD = 4096
"""Ended jobs kept for whoever did not ask yet, about 1 kB each; beyond it the oldest is dropped and, when asked for, lost."""

KEEP_READ = 1024
"""Ended jobs kept after they were read, so that a repeated fetch or start after a crash of the reader still finds them."""


class QueueFull(TryAgain):
    """The prover has as many unfinished jobs, or bytes of input, as it takes."""


class JobTooLarge(NeverAgain):
    """A job's input is over `MAX_JOB`."""


class PrerequisiteBehind(CallerMistake):
    """A job names a prerequisite that stands behind it, or itself."""


@dataclass(slots=True, eq=False)
class Chunk:
    """Jobs for one worker, in order."""

    jobs: list[Submission]
    missing: int = 0
    """Prerequisites from outside that have not ended."""
    outside: dict[JobKey, Result] = field(default_factory=dict)
    """Those that have."""
    settled: int = 0
    """How many of the jobs, from the first, have their outcome."""


@dataclass(slots=True)
class _Record:
    job: Submission
    running: bool = False


class Ledger:
    """All jobs of one native prover."""

    def __init__(self, workers: int) -> None:
        """`workers` is the number of processes that the jobs of a call are spread over."""
        self._workers = workers
        self._unended: dict[RemoteId, _Record] = {}
        self._kept = EndedJobs(KEEP_UNREAD, KEEP_READ)
        self._ready: deque[Chunk] = deque()
        self._waiting: dict[JobKey, list[Chunk]] = {}
        self._ended: list[RemoteId] = []
        self._bytes = 0

    @property
    def unfinished(self) -> int:
        """Jobs accepted and not ended."""
        return len(self._unended)

    def accept(self, jobs: Sequence[Submission]) -> list[RemoteId | Exception]:
        """Takes the jobs of one call; answers in their order.

        The exceptions: `QueueFull` (also for a job that builds on a refused one), `JobTooLarge`, `PrerequisiteBehind`.
        """
        answers: list[RemoteId | Exception] = []
        fresh: list[Submission] = []
        refused: dict[JobKey, Exception] = {}
        of_this_call = {job.key for job in jobs}
        for job in jobs:
            remote_id = _id(job.key)
            if not self._knows(remote_id):
                error = self._refusal(job, refused, of_this_call)
                if error is not None:
                    refused[job.key] = error
                    answers.append(error)
                    continue
                self._unended[remote_id] = _Record(job)
                self._bytes += size(job)
                fresh.append(job)
            answers.append(remote_id)
        for chunk_jobs in cut(fresh, self._workers):
            self._enqueue(Chunk(chunk_jobs))
        return answers

    def _knows(self, remote_id: RemoteId) -> bool:
        return remote_id in self._unended or remote_id in self._kept

    def _refusal(self, job: Submission, refused: dict[JobKey, Exception], of_this_call: set[JobKey]) -> Exception | None:
        for key in keys(job):
            if key in refused:
                return refused[key]
            if key in of_this_call and not self._knows(_id(key)):
                return PrerequisiteBehind(f"{job.proof_id} builds on a job that does not stand before it: order jobs by what they build on")
        weight = size(job)
        if weight > MAX_JOB:
            return JobTooLarge(f"the input of {job.proof_id} has {weight} bytes, the native prover takes {MAX_JOB}")
        if self.unfinished >= MAX_UNFINISHED:
            return QueueFull(f"the native prover has {self.unfinished} unfinished jobs: start more when some have ended")
        if self._unended and self._bytes + weight > MAX_UNFINISHED_BYTES:
            return QueueFull(f"the native prover holds {self._bytes} bytes of input: start more when some jobs have ended")
        return None

    def _enqueue(self, chunk: Chunk) -> None:
        inside = {job.key for job in chunk.jobs}
        for key in {key for job in chunk.jobs for key in keys(job)} - inside:
            if _id(key) in self._unended:
                chunk.missing += 1
                self._waiting.setdefault(key, []).append(chunk)
            else:
                lost = Failed(FailureReason.LOST, f"this prover does not know job {key.hex()}")
                chunk.outside[key] = self._kept.peek(_id(key)) or lost
        if not chunk.missing:
            self._ready.append(chunk)

    def take(self) -> Chunk | None:
        """Hands out the next chunk that is ready, or None."""
        while self._ready:
            chunk = self._ready.popleft()
            self._drop_hopeless(chunk)
            if chunk.jobs:
                for job in chunk.jobs:
                    self._unended[_id(job.key)].running = True
                return chunk
        return None

    def _drop_hopeless(self, chunk: Chunk) -> None:
        kept: list[Submission] = []
        failed: dict[JobKey, Failed] = {key: result for key, result in chunk.outside.items() if isinstance(result, Failed)}
        if not failed:
            return
        for job in chunk.jobs:
            cause = next((failed[key] for key in keys(job) if key in failed), None)
            if cause is None:
                kept.append(job)
                continue
            failed[job.key] = Failed(FailureReason.UNFULFILLABLE, prerequisite_failed(cause.text))
            self._end(job.key, failed[job.key])
        chunk.jobs = kept

    def messages(self, chunk: Chunk) -> list[Job]:
        """The chunk's jobs as they go to a worker."""
        index = {job.key: position for position, job in enumerate(chunk.jobs)}
        return [
            Job(job.program_id, job.predicate.encode(), job.body, [_reference(one, index, chunk) for one in job.prerequisites])
            for job in chunk.jobs
        ]

    def settle(self, chunk: Chunk, first: int, outcomes: Sequence[Outcome], version: str) -> bool:
        """Takes the outcomes of the chunk's jobs from index `first`; returns whether that was the last of them.

        Raises `MalformedFrame` if the jobs are not the next ones of the chunk.
        """
        if first != chunk.settled or first + len(outcomes) > len(chunk.jobs):
            raise MalformedFrame(f"{len(outcomes)} results from job {first} on, where {chunk.settled} of {len(chunk.jobs)} are settled")
        for job, outcome in zip(chunk.jobs[first:], outcomes, strict=False):
            self._end(job.key, _result(job.program_id, outcome, version))
        chunk.settled += len(outcomes)
        return chunk.settled == len(chunk.jobs)

    def lose(self, chunk: Chunk, cause: str) -> None:
        """A worker died over a chunk that it may have begun: the jobs without outcome are lost."""
        for job in chunk.jobs[chunk.settled :]:
            self._end(job.key, Failed(FailureReason.LOST, cause))
        chunk.settled = len(chunk.jobs)

    def put_back(self, chunk: Chunk) -> None:
        """A worker died before it began a chunk: it is the next to be handed out."""
        for job in chunk.jobs:
            self._unended[_id(job.key)].running = False
        self._ready.appendleft(chunk)

    def lose_all(self, cause: str) -> None:
        """There is no worker any more and no chunk in anybody's hands: every unfinished job is lost."""
        self._ready.clear()
        self._waiting.clear()
        for remote_id in list(self._unended):
            self._end(JobKey(bytes(remote_id)), Failed(FailureReason.LOST, cause))

    def _end(self, key: JobKey, result: Result) -> None:
        remote_id = _id(key)
        self._bytes -= size(self._unended.pop(remote_id).job)
        self._ended.append(remote_id)
        self._kept.put(remote_id, result)
        for chunk in self._waiting.pop(key, ()):
            chunk.outside[key] = result
            chunk.missing -= 1
            if not chunk.missing:
                self._ready.append(chunk)

    def drain_ended(self) -> list[RemoteId]:
        """The jobs that have ended since the last call, in that order."""
        ended, self._ended = self._ended, []
        return ended

    def status(self, remote_id: RemoteId) -> RemoteStatus:
        """How a job stands; a failure counts as read."""
        record = self._unended.get(remote_id)
        if record is None:
            return self._kept.status(remote_id)
        return RemotePhase.IN_PROGRESS if record.running else RemotePhase.REQUESTED

    def receipt(self, remote_id: RemoteId) -> Receipt:
        """The receipt of a completed job, which counts as read; raises `NotReady` for any other."""
        if remote_id in self._unended:
            raise NotReady(f"job {remote_id} has no receipt: {self.status(remote_id)!s}")
        return self._kept.receipt(remote_id)


def _id(key: JobKey) -> RemoteId:
    """The job's key is its remote id: nothing has to be remembered to answer a repeated start alike."""
    return RemoteId(key)


def _reference(prerequisite: Receipt | JobKey, index: dict[JobKey, int], chunk: Chunk) -> bytes | int:
    if isinstance(prerequisite, Receipt):
        return prerequisite.encode()
    key = JobKey(prerequisite)
    if key in index:
        return index[key]
    result = chunk.outside[key]
    assert isinstance(result, Receipt), "a job on a failed prerequisite is never handed out"
    return result.encode()


def _result(program_id: Hash32, outcome: Outcome, version: str) -> Result:
    if isinstance(outcome, Proved):
        return native_receipt(program_id, outcome, version)
    reason = FailureReason.UNEXECUTABLE if isinstance(outcome, Unexecutable) else FailureReason.UNFULFILLABLE
    return Failed(reason, outcome.reason)
