"""The tables of proving: `jobs`, one row for each attempt at a proof, and `proofs`; every write is one named transaction.

Sites: `proving.plan` (rows and log cursor), `proving.submitting`, `proving.submitted`, `proving.outcome` (ends of attempts together with
the proofs, or the next attempts, that follow from them), `proving.retry` (asked for by an operator).

Invariants: a DONE row and its proof appear together; a proof has at most one attempt in PLANNED, SUBMITTING or SUBMITTED, its newest;
a newest row that is FAILED or ABORTED waits for an operator; a receipt stands beside its SHA-256, so that whoever reads it notices any
changed byte, also of what no proof covers (provenance); a write finds exactly the rows it names in a status from which
`state.ARROWS` leads on, or nothing of it is written (`RowsDiffer`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proofplane.base.errors import Broken, CallerMistake
from proofplane.base.proof_id import ProofKind, proof_id_from_key
from proofplane.base.receipt import Receipt
from proofplane.crypto.hashes import sha256
from proofplane.proving.reconciler import Ended, VerifiedReceipt
from proofplane.proving.state import IN_FLIGHT, sources
from proofplane.proving.types import (
    AnyProofId,
    InFlight,
    JobKey,
    JobStatus,
    Planned,
    ProofKey,
    RemoteId,
    RemotePhase,
)
from proofplane.storage.database import Database, Row, Rows, Schema, Transaction

_S = JobStatus
_FLYING = f"status IN ({', '.join(str(int(status)) for status in sorted(IN_FLIGHT))})"

SCHEMA = Schema(
    "proving",
    2,
    (
        """CREATE TABLE jobs (
            proof_key BLOB NOT NULL, attempt INTEGER NOT NULL, kind INTEGER NOT NULL, status INTEGER NOT NULL, retries INTEGER NOT NULL,
            job_key BLOB, remote_id BLOB, remote_phase INTEGER, submissions INTEGER NOT NULL DEFAULT 0, reason TEXT,
            PRIMARY KEY (proof_key, attempt)) STRICT, WITHOUT ROWID""",
        f"CREATE INDEX jobs_planned ON jobs (kind, proof_key) WHERE status = {_S.PLANNED:d}",
        f"CREATE INDEX jobs_in_flight ON jobs (proof_key) WHERE {_FLYING}",
        f"CREATE INDEX jobs_ended ON jobs (status, proof_key) WHERE status IN ({_S.FAILED:d}, {_S.ABORTED:d})",
        "CREATE INDEX jobs_remote ON jobs (remote_id) WHERE remote_id IS NOT NULL",
        """CREATE TABLE proofs (
            key BLOB PRIMARY KEY, kind INTEGER NOT NULL, receipt BLOB NOT NULL, digest BLOB NOT NULL) STRICT, WITHOUT ROWID""",
        f"CREATE INDEX proofs_recursive ON proofs (key) WHERE kind = {ProofKind.RECURSIVE:d}",
        "CREATE TABLE proving_cursor (id INTEGER PRIMARY KEY CHECK (id = 0), position INTEGER NOT NULL) STRICT",
        "INSERT INTO proving_cursor VALUES (0, 0)",
    ),
)

MAX_REASON = 500
"""Characters of a failure's text that are kept."""

_PLAN = f"INSERT INTO jobs (proof_key, attempt, kind, status, retries) VALUES (?, ?, ?, {_S.PLANNED:d}, ?)"
INSERT_PROOF = "INSERT INTO proofs (key, kind, receipt, digest) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
"""With the parameters of `proof_row`; a proof that is stored already stays as it is."""


class RowsDiffer(Broken):
    """A job's row is not in the state that this process left it in: another writer, or a bug; look at the table before starting again."""


class ReceiptDamaged(Broken):
    """A stored receipt is not what was written: the disk, or another program, has changed it; restore it from a copy."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """The newest attempt at a proof, as the table has it."""

    planned: Planned
    status: JobStatus
    reason: str | None
    submissions: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows at one moment."""

    planned: int
    steps: int
    """Stored step proofs."""
    recursives: int
    """Stored recursive proofs."""
    failed: int
    """Proofs whose newest attempt has failed."""
    aborted: int


