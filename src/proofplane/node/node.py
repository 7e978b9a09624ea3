"""One running node: storage, anchor worker, Moho worker, prover worker and prover processes, started in order and stopped together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, TypeVar

from proofplane.anchor.anchor_store import AnchorStore
from proofplane.anchor.asm_worker import AsmHandle, AsmWorker
from proofplane.anchor.moho_store import MohoStore
from proofplane.anchor.moho_worker import MohoWorker
from proofplane.anchor.ports import L1Source
from proofplane.base.ids import BlockCommitment
from proofplane.node.backend import Backend, NativeBackend, OpenBackend
from proofplane.node.chain_adapter import ChainAdapter
from proofplane.node.config import Settings
from proofplane.node.data_dir import DataDirectory
from proofplane.node.errors import ProofsMissing, StoppedEarly
from proofplane.node.inspect import SCHEMAS
from proofplane.node.progress import Progress
from proofplane.node.timings import ProofTimes
from proofplane.proving.inputs import Command
from proofplane.proving.service import ProverHandle, ProverStatus, ProverWorker, prover_input
from proofplane.proving.store import JobReader
from proofplane.service.clock import Clock, SystemClock
from proofplane.service.commands import CommandChannel, WorkerExited, WorkerExitedWithoutResponse
from proofplane.service.inputs import StreamInput
from proofplane.service.monitor import Monitor
from proofplane.service.subscriptions import SubscriptionEnded
from proofplane.service.supervisor import Supervisor
from proofplane.storage.database import Database, WriteObserver

T = TypeVar("T")

_SERVICE_GONE = (SubscriptionEnded, WorkerExited, WorkerExitedWithoutResponse)
"""What a source or a watcher sees when a service has ended; why it ended is what the supervisor knows."""

_FAILURES_AT_A_TIME = 64
"""Failed jobs asked about at a time."""

_EXPLAIN_SECONDS = 5.0
"""How long that knowledge may take to arrive; it is normally there within one turn of the loop."""


class Node:
    """Use as `async with Node(...) as node`; inside, everything runs until the block is left or a signal arrives."""

    def __init__(
        self,
        directory: DataDirectory,
        source: L1Source,
        settings: Settings,
        clock: Clock | None = None,
        observer: WriteObserver | None = None,
        backend: Backend | None = None,
    ) -> None:
        """Takes a locked data directory and the source of its chain's blocks.

        `observer` sees every transaction; `backend` proves, None is the native one, and the directory was made for it.
        """
        self._directory = directory
        self._source = source
        self._settings = settings
        self._clock = clock or SystemClock()
        self._observer = observer
        self._backend: Backend = backend or NativeBackend()
        self._stack = AsyncExitStack()
        self._supervisor = Supervisor(clock=self._clock)
        self._anchor_height = directory.trust.params.block.height
        self.target_blocks: int | None = None
        """How many blocks above the anchor there will be, for displays; None when the source has no end."""
        self.asm: AsmHandle
        """Takes block ids to process."""
        self.prover: ProverHandle
        """Takes an operator's commands."""
        self._jobs: JobReader
        self._open_backend: OpenBackend
        self._proving: Monitor[ProverStatus]

    async def __aenter__(self) -> Node:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _start(self) -> None:
        database = Database(self._directory.database, SCHEMAS, self._observer)
        self._stack.callback(database.close)
        self._jobs = JobReader(database)
        anchors, mohos = AnchorStore(database), MohoStore(database)
        trust = self._directory.trust
        opened = self._backend.opened(self._directory, self._settings, self._clock)
        self._open_backend = await self._stack.enter_async_context(opened)
        prover = self._open_backend.prover
        await self._stack.enter_async_context(self._supervisor)
        self._supervisor.install_signals(asyncio.get_running_loop())

        asm = AsmWorker(trust.params, anchors, self._source, self._clock)
        moho = MohoWorker(anchors, mohos, trust.step_predicate, self._clock)
        chain = ChainAdapter(anchors, mohos, trust)
        limit = self._settings.prover.max_in_flight
        worker = ProverWorker(database, chain, prover, self._clock, limit, self._open_backend.check)
        commands: CommandChannel[Command] = CommandChannel()
        self.prover = ProverHandle(commands.handle())
        # A stage is subscribed to before its producer runs, and launched when what it reads at its start is there.
        anchored, folded = asm.commits().subscribe(), moho.commits().subscribe()
        self.asm = AsmHandle.launch(self._supervisor, asm)
        await self._until(self.asm.monitor.fresh(), lambda status: status.initialised)
        following = self._supervisor.launch(moho, StreamInput(anchored))
        await self._until(following, lambda status: status.initialised)
        source = prover_input(folded, prover, commands, self._clock, self._settings.prover.tick_seconds)
        self._proving = self._supervisor.launch(worker, source)
        await self.drive(self._proving.fresh().changed())  # its first status is published when it has resumed

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._stack.__aexit__(kind, error, trace)

    @property
    def tip(self) -> BlockCommitment:
        """The last durable block; the anchor before the first one."""
        return self.asm.monitor.current().tip or self._directory.trust.params.block

    def prover_status(self) -> ProverStatus:
        """The prover worker's status."""
        return self._proving.current()

    def proof_times(self) -> ProofTimes | None:
        """How long the proofs of circuits took in this run; None if there were none."""
        return self._open_backend.times()

    def progress(self) -> Progress:
        """How far everything is."""
        proving = self._proving.current()
        return Progress(
            blocks=self.tip.height - self._anchor_height,
            tip=self.tip,
            target_blocks=self.target_blocks,
            step_proofs=proving.steps,
            recursive_proofs=proving.recursives,
            queued=proving.queued + proving.parked,
            in_flight=proving.in_flight,
            failed=proving.failed,
        )

    async def drive(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs `work` (a source that submits blocks) to its end while the node lives.

        Raises:
            TaskFailed: A service failed; its cause says why.
            StoppedEarly: A signal stopped the node first.
        """
        task = asyncio.create_task(work, name="source")
        ended = asyncio.create_task(self._supervisor.wait(), name="node: end")
        try:
            await asyncio.wait({task, ended}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                ended.result()
                if not task.done():
                    raise StoppedEarly("stopped before the work was done; start again to go on from here")
            try:
                return await task
            except _SERVICE_GONE:
                await asyncio.wait({ended}, timeout=_EXPLAIN_SECONDS)
                if ended.done():
                    ended.result()
                raise
        finally:
            for each in (task, ended):
                each.cancel()
            await asyncio.gather(task, ended, return_exceptions=True)

    async def proven(self) -> None:
        """Returns when the tip's recursive proof is stored and no job is left; call it when no more blocks are submitted.

        Raises:
            ProofsMissing: Jobs have failed for good.
            TaskFailed, StoppedEarly: As `drive`.
        """
        goal = self.tip
        if goal.height == self._anchor_height:
            return
        await self._until(self._proving.fresh(), lambda status: _settled(status, goal))
        status = self._proving.current()
        if status.last_proven != goal:
            raise ProofsMissing(
                f"{status.failed} proofs have failed for good and {status.parked} wait for them: "
                "see `proofplane status`; start again with --retry-failed to ask for them once more"
            )

    async def retry_failed(self) -> int:
        """Asks once more for every proof that has failed for good so far; returns how many."""
        asked, after = 0, None
        while failed := self._jobs.failures(_FAILURES_AT_A_TIME, after):
            for row in failed:
                await self.prover.retry(row.planned.proof_id)
            asked, after = asked + len(failed), failed[-1].planned.key
        return asked

    async def _until(self, monitor: Monitor[T], wanted: Callable[[T], bool]) -> None:
        async def watch() -> None:
            status = monitor.current()
            while not wanted(status):
                status = await monitor.changed()

        await self.drive(watch())


def _settled(status: ProverStatus, goal: BlockCommitment) -> bool:
    """Whether nothing moves any more: all is proved, or the rest waits for what has failed or was aborted.

    Only a status behind a whole cycle counts: at a start, what the log holds is not planned yet.
    """
    if status.queued or status.in_flight or status.last_committed != goal or status.cycles == status.failed_cycles:
        return False
    given_up = bool(status.failed or status.aborted)
    return given_up or (status.last_proven == goal and not status.parked)
