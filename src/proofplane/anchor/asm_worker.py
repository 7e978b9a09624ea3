"""The anchor worker: takes block ids, brings the anchor state to each of them along real parents, stores, then emits.

Rules:
1. A submitted block below the anchor is ignored. One that is the tip or an ancestor of it is processed already: nothing moves.
2. Otherwise the path leads from the common ancestor of tip and block to the block. It is planned on headers, before anything is done.
   Blocks of the path that have a state already (a switch back) come first: their leaves are rewritten and they are emitted again.
   The others are transitioned, oldest first. The abandoned branch is neither visited nor removed.
3. A batch's rows, leaves, log and tip are one transaction; emission follows it, oldest first.
   At most `MAX_BATCH_BLOCKS` blocks or `MAX_BATCH_SECONDS` of work share one; a block that asks for aux data ends the batch before it,
   because proofs are read from committed leaves.
4. An error goes to the submitter and ends the worker, after the blocks before the faulty one are stored and emitted:
   skipping a block would leave a gap. Only `MissingL1Block`, which says nothing about a block (a full node may have deleted the branch
   meanwhile), leaves the worker where those blocks led it: nothing is skipped, and the submitter may ask for another block.
5. Genesis is stored once, and never emitted.

Invariant: the in-memory tip and state change in one step, after their transaction has ended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from proofplane.anchor.anchor_store import AnchorRow, AnchorStore, Switch, check_same_genesis
from proofplane.anchor.aux_data import AuxData
from proofplane.anchor.errors import AnchorNotInChain, InconsistentSource, MissingAnchorState, MissingGenesisState, MissingL1Block
from proofplane.anchor.pivot import ReachedFloor, plan
from proofplane.anchor.ports import L1Source, LocatedHeader
from proofplane.anchor.state import AnchorState, genesis_state
from proofplane.anchor.transition import Prepared, complete, prepare
from proofplane.anchor.types import AnchorParams
from proofplane.base.ids import BlockCommitment, BlockId
from proofplane.bitcoin.header import HEADER_SIZE
from proofplane.service.clock import Clock
from proofplane.service.commands import CommandChannel, CommandHandle, Completion
from proofplane.service.inputs import ChannelInput
from proofplane.service.monitor import Monitor
from proofplane.service.service import Flow, Service
from proofplane.service.subscriptions import DEFAULT_CAPACITY, Feed, Subscribers, Subscription
from proofplane.service.supervisor import Supervisor

MAX_BATCH_BLOCKS = 64
"""Blocks in one transaction: makes the cost of a sync small and keeps what a crash repeats small too."""

MAX_BATCH_SECONDS = 0.1
"""Work after which a batch ends, so that what is done becomes durable and visible soon, and its blocks do not pile up in memory."""

YIELD_SECONDS = 0.005
"""Work after which other tasks get a turn."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SubmitBlock:
    """The worker's one command."""

    block_id: BlockId
    completion: Completion[list[BlockCommitment]]


@dataclass(frozen=True, slots=True)
class AsmStatus:
    """How far the anchor worker is."""

    initialised: bool
    tip: BlockCommitment | None
    """The last durable block of the current branch."""
    blocks: int
    """Blocks transitioned by this process."""
    reorgs: int
    """How often this process left a branch."""
    seconds: float
    """Time this process spent on submitted blocks, waiting for the source included."""


class AsmHandle:
    """How everybody else uses the anchor worker; keeps nothing of it alive."""

    def __init__(self, commands: CommandHandle[SubmitBlock], monitor: Monitor[AsmStatus], commits: Feed[BlockCommitment]) -> None:
        """Use `launch`."""
        self._commands = commands
        self._commits = commits
        self.monitor = monitor
        """Shows the worker's status."""

    @classmethod
    def launch(cls, supervisor: Supervisor, worker: AsmWorker) -> AsmHandle:
        """Runs `worker` under `supervisor`; whoever must miss nothing subscribes to `worker.commits()` before."""
        monitor = supervisor.launch(worker, ChannelInput(worker.commands))
        return cls(worker.commands.handle(), monitor, worker.commits())

    async def submit(self, block_id: BlockId) -> list[BlockCommitment]:
        """Brings the state to `block_id` and returns what was emitted, oldest first; empty if there was nothing to do.

        Raises:
            MissingL1Block: The source does not have the block or one of its ancestors; the worker goes on.
            AnchorNotInChain: Its branch does not contain the anchor.
            Refused: A block of the path is invalid.
            WorkerExited, WorkerExitedWithoutResponse: The worker has ended, as it does after any other error.
        """

        def command(completion: Completion[list[BlockCommitment]]) -> SubmitBlock:
            return SubmitBlock(block_id, completion)

        return await self._commands.call(command)

    def subscribe(self, capacity: int = DEFAULT_CAPACITY) -> Subscription[BlockCommitment]:
        """Returns a subscription to the blocks that become durable from now on."""
        return self._commits.subscribe(capacity)

    def pending(self) -> int:
        """Submitted blocks that wait for their turn."""
        return self._commands.pending()


