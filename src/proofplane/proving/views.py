"""The storage ports of the reference (proofs, remote mapping, remote status) as views of the two tables.

A job's forward mapping is its newest attempt that is not cleared (FAILED or ABORTED); the reverse mapping is every row that has ever had
a remote id; its status entry is the row's `remote_phase`. The fourth port, Moho states, is `ports.Chain`.
The worker itself writes whole transitions (`store.JobStore`); these serve imports, repairs and readers.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofplane.base.ids import Height
from proofplane.base.proof_id import ProofKind, RecursiveId, proof_id_from_key
from proofplane.base.receipt import Receipt
from proofplane.proving.errors import DuplicateRemoteId, StatusExists, StatusMissing
from proofplane.proving.reconciler import VerifiedReceipt
from proofplane.proving.state import ASKABLE, require
from proofplane.proving.store import INSERT_PROOF, proof_row, status_before, stored_receipt
from proofplane.proving.types import AnyProofId, JobStatus, ProofKey, RemoteId, RemotePhase
from proofplane.storage.database import Database, Rows, Transaction

_S = JobStatus

_CLEAR = f"""UPDATE jobs SET status = {_S.FAILED:d}, remote_phase = NULL, reason = ?
             WHERE proof_key = ? AND {status_before(_S.FAILED)}"""


class ProofReader:
    """Stored proofs, over a live or a read-only database."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def get(self, proof_id: AnyProofId) -> Receipt | None:
        """The receipt stored under exactly this id; raises `ReceiptDamaged`."""
        found = self._rows.row("SELECT key, receipt, digest FROM proofs WHERE key = ?", (proof_id.key(),))
        return stored_receipt(*found) if found is not None else None

    def latest_recursive(self) -> tuple[RecursiveId, Receipt] | None:
        """The recursive proof of the greatest key; it may be an orphan (`frontier.last_proven` asks the chain). Raises `ReceiptDamaged`."""
        sql = f"SELECT key, receipt, digest FROM proofs WHERE kind = {ProofKind.RECURSIVE:d} ORDER BY key DESC LIMIT 1"
        found = self._rows.row(sql)
        if found is None:
            return None
        proof_id = proof_id_from_key(found[0])
        return (proof_id, stored_receipt(*found)) if isinstance(proof_id, RecursiveId) else None


class ProofStore(ProofReader):
    """Stored proofs with their writes."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._database = database

    async def store(self, proof_id: AnyProofId, verified: VerifiedReceipt) -> None:
        """Stores a verified receipt; a proof that is stored already stays as it is."""
        row = proof_row(proof_id, verified)
        await self._database.write("proving.outcome", lambda transaction: transaction.execute(INSERT_PROOF, row))

    async def prune(self, before: Height) -> int:
        """Deletes the proofs below height `before` (exclusive) and returns how many; their job rows stay."""
        bound = before.to_bytes(4, "big")
        return await self._database.write(
            "proving.outcome", lambda transaction: transaction.execute("DELETE FROM proofs WHERE key < ?", (bound,))
        )


class RemoteMapping:
    """Proof id -> remote id, one, the latest; remote id -> proof id, all that ever were."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, proof_id: AnyProofId, remote_id: RemoteId) -> None:
        """Maps both ways; the same pair again changes nothing but restores a cleared forward entry.

        What has ended stays as it is: after a cleared or superseded attempt the mapping is the next attempt's, with a new retry budget.

        Raises:
            DuplicateRemoteId: `remote_id` was ever another proof's.
            WrongState: The newest attempt is DONE under another remote id, or PLANNED: no arrow leads from there to SUBMITTED.
        """
        key = ProofKey(proof_id.key())

        def body(transaction: Transaction) -> None:
            owner = transaction.row("SELECT proof_key FROM jobs WHERE remote_id = ? AND proof_key <> ?", (remote_id, key))
            if owner is not None:
                raise DuplicateRemoteId(f"remote id {remote_id} belongs to {proof_id_from_key(owner[0])}")
            sql = "SELECT attempt, status, remote_id FROM jobs WHERE proof_key = ? ORDER BY attempt DESC LIMIT 1"
            newest = transaction.row(sql, (key,))
            attempt, status, known = newest if newest is not None else (0, None, None)
            if known == remote_id and status in (_S.SUBMITTED, _S.DONE):
                return
            if status == _S.SUBMITTED:
                transaction.execute(_CLEAR, ("superseded", key))
            elif status is not None and status not in ASKABLE:
                require(JobStatus(status), _S.SUBMITTED)
                sql = f"UPDATE jobs SET status = {_S.SUBMITTED:d}, remote_id = ? WHERE proof_key = ? AND attempt = ?"
                transaction.execute(sql, (remote_id, key, attempt))
                return
            sql = f"""INSERT INTO jobs (proof_key, attempt, kind, status, retries, job_key, remote_id, submissions)
                      VALUES (?, ?, ?, {_S.SUBMITTED:d}, 0, x'', ?, 1)"""
            transaction.execute(sql, (key, attempt + 1, int(proof_id.kind), remote_id))

        await self._database.write("proving.submitted", body)

    def remote_of(self, proof_id: AnyProofId) -> RemoteId | None:
        """The remote id of the newest attempt, None if there is none or it was cleared."""
        sql = "SELECT remote_id, status FROM jobs WHERE proof_key = ? ORDER BY attempt DESC LIMIT 1"
        found = self._database.row(sql, (proof_id.key(),))
        if found is None or found[0] is None or found[1] in (_S.FAILED, _S.ABORTED):
            return None
        return RemoteId(found[0])

    def proof_of(self, remote_id: RemoteId) -> AnyProofId | None:
        """Whose job a remote id is, or was."""
        found = self._database.row("SELECT proof_key FROM jobs WHERE remote_id = ? LIMIT 1", (remote_id,))
        return proof_id_from_key(found[0]) if found is not None else None

    async def clear(self, proof_id: AnyProofId) -> None:
        """Ends the newest attempt as FAILED, so that the proof can be asked for again; the reverse entries stay. Idempotent."""
        await self._database.write("proving.outcome", lambda transaction: transaction.execute(_CLEAR, ("cleared", proof_id.key())))


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """One entry of the status port."""

    remote_id: RemoteId
    phase: RemotePhase


