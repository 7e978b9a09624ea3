"""One cycle: plan what was committed, reconcile what is in flight, schedule and submit what can run.

Rules:

1. Nothing is submitted outside a cycle.
2. Planning reads the Moho log from the durable cursor, `PLAN_BLOCKS` commitments to a transaction that moves the cursor too.
   It goes on in the same cycle as long as there is capacity for what it plans.
3. Capacity = limit minus rows in flight, none while `submitter.FLIGHT_BYTES` of input are in flight; repeated hand-overs go first
   and use the capacity that their rows hold already.
4. After any error but `Broken` the board is dropped and rebuilt from the rows at the next cycle.

Invariants: the board follows the rows; a cycle ends.
"""

from __future__ import annotations

from collections.abc import Sequence

from proofplane.base.ids import BlockCommitment
from proofplane.base.proof_id import RecursiveId, StepId
from proofplane.crypto.predicates import Check, check
from proofplane.proving.board import Board
from proofplane.proving.frontier import Frontier
from proofplane.proving.poller import Poller
from proofplane.proving.ports import Chain, ProverBackend
from proofplane.proving.scheduler import schedule
from proofplane.proving.store import JobStore
from proofplane.proving.submitter import BATCH, Submitter
from proofplane.proving.types import InFlight, Planned, RemoteId
from proofplane.service.clock import Clock

PLAN_BLOCKS = 64
"""Commitments to a planning transaction: what may share one commit point."""

DEFAULT_LIMIT = 256
"""Jobs in flight: two batches, so that the prover has one while the outcomes of the other are written."""


class Cycle:
    """The worker's effects; owns the board."""

    def __init__(
        self, store: JobStore, chain: Chain, backend: ProverBackend, clock: Clock, limit: int = DEFAULT_LIMIT, check: Check = check
    ) -> None:
        """`limit` is how many jobs may be in flight; `check` holds receipts against their predicates."""
        self._store = store
        self._chain = chain
        self._backend = backend
        self._clock = clock
        self._limit = limit
        self._submitter = Submitter(backend, clock)
        self._poller = Poller(backend, clock, check)
        self._board: Board | None = None
        self._cursor = 0
        self.frontier: Frontier | None = None
        self.last_committed: BlockCommitment | None = None

    async def board(self) -> Board:
        """The board, rebuilt from the rows if there is none."""
        if self._board is None:
            board = await Board.load(self._store, self._chain, self._clock.now(), self._backend.remembers)
            self._cursor = self._store.cursor()
            self.last_committed = self._chain.tip()
            self.frontier = Frontier(self._store, self._chain)
            self._board = board
        return self._board

    def peek(self) -> Board | None:
        """The board as it is now."""
        return self._board

    def drop(self) -> None:
        """Forgets the board; the next cycle rebuilds it."""
        self._board = None

    async def run(self, about: Sequence[RemoteId] | None) -> None:
        """One cycle; `about` names the jobs to ask about, None means all in flight."""
        board = await self.board()
        more = await self._plan(board)
        await self._reconcile(board, about)
        await self._submitter.repeat(board)
        await self._schedule(board)
        while more and self._capacity(board) > 0 and self._submitter.open(board):
            more = await self._plan(board)
            await self._schedule(board)

    async def _plan(self, board: Board) -> bool:
        """Plans the next commitments; returns whether there may be more."""
        entries = self._chain.since(self._cursor, PLAN_BLOCKS)
        if not entries:
            return False
        wanted: list[Planned] = []
        for _, block in entries:
            wanted += (Planned.of(StepId.of(block)), Planned.of(RecursiveId(block)))
        cursor, last = entries[-1]
        planned = await self._store.plan(wanted, cursor)
        self._cursor = cursor
        self.last_committed = last
        board.totals.planned += planned.fresh
        for one in planned.queue:
            board.queue.add(one)
        if self.frontier is not None:
            self.frontier.chain_moved()
        return len(entries) == PLAN_BLOCKS

    async def _reconcile(self, board: Board, about: Sequence[RemoteId] | None) -> None:
        proved = await self._poller.reconcile(board, _asked_about(board, about))
        if self.frontier is not None:
            self.frontier.proved(planned.proof_id for planned in proved)

    async def _schedule(self, board: Board) -> None:
        board.refill(self._clock.now())
        while self._submitter.open(board) and (capacity := self._capacity(board)) > 0:
            result = schedule(board.queue, min(capacity, BATCH), board, self._backend.pipelines)
            if result.pulled:
                board.totals.planned += (await self._store.plan(result.pulled)).fresh
            await self._submitter.not_ready(board, result.unready)
            if not result.chosen:
                return
            await self._submitter.submit(board, result.chosen)
            board.refill(self._clock.now())

    def _capacity(self, board: Board) -> int:
        return max(0, self._limit - len(board.flight))


def _asked_about(board: Board, about: Sequence[RemoteId] | None) -> list[InFlight]:
    """The jobs in flight that can be asked about, or those of them that are named; a late answer of an ended attempt names none."""
    if about is None:
        return [job for job in board.flight.values() if job.remote_id is not None]
    keys = dict.fromkeys(board.by_remote[one] for one in about if one in board.by_remote)
    return [board.flight[key] for key in keys]
