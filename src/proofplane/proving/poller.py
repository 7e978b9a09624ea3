"""Reconciling: ask the prover about jobs in flight, fetch and verify what has completed, write what follows.

Rules: those of `reconciler`, which decides; here are the calls. At most `BATCH` outcomes share a transaction.
A call that fails, or gives more or fewer answers than it was asked for, leaves all rows as they are for the next cycle.
Receipts are checked on a thread, a batch at a time; a proof counts only once its transaction is durable.

Not guaranteed: order of the outcomes of one cycle beyond the order of the jobs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from proofplane.base.receipt import Receipt
from proofplane.crypto.predicates import Check
from proofplane.proving.answers import one_each
from proofplane.proving.board import Board
from proofplane.proving.errors import InputMissing
from proofplane.proving.ports import ProverBackend
from proofplane.proving.reconciler import Again, Ended, Fetch, Moved, VerifiedReceipt, on_receipt, on_status, verify_all
from proofplane.proving.submitter import BATCH
from proofplane.proving.types import Expected, InFlight, Planned, RemotePhase
from proofplane.service.clock import Clock

_log = logging.getLogger(__name__)


class Poller:
    """Asks the prover and writes the outcomes."""

    def __init__(self, backend: ProverBackend, clock: Clock, check: Check) -> None:
        """`check` holds receipts against their predicates; it is called on a thread."""
        self._backend = backend
        self._clock = clock
        self._check = check

    async def reconcile(self, board: Board, jobs: Sequence[InFlight]) -> list[Planned]:
        """Asks about those of `jobs`, which have remote ids, whose pause is over; returns the ones that are proved now."""
        now = self._clock.now()
        jobs = [job for job in jobs if board.ask_from.get(job.planned.key, now) <= now]
        proved: list[Planned] = []
        for start in range(0, len(jobs), BATCH):
            proved += await self._batch(board, jobs[start : start + BATCH])
        return proved

    async def _batch(self, board: Board, jobs: Sequence[InFlight]) -> list[Planned]:
        ids = [job.remote_id for job in jobs if job.remote_id is not None]
        try:
            answers = await one_each(self._backend.status, ids)
        except Exception as error:
            _log.warning("%s cannot be asked about %d jobs: %s", self._backend.name, len(ids), error)
            return []
        completed: list[InFlight] = []
        over: list[Ended] = []
        moved: list[tuple[InFlight, RemotePhase]] = []
        for job, answer in zip(jobs, answers, strict=True):
            step = on_status(job, answer, board.tries.get(job.planned.key, 0))
            if isinstance(step, Fetch):
                completed.append(job)
            elif isinstance(step, Ended):
                over.append(step)
            elif isinstance(step, Again):
                self._ask_later(board, job, step, answer)
            else:
                board.answered(job.planned.key)
                if isinstance(step, Moved):
                    moved.append((job, step.phase))
        done = await self._receipts(board, completed, over)
        if done or over or moved:
            await board.store.outcome(done, over, [(job.planned, phase) for job, phase in moved])
        now = self._clock.now()
        for planned, verified in done:
            board.note_done(planned, verified)
        for one in over:
            _log.warning("%s, attempt %d: %s", one.planned.proof_id, one.planned.attempt, one.error)
            board.note_ended(one, now)
        for job, phase in moved:
            board.flight[job.planned.key] = replace(job, phase=phase)
        return [planned for planned, _ in done]

    async def _receipts(self, board: Board, jobs: Sequence[InFlight], over: list[Ended]) -> list[tuple[Planned, VerifiedReceipt]]:
        """Fetches and verifies the receipts of completed jobs; adds to `over` what was refused."""
        if not jobs:
            return []
        ids = [job.remote_id for job in jobs if job.remote_id is not None]
        try:
            fetched = await one_each(self._backend.fetch, ids)
        except Exception as error:
            _log.warning("%s does not hand over %d receipts: %s", self._backend.name, len(ids), error)
            return []
        answers = await self._checked(board, jobs, fetched)
        done: list[tuple[Planned, VerifiedReceipt]] = []
        for job, answer in zip(jobs, answers, strict=True):
            step = on_receipt(job, answer, board.tries.get(job.planned.key, 0))
            if isinstance(step, VerifiedReceipt):
                done.append((job.planned, step))
            elif isinstance(step, Ended):
                over.append(step)
            else:
                self._ask_later(board, job, step, answer)
        return done

    def _ask_later(self, board: Board, job: InFlight, step: Again, why: object) -> None:
        key = job.planned.key
        board.tries[key] = board.tries.get(key, 0) + 1
        board.ask_from[key] = self._clock.now() + step.wait
        _log.info(
            "%s stays at the prover as %s and is asked about again in %.1f s: %s", job.planned.proof_id, job.remote_id, step.wait, why
        )

    async def _checked(
        self, board: Board, jobs: Sequence[InFlight], fetched: Sequence[Receipt | Exception]
    ) -> list[VerifiedReceipt | Exception]:
        answers: list[VerifiedReceipt | Exception] = []
        pairs: list[tuple[Receipt, Expected]] = []
        places: list[int] = []
        for job, receipt in zip(jobs, fetched, strict=True):
            expected = _expected(board, job)
            if isinstance(receipt, Exception):
                answers.append(receipt)
            elif expected is None:
                answers.append(InputMissing(f"the chain cannot tell what {job.planned.proof_id} must say"))
            else:
                places.append(len(answers))
                pairs.append((receipt, expected))
                answers.append(InputMissing("not checked yet"))
        if pairs:
            for place, verdict in zip(places, await asyncio.to_thread(verify_all, pairs, self._check), strict=True):
                answers[place] = verdict
        return answers


def _expected(board: Board, job: InFlight) -> Expected | None:
    key = job.planned.key
    if (known := board.expectations.get(key)) is not None:
        return known
    found = board.chain.expected(job.planned.proof_id)
    if found is not None:
        board.expectations[key] = found
    return found