class AsmWorker(Service[SubmitBlock, AsmStatus]):
    """Input: its own channel of submitted block ids. Output: `commits`, after the anchor state is durable."""

    name: ClassVar[str] = "anchor"

    def __init__(self, params: AnchorParams, store: AnchorStore, source: L1Source, clock: Clock) -> None:
        """`source` must give payloads of `params.mode`."""
        self._params = params
        self._store = store
        self._source = source
        self._clock = clock
        self.commands: CommandChannel[SubmitBlock] = CommandChannel()
        """What it must be run on."""
        self._commits: Subscribers[BlockCommitment] = Subscribers()
        self._state: AnchorState | None = None
        """The state at the tip; None before the launch."""
        self._blocks = 0
        self._reorgs = 0
        self._seconds = 0.0
        self._at: BlockCommitment | None = None
        """The block taken up last, for messages: it has a height, which tells a user where to look."""

    def commits(self) -> Feed[BlockCommitment]:
        """The right to subscribe to the blocks whose state has become durable; ends with the worker."""
        return self._commits.feed()

    def status(self) -> AsmStatus:
        tip = None if self._state is None else self._state.block
        return AsmStatus(self._state is not None, tip, self._blocks, self._reorgs, self._seconds)

    async def on_launch(self) -> None:
        """Resumes the tip, or stores genesis.

        Raises:
            WrongGenesis: The store was begun with other parameters.
            MissingGenesisState, MissingAnchorState: The store is damaged.
        """
        tip = self._store.tip()
        genesis = genesis_state(self._params)
        if tip is None:
            await self._store.create(genesis.block, genesis.encode(), genesis.commitment())
            self._state = genesis
            return
        found = self._store.genesis()
        if found is None:
            raise MissingGenesisState("the store has a tip but no state of the anchor: it is damaged")
        check_same_genesis(found, genesis.block, genesis.commitment())
        self._state = AnchorState.decode(self._store.state(tip))

    async def process_input(self, message: SubmitBlock) -> Flow:
        started = self._clock.now()
        try:
            emitted = await self._submit(message.block_id)
        except MissingL1Block as error:
            message.completion.fail(error)
            return Flow.CONTINUE
        except Exception as error:
            _log.error("block %s cannot be processed, the anchor worker ends: %s", self._at or message.block_id, error)
            self.commands.finish()  # before the caller learns of it, so that whatever it submits next is refused
            message.completion.fail(error)
            return Flow.SHOULD_EXIT
        finally:
            self._seconds += self._clock.now() - started
        message.completion.succeed(emitted)
        return Flow.CONTINUE

    def on_exit(self) -> None:
        self._commits.close()

    async def _submit(self, block_id: BlockId) -> list[BlockCommitment]:
        parents = _Parents(self._store, self._source)
        target = await parents.locate(block_id)
        floor = self._params.block.height
        if target.height < floor:
            return []
        new = await plan(target, floor, self._stored_state, parents.of_unknown)
        if isinstance(new, ReachedFloor):
            raise self._no_base(target)
        old = await plan(new.block, floor, self._canonical, parents.of_stored)
        if isinstance(old, ReachedFloor):
            raise self._no_base(target)
        if not old.pending and not new.pending:
            return []
        left = self._tip()
        if old.block != left:
            _log.info("reorg: from %s back to %s, then to %s", left, old.block, target)
        try:
            emitted = await self._switch(old.pending[::-1])
            return emitted + await self._advance(new.base, new.pending[::-1])
        finally:
            self._reorgs += old.block != left != self._tip()

    async def _switch(self, path: Sequence[BlockCommitment]) -> list[BlockCommitment]:
        """Puts stored blocks, oldest first, back onto the current branch."""
        for first in range(0, len(path), MAX_BATCH_BLOCKS):
            batch = [Switch(block) for block in path[first : first + MAX_BATCH_BLOCKS]]
            state = AnchorState.decode(self._store.state(batch[-1].block))
            await self._commit(batch, state)
        return list(path)

    async def _advance(self, state: AnchorState, path: Sequence[BlockCommitment]) -> list[BlockCommitment]:
        """Transitions new blocks, oldest first, starting from the state before them; stores what went well also if one fails."""
        batch = _Batch(state, [], self._clock.now())
        yielded = batch.began
        try:
            for block in path:
                await self._transition(batch, block)
                now = self._clock.now()
                if len(batch.rows) >= MAX_BATCH_BLOCKS or now - batch.began >= MAX_BATCH_SECONDS:
                    await self._flush(batch)
                if now - yielded >= YIELD_SECONDS:
                    await asyncio.sleep(0)
                    yielded = self._clock.now()
        except Exception:
            await self._flush(batch)
            raise
        await self._flush(batch)
        return list(path)

    async def _transition(self, batch: _Batch, block: BlockCommitment) -> None:
        """Adds one block to the batch."""
        self._at = block
        payload = await self._source.payload(block)
        prepared = prepare(batch.state, payload)
        if prepared.commitment != block:
            raise InconsistentSource(f"the source gave block {prepared.commitment} when asked for {block}")
        if prepared.requests:
            await self._flush(batch)
        aux = self._resolve(prepared)
        done = complete(prepared, aux)
        row = AnchorRow(
            block=block,
            parent=prepared.header.previous,
            header=payload[:HEADER_SIZE],
            payload=payload,
            state=done.state.encode(),
            commitment=done.state.commitment(),
            manifest=done.manifest.encode(),
            manifest_hash=done.manifest_hash,
            aux=aux.encode(),
            inclusion_proof=None if done.inclusion_proof is None else done.inclusion_proof.encode(),
        )
        batch.rows.append(row)
        batch.state = done.state

    async def _flush(self, batch: _Batch) -> None:
        """Commits the batch and begins the next; a batch that cannot be committed is not tried again."""
        rows, batch.rows = batch.rows, []
        if rows:
            await self._commit(rows, batch.state)
        batch.began = self._clock.now()

    def _resolve(self, prepared: Prepared) -> AuxData:
        """Answers the block's requests from the committed leaves of its branch, proven at the state before it."""
        leaves = prepared.before.history.entries
        return AuxData(tuple([self._store.leaf_proof(height, leaves) for height in prepared.requests]))

    async def _commit(self, batch: Sequence[AnchorRow | Switch], state: AnchorState) -> None:
        await self._store.commit(batch)
        self._state = state
        for item in batch:
            self._blocks += isinstance(item, AnchorRow)
            self._commits.emit(item.block)

    def _tip(self) -> BlockCommitment:
        return self._launched().block

    def _launched(self) -> AnchorState:
        if self._state is None:
            raise MissingGenesisState("the anchor worker was not launched")
        return self._state

    def _stored_state(self, block: BlockCommitment) -> AnchorState | None:
        tip = self._launched()
        if block == tip.block:
            return tip
        return AnchorState.decode(self._store.state(block)) if self._store.has(block) else None

    def _canonical(self, block: BlockCommitment) -> BlockCommitment | None:
        return block if self._store.canonical_at(block.height) == block else None

    def _no_base(self, target: BlockCommitment) -> Exception:
        if self._store.genesis() is None:
            return MissingGenesisState("the store has no state of the anchor: it is damaged")
        return AnchorNotInChain(
            f"the branch of block {target} does not contain the anchor {self._params.block}: choose an anchor deeper down"
        )


