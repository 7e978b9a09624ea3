"""A prover worker on a toy chain, a simulated prover and a real database, with a hand on the clock and on every write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from kit.clock import ManualClock
from kit.remote_sim import RemoteSim
from kit.toy_chain import KEYS, PROGRAMS, ToyChain
from proofplane.proving.inputs import Command, Committed, Completions
from proofplane.proving.reconciler import verify_receipt
from proofplane.proving.service import ProverHandle, ProverStatus, ProverWorker
from proofplane.proving.store import SCHEMA, JobStore
from proofplane.proving.types import AnyProofId, JobStatus, ProofKey
from proofplane.proving.views import ProofStore, RemoteMapping, RemoteStatuses
from proofplane.service.commands import CommandChannel
from proofplane.service.inputs import TICK
from proofplane.service.subscriptions import NoItem
from proofplane.storage.database import Database

LONG = 1000.0
"""Seconds beyond any single retry delay."""


class Killed(BaseException):
    """The process dies here."""


class Writes:
    """Sees every transaction; kills the process before or after a chosen one."""

    def __init__(self) -> None:
        self.sites: list[str] = []
        """Of the transactions that became durable, in order."""
        self.kill_before: str | None = None
        self.kill_after: str | None = None
        self.kill_in: int | None = None
        """How many commit points (before and after count one each) until the next kill; 0 is the next one."""

    def before_commit(self, site: str) -> None:
        """Kills if asked to; the transaction is rolled back."""
        if self.kill_before == site:
            self.kill_before = None
            raise Killed(site)
        self._count(site)

    def after_commit(self, site: str) -> None:
        """Notes the site and kills if asked to; the transaction stays."""
        self.sites.append(site)
        if self.kill_after == site:
            self.kill_after = None
            raise Killed(site)
        self._count(site)

    def _count(self, site: str) -> None:
        if self.kill_in is None:
            return
        if self.kill_in == 0:
            self.kill_in = None
            raise Killed(site)
        self.kill_in -= 1


class JobLine(NamedTuple):
    """A row of `jobs`, as a test reads it."""

    status: JobStatus
    attempt: int
    submissions: int
    remote_id: bytes | None
    reason: str | None


class Rig:
    """Everything around one prover worker; `restart` is what a crash leaves: the database file, the chain and the prover."""

    def __init__(self, directory: Path, limit: int = 256, pipelines: bool = False, idempotent: bool = True) -> None:
        self.path = directory / "proving.db"
        self.limit = limit
        self.clock = ManualClock()
        self.chain = ToyChain()
        self.sim = RemoteSim(PROGRAMS, KEYS, pipelines, idempotent)
        self.writes = Writes()
        self._open()

    def _open(self) -> None:
        self.database = Database(self.path, (SCHEMA,), self.writes)
        self.worker = ProverWorker(self.database, self.chain, self.sim, self.clock, self.limit)
        self.store = JobStore(self.database)
        self.proofs = ProofStore(self.database)
        self.mapping = RemoteMapping(self.database)
        self.statuses = RemoteStatuses(self.database)

    def restart(self) -> None:
        """Drops the worker and opens the database anew."""
        self.database.close()
        self.writes.kill_in = None
        self._open()

    async def tick(self, times: int = 1) -> None:
        """The timer fires."""
        for _ in range(times):
            await self.worker.process_input(TICK)

    async def committed(self) -> None:
        """A commitment wakes the worker."""
        await self.worker.process_input(Committed())

    async def hints(self) -> int:
        """Delivers the prover's completions so far; returns how many."""
        ids = []
        while not isinstance(item := self.sim.completions.try_recv(), NoItem):
            ids.append(item)
        if ids:
            await self.worker.process_input(Completions(tuple(ids)))
        return len(ids)

    async def ask(self, command: Callable[[ProverHandle], Coroutine[Any, Any, JobStatus]]) -> JobStatus:
        """Gives the worker a command, as `command(handle)` would, and returns its answer or raises its error."""
        channel: CommandChannel[Command] = CommandChannel()
        asking = asyncio.ensure_future(command(ProverHandle(channel.handle())))
        await self.worker.process_input(await channel.recv())
        return await asking

    async def converge(self, rounds: int = 400) -> None:
        """Ticks, works and lets time pass until every proof of the chain is stored; fails after `rounds`."""
        for _ in range(rounds):
            if not self.missing():
                return
            await self.tick()
            self.sim.work()
            self.clock.advance(LONG)
        raise AssertionError(f"not proved after {rounds} rounds: {[str(one) for one in self.missing()]}, {self.status()}")

    def missing(self) -> list[AnyProofId]:
        """Proofs that the chain calls for and that are not stored."""
        return [one for one in self.chain.proofs() if not self.store.has_proof(ProofKey(one.key()))]

    def check_stored(self) -> None:
        """Every stored proof is the right one, and every DONE row has exactly one proof."""
        for one in self.chain.proofs():
            receipt = self.proofs.get(one)
            expected = self.chain.expected(one)
            if receipt is not None and expected is not None:
                verify_receipt(receipt, expected)
        done = {line[0] for line in self._rows(f"SELECT proof_key FROM jobs WHERE status = {JobStatus.DONE:d}")}
        assert done == {line[0] for line in self._rows("SELECT key FROM proofs")}

    def check_attempts(self) -> None:
        """A proof has at most one attempt that is not over, and it is the newest."""
        sql = f"""SELECT proof_key FROM jobs AS job WHERE status < {JobStatus.DONE:d}
                  AND EXISTS (SELECT 1 FROM jobs AS newer WHERE newer.proof_key = job.proof_key AND newer.attempt > job.attempt)"""
        assert self._rows(sql) == []

    def check_submissions(self) -> None:
        """No key was handed over more often than its row says, and no proof under keys that have no row."""
        told = dict(self._rows("SELECT job_key, submissions FROM jobs WHERE job_key IS NOT NULL"))
        for key, times in self.sim.asked.items():
            assert told.get(key, 0) >= times

    def jobs(self, proof_id: AnyProofId) -> list[JobLine]:
        """The rows of a proof, oldest attempt first."""
        sql = "SELECT status, attempt, submissions, remote_id, reason FROM jobs WHERE proof_key = ? ORDER BY attempt"
        return [JobLine(JobStatus(line[0]), *line[1:]) for line in self._rows(sql, (proof_id.key(),))]

    def job(self, proof_id: AnyProofId) -> JobLine:
        """The newest row of a proof."""
        return self.jobs(proof_id)[-1]

    def status(self) -> ProverStatus:
        """The worker's status."""
        return self.worker.status()

    def _rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self.database.rows(sql, parameters)

    def __enter__(self) -> Rig:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.database.close()