@dataclass(frozen=True, slots=True)
class PlanResult:
    """What a planning transaction found and wrote."""

    queue: Sequence[Planned]
    """What is to be queued: the new ones, and of those that had rows the ones whose newest is PLANNED, with that attempt."""
    fresh: int
    """Rows written."""


@dataclass(frozen=True, slots=True)
class Undecodable:
    """An in-flight row that names no proof."""

    raw_key: bytes
    attempt: int


class JobReader:
    """Reads of the tables, over a live or a read-only database."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def cursor(self) -> int:
        """The position in the Moho log up to which everything is planned."""
        found = self._rows.row("SELECT position FROM proving_cursor")
        return found[0] if found is not None else 0

    def planned(self, kind: ProofKind, start: ProofKey, limit: int) -> list[Planned]:
        """PLANNED rows of one kind from key `start` on, in key order, at most `limit`."""
        sql = f"""SELECT proof_key, attempt, retries FROM jobs WHERE status = {_S.PLANNED:d} AND kind = ? AND proof_key >= ?
                  ORDER BY proof_key LIMIT ?"""
        return [_planned(*row) for row in self._rows.rows(sql, (int(kind), start, limit))]

    def in_flight(self) -> tuple[list[InFlight], list[Undecodable]]:
        """The rows in SUBMITTING and SUBMITTED, in key order, and those of them that nobody can read."""
        sql = f"""SELECT proof_key, attempt, retries, status, job_key, remote_id, remote_phase, submissions FROM jobs
                  WHERE {_FLYING} ORDER BY proof_key"""
        jobs: list[InFlight] = []
        bad: list[Undecodable] = []
        for key, attempt, retries, status, job_key, remote_id, phase, submissions in self._rows.iterate(sql):
            try:
                # A SUBMITTING row has no remote id to be asked about, a SUBMITTED one must have.
                remote = RemoteId(remote_id or b"") if status == _S.SUBMITTED else None
                at = RemotePhase(phase or 0)
                jobs.append(InFlight(_planned(key, attempt, retries), JobKey(bytes(job_key or b"")), remote, at, submissions))
            except (CallerMistake, ValueError):
                bad.append(Undecodable(key, attempt))
        return jobs, bad

    def latest(self, key: ProofKey) -> JobRow | None:
        """The newest attempt at a proof, None if nobody planned it."""
        sql = "SELECT attempt, retries, status, reason, submissions FROM jobs WHERE proof_key = ? ORDER BY attempt DESC LIMIT 1"
        found = self._rows.row(sql, (key,))
        if found is None:
            return None
        attempt, retries, status, reason, submissions = found
        return JobRow(_planned(key, attempt, retries), JobStatus(status), reason, submissions)

    def failures(self, limit: int, after: ProofKey | None = None) -> list[JobRow]:
        """Proofs whose newest attempt has FAILED, in key order, at most `limit`, above `after` (the last key of the page before)."""
        sql = f"""SELECT proof_key, attempt, retries, status, reason, submissions FROM jobs AS job
                  WHERE status = {_S.FAILED:d} AND proof_key > ? AND {_NEWEST} ORDER BY proof_key LIMIT ?"""
        found = self._rows.rows(sql, (b"" if after is None else after, limit))
        return [JobRow(_planned(k, a, r), JobStatus(s), reason, n) for k, a, r, s, reason, n in found]

    def counts(self) -> Counts:
        """Counts every table once."""

        def one(sql: str) -> int:
            found = self._rows.row(sql)
            return found[0] if found is not None else 0

        recursives = one(f"SELECT COUNT(*) FROM proofs WHERE kind = {ProofKind.RECURSIVE:d}")
        return Counts(
            planned=one(f"SELECT COUNT(*) FROM jobs WHERE status = {_S.PLANNED:d}"),
            steps=one("SELECT COUNT(*) FROM proofs") - recursives,
            recursives=recursives,
            failed=one(f"SELECT COUNT(*) FROM jobs AS job WHERE status = {_S.FAILED:d} AND {_NEWEST}"),
            aborted=one(f"SELECT COUNT(*) FROM jobs AS job WHERE status = {_S.ABORTED:d} AND {_NEWEST}"),
        )

    def has_proof(self, key: ProofKey) -> bool:
        """Whether the proof is stored."""
        return self._rows.row("SELECT 1 FROM proofs WHERE key = ?", (key,)) is not None

    def receipt(self, key: ProofKey) -> Receipt | None:
        """The stored receipt of a proof; raises `ReceiptDamaged`."""
        found = self._rows.row("SELECT key, receipt, digest FROM proofs WHERE key = ?", (key,))
        return stored_receipt(*found) if found is not None else None

    def recursive_descending(self) -> Iterator[AnyProofId]:
        """Stored recursive proofs, greatest key first; a page of them is held at a time."""
        for (key,) in self._rows.iterate(f"SELECT key FROM proofs WHERE kind = {ProofKind.RECURSIVE:d} ORDER BY key DESC"):
            yield proof_id_from_key(key)


class JobStore(JobReader):
    """The tables with their writes; one writer at a time, the prover worker."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._database = database

    async def plan(self, wanted: Sequence[Planned], cursor: int | None = None) -> PlanResult:
        """Writes PLANNED rows for proofs that have none, and the log position if given."""
        rows = [_plan_row(one) for one in wanted]

        def body(transaction: Transaction) -> int:
            if cursor is not None:
                transaction.execute("UPDATE proving_cursor SET position = ?", (cursor,))
            before = _changes(transaction)
            transaction.execute_many(_PLAN + " ON CONFLICT DO NOTHING", rows)
            return _changes(transaction) - before

        fresh = await self._database.write("proving.plan", body)
        if fresh == len(rows):
            return PlanResult(wanted, fresh)
        found = (self.latest(one.key) for one in wanted)
        return PlanResult([row.planned for row in found if row is not None and row.status is _S.PLANNED], fresh)

    async def submitting(self, jobs: Sequence[tuple[Planned, JobKey]]) -> None:
        """PLANNED, SUBMITTING or (the prover died with an earlier process) SUBMITTED -> SUBMITTING, counting one submission more."""
        sql = f"""UPDATE jobs SET status = {_S.SUBMITTING:d}, job_key = ?, submissions = submissions + 1
                  WHERE proof_key = ? AND attempt = ? AND {status_before(_S.SUBMITTING)}"""
        rows = [(job_key, planned.key, planned.attempt) for planned, job_key in jobs]
        await self._database.write("proving.submitting", lambda transaction: _change(transaction, sql, rows))

    async def submitted(self, accepted: Sequence[tuple[Planned, RemoteId]], over: Sequence[Ended]) -> None:
        """SUBMITTING -> SUBMITTED with remote ids, and the hand-overs that failed for good."""
        sql = f"""UPDATE jobs SET status = {_S.SUBMITTED:d}, remote_id = ?, remote_phase = {RemotePhase.REQUESTED:d}
                  WHERE proof_key = ? AND attempt = ? AND {status_before(_S.SUBMITTED)}"""
        rows = [(remote_id, planned.key, planned.attempt) for planned, remote_id in accepted]

        def body(transaction: Transaction) -> None:
            _change(transaction, sql, rows)
            _end(transaction, over)

        await self._database.write("proving.submitted", body)

    async def outcome(
        self,
        done: Sequence[tuple[Planned, VerifiedReceipt]] = (),
        over: Sequence[Ended] = (),
        moved: Sequence[tuple[Planned, RemotePhase]] = (),
        aborted: Sequence[Planned] = (),
        undecodable: Sequence[Undecodable] = (),
    ) -> None:
        """Ends of attempts and progress: DONE with their proofs, FAILED with the attempts that follow, ABORTED, new phases, quarantine."""
        finished = [(planned.key, planned.attempt) for planned, _ in done]
        proofs = [proof_row(planned.proof_id, verified) for planned, verified in done]
        phases = [(int(phase), planned.key, planned.attempt) for planned, phase in moved]
        stopped = [(planned.key, planned.attempt) for planned in aborted]
        unread = [(one.raw_key, one.attempt) for one in undecodable]

        def body(transaction: Transaction) -> None:
            _change(transaction, _TO_DONE, finished)
            transaction.execute_many(INSERT_PROOF, proofs)
            _end(transaction, over)
            _change(transaction, _TO_PHASE, phases)
            _change(transaction, _TO_ABORTED, stopped)
            _change(transaction, _TO_QUARANTINE, unread)

        await self._database.write("proving.outcome", body)

    async def ask_again(self, planned: Sequence[Planned]) -> None:
        """Writes the next attempts at failed or aborted proofs."""
        rows = [_plan_row(one) for one in planned]
        await self._database.write("proving.retry", lambda transaction: _change(transaction, _PLAN, rows))

    def other_proof_of(self, remote_id: RemoteId, key: ProofKey) -> bool:
        """Whether `remote_id` is, or was, another proof's job."""
        return self._rows.row("SELECT 1 FROM jobs WHERE remote_id = ? AND proof_key <> ?", (remote_id, key)) is not None


