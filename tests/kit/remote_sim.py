"""A remote prover that obeys the test: it accepts, delays, loses, duplicates, fails and lies on command, and counts what it was asked."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from proofplane.base.attestation import MalformedClaim, RecursiveAttestation, RecursiveClaim, StateAttestation
from proofplane.base.errors import Refused, TryAgain
from proofplane.base.ids import Hash32
from proofplane.base.predicate import Predicate
from proofplane.base.receipt import ProverKind, Receipt
from proofplane.crypto.schnorr import SigningKey
from proofplane.proving.errors import NotReady
from proofplane.proving.types import AnyProofId, Failed, FailureReason, JobKey, RemoteId, RemotePhase, RemoteStatus, Submission
from proofplane.service.subscriptions import Subscribers, Subscription


class Offline(TryAgain):
    """The network to the prover is down."""


class Lie(Enum):
    """What a dishonest prover hands back; all but the first are signed by the right key."""

    FORGED = "signature that does not hold"
    OTHER_BLOCK = "another block's claim"
    OTHER_GENESIS = "a recursion that begins elsewhere"
    OTHER_PREDICATE = "a recursion under another Moho predicate"
    OTHER_PROGRAM = "another program's receipt"


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a job: it shows each phase for one `work`, then its end."""

    phases: tuple[RemotePhase, ...] = ()
    end: Failed | Lie | None = None
    """None: an honest receipt."""


HONEST = Fate()
SLOW = Fate((RemotePhase.REQUESTED, RemotePhase.IN_PROGRESS))


@dataclass(slots=True)
class _Job:
    submission: Submission
    fate: Fate
    phases: deque[RemotePhase] = field(default_factory=deque)
    result: Receipt | Failed | None = None