class RemoteStatuses:
    """The phase in which a remote job was last seen, for as long as it is watched."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, remote_id: RemoteId, phase: RemotePhase) -> None:
        """Begins to watch a mapped job; raises `StatusExists` if it is watched, `StatusMissing` if no live job has this remote id."""
        await self._set(remote_id, phase, watched=False)

    async def update(self, remote_id: RemoteId, phase: RemotePhase) -> None:
        """Records another phase; raises `StatusMissing` if the job is not watched."""
        await self._set(remote_id, phase, watched=True)

    def get(self, remote_id: RemoteId) -> RemotePhase | None:
        """The recorded phase, None if it is not watched."""
        found = self._database.row("SELECT remote_phase FROM jobs WHERE remote_id = ? AND remote_phase IS NOT NULL", (remote_id,))
        return RemotePhase(found[0]) if found is not None else None

    def in_progress(self) -> list[RemoteEntry]:
        """The watched jobs that are requested or in progress, in the order of their proofs; at most what may be in flight."""
        sql = f"""SELECT remote_id, remote_phase FROM jobs WHERE status = {_S.SUBMITTED:d} AND remote_phase < {RemotePhase.COMPLETED:d}
                  ORDER BY proof_key"""
        return [RemoteEntry(RemoteId(remote_id), RemotePhase(phase)) for remote_id, phase in self._database.iterate(sql)]

    async def remove(self, remote_id: RemoteId) -> None:
        """Stops watching; does nothing if it is not watched."""
        sql = "UPDATE jobs SET remote_phase = NULL WHERE remote_id = ?"
        await self._database.write("proving.outcome", lambda transaction: transaction.execute(sql, (remote_id,)))

    async def _set(self, remote_id: RemoteId, phase: RemotePhase, watched: bool) -> None:
        def body(transaction: Transaction) -> None:
            where = f"remote_id = ? AND status = {_S.SUBMITTED:d}"
            found = transaction.row(f"SELECT remote_phase IS NOT NULL FROM jobs WHERE {where}", (remote_id,))
            if found is None or (watched and not found[0]):
                first = "put its status first" if watched else "map it to its proof first"
                raise StatusMissing(f"remote job {remote_id} is not watched: {first}")
            if not watched and found[0]:
                raise StatusExists(f"remote job {remote_id} is watched already: update it")
            transaction.execute(f"UPDATE jobs SET remote_phase = ? WHERE {where}", (int(phase), remote_id))

        await self._database.write("proving.outcome", body)