_NEWEST = "NOT EXISTS (SELECT 1 FROM jobs AS newer WHERE newer.proof_key = job.proof_key AND newer.attempt > job.attempt)"


def status_before(then: JobStatus) -> str:
    """The SQL condition that a row's status has an arrow to `then`."""
    return f"status IN ({', '.join(str(int(status)) for status in sources(then))})"


_TO_DONE = f"UPDATE jobs SET status = {_S.DONE:d}, remote_phase = NULL WHERE proof_key = ? AND attempt = ? AND {status_before(_S.DONE)}"
_TO_FAILED = f"""UPDATE jobs SET status = {_S.FAILED:d}, remote_phase = NULL, reason = ?
                 WHERE proof_key = ? AND attempt = ? AND {status_before(_S.FAILED)}"""
_TO_ABORTED = (
    f"UPDATE jobs SET status = {_S.ABORTED:d}, remote_phase = NULL WHERE proof_key = ? AND attempt = ? AND {status_before(_S.ABORTED)}"
)
_TO_PHASE = f"UPDATE jobs SET remote_phase = ? WHERE proof_key = ? AND attempt = ? AND status = {_S.SUBMITTED:d}"
_TO_QUARANTINE = f"""UPDATE jobs SET status = {_S.FAILED:d}, remote_phase = NULL, reason = 'quarantined: the row cannot be read'
                     WHERE proof_key = ? AND attempt = ? AND {status_before(_S.FAILED)}"""