class RemoteSim:
    """Implements `proofplane.proving.ports.ProverBackend`.

    A job whose fate has no phases has ended when `start` returns. `work` moves all others on.
    """

    name = "remote-sim"
    remembers = True

    def __init__(
        self,
        programs: Mapping[Hash32, Callable[[bytes, Sequence[Receipt]], bytes]],
        keys: Mapping[Predicate, SigningKey],
        pipelines: bool = False,
        idempotent: bool = True,
    ) -> None:
        """Runs `programs` and signs under a predicate with its key; not `idempotent`: every start makes a new job."""
        self.programs = programs
        self.keys = keys
        self.pipelines = pipelines
        self.idempotent = idempotent
        self.fate: Callable[[Submission], Fate] = lambda _: HONEST
        """Asked once for each job."""
        self.fates: dict[AnyProofId, deque[Fate]] = {}
        """Fates of the next jobs for a proof, before `fate` is asked."""
        self.offline: set[str] = set()
        """Which of start, status, fetch cannot reach the prover."""
        self.trouble: dict[str, deque[Exception]] = {"start": deque(), "status": deque(), "fetch": deque()}
        """Errors that the next calls raise as a whole."""
        self.item_trouble: dict[tuple[str, AnyProofId], deque[Exception]] = {}
        """Errors in one item's place of the next calls, by call and proof; the call "answer" is a start that is accepted nevertheless."""
        self.silent = False
        """Whether no completion is ever told by itself."""
        self.after_accept: Callable[[], None] = lambda: None
        """Runs when a start has been accepted and not answered yet; raise here to crash in between."""
        self.remote_ids: deque[RemoteId] = deque()
        """Ids to be given to the next jobs instead of fresh ones."""
        self.starts: Counter[JobKey] = Counter()
        """Jobs made for each key."""
        self.asked: Counter[JobKey] = Counter()
        """How often each key was handed over."""
        self.accepted: list[AnyProofId] = []
        """Proofs in the order in which jobs were made for them."""
        self.calls: Counter[str] = Counter()
        self.largest_call = 0
        """Jobs in the largest start so far."""
        self._jobs: dict[RemoteId, _Job] = {}
        self._by_key: dict[JobKey, RemoteId] = {}
        self._hints: Subscribers[RemoteId] = Subscribers()
        self.completions: Subscription[RemoteId] = self._hints.subscribe()
        self._made = 0

    async def start(self, jobs: Sequence[Submission]) -> Sequence[RemoteId | Exception]:
        """As the port says, unless told otherwise."""
        self._call("start")
        self.largest_call = max(self.largest_call, len(jobs))
        answers: list[RemoteId | Exception] = []
        for one in jobs:
            if (refused := self._trouble_with("start", one.proof_id)) is not None:
                answers.append(refused)
                continue
            remote_id = self._accept(one)
            lost = self._trouble_with("answer", one.proof_id)
            answers.append(lost if lost is not None else remote_id)
        self.after_accept()
        return answers

    async def status(self, ids: Sequence[RemoteId]) -> Sequence[RemoteStatus | Exception]:
        """As the port says, unless told otherwise."""
        self._call("status")
        return [self._status(one) for one in ids]

    async def fetch(self, ids: Sequence[RemoteId]) -> Sequence[Receipt | Exception]:
        """As the port says, unless told otherwise."""
        self._call("fetch")
        return [self._fetch(one) for one in ids]

    async def close(self) -> None:
        """Ends the completions."""
        self._hints.close()

    def work(self, times: int = 1) -> None:
        """Lets every job get on by one phase."""
        for _ in range(times):
            for remote_id, job in self._jobs.items():
                if job.result is None:
                    if job.phases:
                        job.phases.popleft()
                    self._end(remote_id, job)

    def lose(self, proof_id: AnyProofId) -> int:
        """Forgets all jobs for a proof, their keys included; returns how many."""
        gone = [remote_id for remote_id, job in self._jobs.items() if job.submission.proof_id == proof_id]
        for remote_id in gone:
            self._by_key.pop(self._jobs.pop(remote_id).submission.key, None)
        return len(gone)

    def hint(self, remote_id: RemoteId) -> None:
        """Says (perhaps again, perhaps wrongly) that a job has ended."""
        self._hints.emit(remote_id)

    def ids_of(self, proof_id: AnyProofId) -> list[RemoteId]:
        """The remote ids of the jobs for a proof, oldest first."""
        return [remote_id for remote_id, job in self._jobs.items() if job.submission.proof_id == proof_id]

    def running(self) -> int:
        """Jobs that have not ended."""
        return sum(job.result is None for job in self._jobs.values())

    def _call(self, name: str) -> None:
        self.calls[name] += 1
        if name in self.offline:
            raise Offline("the prover cannot be reached")
        if self.trouble[name]:
            raise self.trouble[name].popleft()

    def _trouble_with(self, call: str, proof_id: AnyProofId) -> Exception | None:
        waiting = self.item_trouble.get((call, proof_id))
        return waiting.popleft() if waiting else None

    def _accept(self, submission: Submission) -> RemoteId:
        self.asked[submission.key] += 1
        known = self._by_key.get(submission.key)
        if known is not None and self.idempotent:
            return known
        self._made += 1
        remote_id = self.remote_ids.popleft() if self.remote_ids else RemoteId(b"remote job %d" % self._made)
        planned = self.fates.get(submission.proof_id)
        fate = planned.popleft() if planned else self.fate(submission)
        job = _Job(submission, fate, deque(fate.phases))
        self._jobs.setdefault(remote_id, job)
        self._by_key[submission.key] = remote_id
        self.starts[submission.key] += 1
        self.accepted.append(submission.proof_id)
        self._end(remote_id, job)
        return remote_id

    def _status(self, remote_id: RemoteId) -> RemoteStatus | Exception:
        job = self._jobs.get(remote_id)
        if job is None:
            return Failed(FailureReason.LOST)
        if (trouble := self._trouble_with("status", job.submission.proof_id)) is not None:
            return trouble
        if isinstance(job.result, Failed):
            return job.result
        if job.result is not None:
            return RemotePhase.COMPLETED
        return job.phases[0] if job.phases else RemotePhase.IN_PROGRESS

    def _fetch(self, remote_id: RemoteId) -> Receipt | Exception:
        job = self._jobs.get(remote_id)
        if job is not None and (trouble := self._trouble_with("fetch", job.submission.proof_id)) is not None:
            return trouble
        if job is None or not isinstance(job.result, Receipt):
            return NotReady(f"job {remote_id} has no receipt")
        return job.result

    def _end(self, remote_id: RemoteId, job: _Job) -> None:
        """Gives a job its result, if it has worked long enough and its prerequisites have theirs."""
        if job.phases or job.result is not None:
            return
        receipts: list[Receipt] = []
        for one in job.submission.prerequisites:
            found = one if isinstance(one, Receipt) else self._result_of(one)
            if found is None:
                return
            if isinstance(found, Failed):
                job.result = Failed(FailureReason.UNFULFILLABLE, "its prerequisite failed")
                self._tell(remote_id)
                return
            receipts.append(found)
        job.result = self._proved(job, receipts)
        self._tell(remote_id)

    def _tell(self, remote_id: RemoteId) -> None:
        if not self.silent:
            self._hints.emit(remote_id)

    def _result_of(self, key: JobKey) -> Receipt | Failed | None:
        remote_id = self._by_key.get(key)
        return self._jobs[remote_id].result if remote_id is not None else Failed(FailureReason.LOST)

    def _proved(self, job: _Job, receipts: Sequence[Receipt]) -> Receipt | Failed:
        if isinstance(job.fate.end, Failed):
            return job.fate.end
        submission = job.submission
        if submission.program_id not in self.programs or submission.predicate not in self.keys:
            return Failed(FailureReason.UNFULFILLABLE, "no such program, or no key for the predicate")
        try:
            values = self.programs[submission.program_id](submission.body, receipts)
        except Refused as error:
            return Failed(FailureReason.UNEXECUTABLE, str(error))
        except Exception as error:  # whatever a program raises is its abort
            return Failed(FailureReason.UNEXECUTABLE, f"{type(error).__name__}: {error}")
        honest = self._signed(submission, values)
        return honest if job.fate.end is None else self._lie(submission, honest, job.fate.end)

    def _signed(self, submission: Submission, values: bytes) -> Receipt:
        proof = self.keys[submission.predicate].sign(values)
        return Receipt(proof, values, ProverKind.NATIVE, "sim", submission.program_id)

    def _lie(self, submission: Submission, honest: Receipt, lie: Lie) -> Receipt:
        if lie is Lie.FORGED:
            return replace(honest, proof=bytes([honest.proof[0] ^ 1]) + honest.proof[1:])
        if lie is Lie.OTHER_PROGRAM:
            return replace(honest, program_id=Hash32(bytes(32)))
        values = honest.public_values
        try:
            claim = RecursiveClaim.decode(values)
        except MalformedClaim:
            return self._signed(submission, values[:-1] + bytes([values[-1] ^ 1]))
        if lie is Lie.OTHER_GENESIS:
            # A base case may be built at any block; this one begins at the block before.
            elsewhere = StateAttestation(claim.attestation.genesis.reference, Hash32(bytes(32)))
            claim = replace(claim, attestation=RecursiveAttestation(elsewhere, claim.attestation.proven))
        elif lie is Lie.OTHER_PREDICATE:
            claim = replace(claim, moho_predicate=Predicate(1))
        else:
            elsewhere = StateAttestation(claim.attestation.proven.reference, Hash32(bytes(32)))
            claim = replace(claim, attestation=RecursiveAttestation(claim.attestation.genesis, elsewhere))
        return self._signed(submission, claim.encode())