@dataclass(slots=True)
class _Batch:
    """Blocks that were transitioned and not committed yet."""

    state: AnchorState
    """After the last of them, or before the next one if there is none."""
    rows: list[AnchorRow]
    began: float


class _Parents:
    """Real parents during one plan: of new blocks from the source, of stored ones from the store."""

    def __init__(self, store: AnchorStore, source: L1Source) -> None:
        self._store = store
        self._source = source
        self._last: LocatedHeader | None = None
        """The header located last: the target's is needed twice in a row."""

    async def locate(self, block_id: BlockId) -> BlockCommitment:
        """A block's height: from the store if it is known there."""
        return self._store.block_by_id(block_id) or (await self._header(block_id)).commitment

    async def of_unknown(self, block: BlockCommitment) -> BlockCommitment:
        """The parent of a block without a state."""
        located = await self._header(block.block_id)
        if located.commitment != block:
            raise InconsistentSource(f"the source puts block {block.block_id} at height {located.commitment.height}, not {block.height}")
        return located.parent()

    async def of_stored(self, block: BlockCommitment) -> BlockCommitment:
        """The parent of a block with a state; raises `MissingAnchorState` for the anchor, whose parent nobody knows."""
        parent = self._store.parent(block)
        if parent is None:
            raise MissingAnchorState(block)
        return parent

    async def _header(self, block_id: BlockId) -> LocatedHeader:
        if self._last is None or self._last.commitment.block_id != block_id:
            self._last = await self._source.locate(block_id)
        return self._last
