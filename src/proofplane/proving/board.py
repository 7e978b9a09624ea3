"""What the worker keeps in memory between cycles: a bounded mirror of the rows that matter now, rebuilt from them at any time."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace

from proofplane.base.proof_id import ProofKind
from proofplane.base.receipt import Receipt
from proofplane.proving.ports import Chain
from proofplane.proving.queue import WorkQueue
from proofplane.proving.reconciler import Ended, VerifiedReceipt
from proofplane.proving.scheduler import Pull
from proofplane.proving.state import sent_again_at_start
from proofplane.proving.store import JobStore
from proofplane.proving.types import AnyProofId, Expected, InFlight, JobStatus, Planned, ProofKey, RemoteId

RECENT_BYTES = 16 * 1024 * 1024
"""Receipts kept because the next block's recursive proof needs them; less would only mean reading them back."""

_RECEIPT_OVERHEAD = 512
"""Bytes that a kept receipt costs beside its content."""


class RecentReceipts:
    """The receipts stored last, within `RECENT_BYTES`."""

    def __init__(self, limit: int = RECENT_BYTES) -> None:
        self._limit = limit
        self._size = 0
        self._kept: OrderedDict[ProofKey, Receipt] = OrderedDict()

    def put(self, key: ProofKey, receipt: Receipt) -> None:
        """Keeps `receipt` and drops the oldest beyond the limit."""
        if key in self._kept:
            return
        self._kept[key] = receipt
        self._size += _cost(receipt)
        while self._size > self._limit and self._kept:
            _, dropped = self._kept.popitem(last=False)
            self._size -= _cost(dropped)

    def get(self, key: ProofKey) -> Receipt | None:
        """The receipt, if it is still kept."""
        return self._kept.get(key)

    def __contains__(self, key: ProofKey) -> bool:
        return key in self._kept


def _cost(receipt: Receipt) -> int:
    return len(receipt.proof) + len(receipt.public_values) + _RECEIPT_OVERHEAD


@dataclass(slots=True)
class Totals:
    """Running counts of rows; see `store.Counts`."""

    planned: int = 0
    steps: int = 0
    recursives: int = 0
    failed: int = 0
    aborted: int = 0


@dataclass(slots=True)
class Board:
    """Memory of the worker. Invariant: it follows the rows, so dropping it and calling `load` loses nothing but pauses."""

    store: JobStore
    chain: Chain
    queue: WorkQueue = field(default_factory=WorkQueue)
    flight: dict[ProofKey, InFlight] = field(default_factory=dict)
    """Every row in SUBMITTING or SUBMITTED."""
    by_remote: dict[RemoteId, ProofKey] = field(default_factory=dict)
    send_again: dict[ProofKey, float] = field(default_factory=dict)
    """SUBMITTING rows whose hand-over has to be repeated, and from which instant on."""
    ask_from: dict[ProofKey, float] = field(default_factory=dict)
    """SUBMITTED rows about which the last question was not answered, and the instant from which on it is asked again."""
    tries: dict[ProofKey, int] = field(default_factory=dict)
    """Failed preparations, hand-overs or questions of a job in a row."""
    expectations: dict[ProofKey, Expected] = field(default_factory=dict)
    """Of jobs in flight, as long as this process has prepared them."""
    recent: RecentReceipts = field(default_factory=RecentReceipts)
    totals: Totals = field(default_factory=Totals)

    @classmethod
    async def load(cls, store: JobStore, chain: Chain, now: float, prover_remembers: bool) -> Board:
        """Rebuilds the board from the rows; rows that cannot be read are quarantined, so that they use no capacity.

        What a prover that does not remember had is handed over again: asking it would only learn that the job is lost.
        """
        board = cls(store, chain)
        jobs, unreadable = store.in_flight()
        if unreadable:
            await store.outcome(undecodable=unreadable)
        for job in jobs:
            if sent_again_at_start(job.status, prover_remembers):
                board.put_in_flight(replace(job, remote_id=None))
                board.send_again[job.planned.key] = now
            else:
                board.put_in_flight(job)
        counts = store.counts()
        board.totals = Totals(counts.planned, counts.steps, counts.recursives, counts.failed, counts.aborted)
        return board

    # What a scheduling pass asks (`scheduler.View`).

    def prerequisites(self, proof_id: AnyProofId) -> tuple[AnyProofId, ...]:
        """As `Chain.prerequisites`."""
        return self.chain.prerequisites(proof_id)

    def stored(self, key: ProofKey) -> bool:
        """Whether the proof is stored."""
        return key in self.recent or self.store.has_proof(key)

    def in_flight(self, key: ProofKey) -> bool:
        """Whether a row for it is in SUBMITTING or SUBMITTED."""
        return key in self.flight

    def unqueued(self, proof_id: AnyProofId) -> Pull | None:
        """The attempt to queue for a proof that nobody works on."""
        row = self.store.latest(ProofKey(proof_id.key()))
        if row is None:
            return Pull(Planned.of(proof_id), fresh=True)
        return Pull(row.planned, fresh=False) if row.status is JobStatus.PLANNED else None

    # What follows from rows written.

    def receipt(self, key: ProofKey) -> Receipt | None:
        """The stored receipt of a prerequisite."""
        found = self.recent.get(key)
        if found is None and (found := self.store.receipt(key)) is not None:
            self.recent.put(key, found)
        return found

    def put_in_flight(self, job: InFlight) -> None:
        """Notes a row that has become SUBMITTING or SUBMITTED."""
        self.flight[job.planned.key] = job
        if job.remote_id is not None:
            self.by_remote[job.remote_id] = job.planned.key

    def take_out(self, key: ProofKey) -> None:
        """Notes that a row is in flight no longer."""
        job = self.flight.pop(key, None)
        if job is not None and job.remote_id is not None and self.by_remote.get(job.remote_id) == key:
            del self.by_remote[job.remote_id]
        self.send_again.pop(key, None)
        self.answered(key)
        self.expectations.pop(key, None)

    def answered(self, key: ProofKey) -> None:
        """Notes that a job has got on: earlier failures no longer count against it."""
        self.ask_from.pop(key, None)
        self.tries.pop(key, None)

    def note_done(self, planned: Planned, verified: VerifiedReceipt) -> None:
        """Notes a row that has become DONE: wakes what waited for it."""
        self.take_out(planned.key)
        self.recent.put(planned.key, verified.receipt)
        self.queue.wake(planned.key)
        if planned.proof_id.kind is ProofKind.STEP:
            self.totals.steps += 1
        else:
            self.totals.recursives += 1

    def note_ended(self, over: Ended, now: float) -> None:
        """Notes a row that has become FAILED, and the attempt that follows, if any."""
        self.take_out(over.planned.key)
        if over.next is None:
            self.totals.failed += 1
        else:
            self.totals.planned += 1
            self.queue.delay(over.next, now + over.wait)

    def refill(self, now: float) -> None:
        """Wakes what is due and fills the window from the table."""
        self.queue.release(now)
        for wanted in self.queue.wanted():
            self.queue.refill(wanted, self.store.planned(wanted.kind, wanted.start, wanted.limit))
