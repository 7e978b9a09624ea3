"""What a data directory holds after a crash or a run: every row for comparison, and the rules that hold at any moment."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence, Set
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from kit.crash_runs import CrashSite, Ran
from proofplane.base.ids import BlockCommitment
from proofplane.base.proof_id import RecursiveId, StepId
from proofplane.proving.state import IN_FLIGHT
from proofplane.proving.types import JobStatus
from proofplane.storage.database import DATABASE_NAME

Dump = dict[str, list[tuple[Any, ...]]]

ANCHOR_TABLES = ("anchors", "leaves", "nodes", "anchor_log", "anchor_tip")
_SAME_IN_EVERY_RUN = (*ANCHOR_TABLES, "moho", "moho_exports", "moho_log", "moho_tip", "proofs", "proving_cursor")


@dataclass(frozen=True, slots=True)
class JobLine:
    """A row of `jobs`."""

    proof_key: bytes
    attempt: int
    status: JobStatus
    job_key: bytes | None
    remote_id: bytes | None
    remote_phase: int | None
    submissions: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class Reference:
    """What a run without a crash told and left."""

    data_dir: Path
    ran: Ran
    rows: Dump


@contextmanager
def opened(data_dir: Path) -> Iterator[sqlite3.Connection]:
    """A copy of the database as it lies there, so that nothing that a crash has left is touched by looking at it."""
    with tempfile.TemporaryDirectory() as folder:
        for name in (DATABASE_NAME, f"{DATABASE_NAME}-wal"):
            if (data_dir / name).exists():
                shutil.copy(data_dir / name, folder)
        with closing(sqlite3.connect(Path(folder) / DATABASE_NAME)) as connection:
            yield connection


def dump(data_dir: Path) -> Dump:
    """Every row of the tables that are the same in every run, and how each proof's newest job stands."""
    with opened(data_dir) as connection:
        found: Dump = {table: sorted(connection.execute(f"SELECT * FROM {table}")) for table in _SAME_IN_EVERY_RUN}
        newest = {line.proof_key: line.status.name for line in _jobs(connection)}
    return {**found, "newest jobs": sorted(newest.items())}


def jobs(data_dir: Path) -> list[JobLine]:
    """All attempts, by proof and number."""
    with opened(data_dir) as connection:
        return _jobs(connection)


def stored_proofs(data_dir: Path) -> set[bytes]:
    """Keys of the stored proofs."""
    with opened(data_dir) as connection:
        return _column(connection, "SELECT key FROM proofs")


def check_rules(site: CrashSite, asked: Set[bytes] = frozenset()) -> None:
    """What holds at any moment: nothing is half-written, and no table says anything that another one contradicts.

    `asked` has the keys of proofs that an operator asks for: these may have jobs before their blocks are planned.
    """
    with opened(site.data_dir) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'moho_tip'").fetchone():
            return  # it died before there were tables
        _check_chain(connection)
        lines = _jobs(connection)
        _check_jobs(lines, _column(connection, "SELECT key FROM proofs"))
        planned = _list(connection, "SELECT key FROM moho_log WHERE seq <= (SELECT position FROM proving_cursor)")
    of_planned = {key for block in planned for key in _proofs_of(block)}
    assert of_planned <= {line.proof_key for line in lines} <= of_planned | asked
    _check_hand_overs(site, lines)


def _check_chain(connection: sqlite3.Connection) -> None:
    for log, table, tip in (("anchor_log", "anchors", "anchor_tip"), ("moho_log", "moho", "moho_tip")):
        logged = _list(connection, f"SELECT key FROM {log} ORDER BY seq")
        rows = _list(connection, f"SELECT key FROM {table} ORDER BY key")  # the anchor's is the first
        assert set(rows[1:]) == set(logged)
        assert _list(connection, f"SELECT key FROM {tip}") == (logged[-1:] or rows)
    parents = dict(connection.execute("SELECT key, parent FROM anchors"))
    branch = _list(connection, "SELECT key FROM leaves WHERE key <= (SELECT key FROM anchor_tip) ORDER BY height")
    assert branch[-1:] == (_list(connection, "SELECT key FROM anchor_tip") if branch else [])
    assert [parents[key] for key in branch] == [key[4:] for key in [*sorted(parents)[:1], *branch][:-1]]
    folded = _number(connection, "SELECT count(*) FROM moho_log")
    assert folded <= _number(connection, "SELECT count(*) FROM anchor_log")
    assert _list(connection, "SELECT consumed FROM moho_tip") in ([], [folded])


def _check_jobs(lines: Sequence[JobLine], proofs: set[bytes]) -> None:
    """A job's record, its mapping and its status say the same."""
    of_remote: dict[bytes, bytes] = {}
    for proof_key, group in groupby(lines, key=lambda line: line.proof_key):
        attempts = list(group)
        assert [line.attempt for line in attempts] == list(range(1, len(attempts) + 1))
        assert all(line.status in (JobStatus.FAILED, JobStatus.ABORTED) for line in attempts[:-1])
        assert (attempts[-1].status is JobStatus.DONE) == (proof_key in proofs)
        for line in attempts:
            handed_over = line.status in (JobStatus.SUBMITTING, JobStatus.SUBMITTED, JobStatus.DONE)
            assert not handed_over or line.job_key is not None
            assert (line.submissions > 0) == (line.job_key is not None)
            assert line.status is not JobStatus.PLANNED or line.job_key is None
            if line.status is JobStatus.PLANNED or (line.status is JobStatus.SUBMITTING and line.submissions == 1):
                assert (line.remote_id, line.remote_phase) == (None, None)
            if line.status is JobStatus.SUBMITTED:
                assert None not in (line.remote_id, line.remote_phase)
            if line.status is JobStatus.DONE:
                assert line.remote_id is not None
            if line.status not in IN_FLIGHT:
                assert line.remote_phase is None
            assert (line.reason is not None) == (line.status is JobStatus.FAILED)
            if line.remote_id is not None:
                assert of_remote.setdefault(line.remote_id, proof_key) == proof_key
    assert proofs <= {line.proof_key for line in lines}


def _check_hand_overs(site: CrashSite, lines: Sequence[JobLine]) -> None:
    """No prover was handed anything that no record tells, nor more often than it tells."""
    records = {line.job_key: line for line in lines if line.job_key is not None}
    told: dict[bytes, int] = {}
    for one in site.handed_over():
        assert one.job_key in records
        assert records[one.job_key].proof_key == one.proof_key
        told[one.job_key] = told.get(one.job_key, 0) + 1
    for job_key, times in told.items():
        assert times <= records[job_key].submissions


def _proofs_of(block: bytes) -> tuple[bytes, bytes]:
    commitment = BlockCommitment.from_key(block)
    return StepId.of(commitment).key(), RecursiveId(commitment).key()


def _jobs(connection: sqlite3.Connection) -> list[JobLine]:
    sql = "SELECT proof_key, attempt, status, job_key, remote_id, remote_phase, submissions, reason FROM jobs ORDER BY proof_key, attempt"
    return [JobLine(key, attempt, JobStatus(status), *rest) for key, attempt, status, *rest in connection.execute(sql)]


def _list(connection: sqlite3.Connection, sql: str) -> list[Any]:
    return [value for (value,) in connection.execute(sql)]


def _number(connection: sqlite3.Connection, sql: str) -> int:
    (found,) = _list(connection, sql)
    return int(found)


def _column(connection: sqlite3.Connection, sql: str) -> set[Any]:
    return set(_list(connection, sql))
