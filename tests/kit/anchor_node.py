"""The anchor and Moho workers on a real database, over a regtest chain mined in memory: what their tests are written against."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from kit.clock import ManualClock
from proofplane.anchor.anchor_store import ANCHOR_SCHEMA, AnchorStore
from proofplane.anchor.asm_worker import AsmHandle, AsmWorker
from proofplane.anchor.moho_store import MOHO_SCHEMA, MohoStore
from proofplane.anchor.moho_worker import MohoStatus, MohoWorker
from proofplane.anchor.ports import L1Source, LocatedHeader
from proofplane.anchor.regtest import RegtestChain
from proofplane.anchor.types import AnchorParams, Mode, Quorum
from proofplane.base.ids import BlockCommitment, BlockId
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.bitcoin.sps50 import TEST_MAGIC
from proofplane.service.clock import Clock
from proofplane.service.inputs import StreamInput
from proofplane.service.monitor import Monitor
from proofplane.service.subscriptions import NoItem, Subscription
from proofplane.service.supervisor import Supervisor
from proofplane.storage.database import DATABASE_NAME, Database, Row, WriteObserver

GENESIS_PREDICATE = Predicate(PredicateKind.ALWAYS_ACCEPT)

TABLES = ("anchors", "leaves", "nodes", "anchor_log", "anchor_tip", "moho", "moho_exports", "moho_log", "moho_tip")


def params_at(
    chain: RegtestChain, block: BlockCommitment, mode: Mode = Mode.FULL_BLOCK, exports: bool = False, upgrade: Quorum | None = None
) -> AnchorParams:
    """Parameters of an instance anchored at `block` of `chain`."""
    point = chain.anchor(block)
    return AnchorParams(
        network=point.network,
        mode=mode,
        magic=TEST_MAGIC,
        block=point.block,
        next_bits=point.next_bits,
        epoch_start=point.epoch_start,
        upgrade=upgrade,
        exports=exports,
    )


class RecordingSource:
    """Passes every question on to a chain and remembers it."""

    def __init__(self, chain: L1Source) -> None:
        self._chain = chain
        self.located: list[BlockId] = []
        self.payloads: list[BlockCommitment] = []

    async def locate(self, block_id: BlockId) -> LocatedHeader:
        self.located.append(block_id)
        return await self._chain.locate(block_id)

    async def payload(self, block: BlockCommitment) -> bytes:
        self.payloads.append(block)
        return await self._chain.payload(block)


class CountingObserver:
    """Remembers each transaction that became durable; subclasses fail or look closer."""

    def __init__(self) -> None:
        self.sites: list[str] = []

    def before_commit(self, site: str) -> None:
        return

    def after_commit(self, site: str) -> None:
        self.sites.append(site)


class PowerCut(Exception):
    """Stands for the end of the process at a commit point."""


class CuttingObserver(CountingObserver):
    """Rolls the transaction back that has this number at its site, as a crash just before the commit would."""

    def __init__(self, site: str, number: int) -> None:
        super().__init__()
        self._site = site
        self._left = number

    def before_commit(self, site: str) -> None:
        if site == self._site:
            self._left -= 1
            if self._left < 0:
                raise PowerCut(site)


class SlowClock(ManualClock):
    """A clock on which every look takes a while, as if much work was done between two looks."""

    def __init__(self, step: float) -> None:
        super().__init__()
        self._step = step

    def now(self) -> float:
        self.advance(self._step)
        return super().now()


@dataclass(slots=True)
class AnchorNode:
    """A running anchor worker with all that belongs to it."""

    supervisor: Supervisor
    database: Database
    anchors: AnchorStore
    states: MohoStore
    source: RecordingSource
    handle: AsmHandle
    commits: Subscription[BlockCommitment]
    """Subscribed before the worker was launched."""
    clock: Clock

    def emitted(self) -> list[BlockCommitment]:
        """Takes what was emitted since the last call."""
        return drain(self.commits)

    def launch_moho(self, predicate: Predicate = GENESIS_PREDICATE) -> tuple[Monitor[MohoStatus], Subscription[BlockCommitment]]:
        """Runs a Moho worker on the anchor worker's stream; returns its monitor and a subscription to what it emits."""
        worker = MohoWorker(self.anchors, self.states, predicate, self.clock)
        commits = worker.commits().subscribe()
        return self.supervisor.launch(worker, StreamInput(self.handle.subscribe())), commits

    async def moho_at(self, monitor: Monitor[MohoStatus], block: BlockCommitment) -> None:
        """Waits until the Moho worker's tip is `block`."""
        async with asyncio.timeout(30):
            while monitor.current().tip != block:
                await monitor.changed()


def drain(commits: Subscription[BlockCommitment]) -> list[BlockCommitment]:
    """Takes everything that waits."""
    found = []
    while not isinstance(item := commits.try_recv(), NoItem):
        found.append(item)
    return found


@asynccontextmanager
async def anchor_node(
    directory: Path,
    params: AnchorParams,
    source: L1Source,
    observer: WriteObserver | None = None,
    clock: Clock | None = None,
    store: type[AnchorStore] = AnchorStore,
) -> AsyncIterator[AnchorNode]:
    """Runs an anchor worker on the database of `directory`, which a former run may have left."""
    clock = clock or ManualClock()
    database = Database(directory / DATABASE_NAME, [ANCHOR_SCHEMA, MOHO_SCHEMA], observer)
    try:
        anchors = store(database)
        recording = RecordingSource(source)
        async with Supervisor() as supervisor:
            worker = AsmWorker(params, anchors, recording, clock)
            commits = worker.commits().subscribe()
            handle = AsmHandle.launch(supervisor, worker)
            await launched(handle)
            yield AnchorNode(supervisor, database, anchors, MohoStore(database), recording, handle, commits, clock)
    finally:
        database.close()


async def launched(handle: AsmHandle) -> None:
    """Waits until the worker has its state; returns also if it failed."""
    async with asyncio.timeout(30):
        while not handle.monitor.current().initialised:
            await handle.monitor.changed()


def dump(database: Database, tables: Sequence[str] = TABLES) -> dict[str, list[Row]]:
    """Every row of the tables."""
    return {table: database.rows(f"SELECT * FROM {table} ORDER BY 1, 2 LIMIT 10000") for table in tables}