def proof_row(proof_id: AnyProofId, verified: VerifiedReceipt) -> Row:
    """The row of a verified receipt, for `INSERT_PROOF`."""
    raw = verified.receipt.encode()
    return (proof_id.key(), int(proof_id.kind), raw, sha256(raw))


def stored_receipt(key: bytes, raw: bytes, digest: bytes) -> Receipt:
    """Reads columns key, receipt and digest of `proofs`; raises `ReceiptDamaged` unless the digest is the receipt's."""
    if sha256(raw) != digest:
        raise ReceiptDamaged(f"the receipt stored under key {key.hex()} does not match its digest: restore the data directory from a copy")
    return Receipt.decode(raw)


def _plan_row(planned: Planned) -> Row:
    return (planned.key, planned.attempt, int(planned.proof_id.kind), planned.retries)


def _planned(key: bytes, attempt: int, retries: int) -> Planned:
    return Planned(proof_id_from_key(key), ProofKey(key), attempt, retries)


def _changes(transaction: Transaction) -> int:
    found = transaction.row("SELECT total_changes()")
    return found[0] if found is not None else 0


def _change(transaction: Transaction, sql: str, rows: Sequence[Row]) -> None:
    """Runs `sql` for each row and holds it to one changed row each; raises `RowsDiffer`."""
    if not rows:
        return
    before = _changes(transaction)
    transaction.execute_many(sql, rows)
    changed = _changes(transaction) - before
    if changed != len(rows):
        raise RowsDiffer(f"{changed} of {len(rows)} job rows were in the expected state")


def _end(transaction: Transaction, over: Sequence[Ended]) -> None:
    """Writes FAILED and the attempts that follow; the old row keeps its remote id, so that a late answer still resolves."""
    _change(transaction, _TO_FAILED, [(str(one.error)[:MAX_REASON], one.planned.key, one.planned.attempt) for one in over])
    _change(transaction, _PLAN, [_plan_row(one.next) for one in over if one.next is not None])
