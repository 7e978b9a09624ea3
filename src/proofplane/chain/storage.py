"""The chain in SQLite: blocks for ever, states by snapshot and replay, and the store, one transaction a change.

Rules:
1. A commit is one transaction under a site's name: the block with its node, a snapshot if one is due, fields and pool rows that differ,
   and what finality makes obsolete.
2. Memory follows the disk: nothing here changes before the transaction is durable. After a failure that leaves open what was written,
   or a cancellation, the next commit first reads what is stored and goes on only from there.
3. One writer: `commit` is called with the store that was committed or loaded last, and not again before it has returned.

Invariants: `load` gives a store equal to the last committed one, pools in the same order; the state of every block in it can be made.
Reading functions of `store_rows` and `replay` serve a read-only database alike, for looking at a directory that is in use.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from proofplane.base.errors import Broken
from proofplane.chain.errors import BadChainDirectory, MissingState
from proofplane.chain.pool_rows import NO_POOLS, PoolName, Positions, read_positions, write_pools
from proofplane.chain.replay import StateReader
from proofplane.chain.snapshots import (
    SNAPSHOT_EVERY,
    SNAPSHOT_STATEMENTS,
    drop_snapshots,
    height_of,
    obsolete,
    read_heights,
    write_snapshot,
)
from proofplane.chain.store_rows import STORE_STATEMENTS, pools_of, read_block, read_store, write_block, write_fields
from proofplane.lean.ssz import State
from proofplane.lean.store import Store
from proofplane.lean.types import Block, Root, SignedBlock
from proofplane.storage.database import Database, Schema, Transaction
from proofplane.storage.errors import StorageBusy, StorageFull

ANCHOR_SITE = "chain.anchor"
BLOCK_SITE = "chain.block"
TICK_SITE = "chain.tick"
VOTE_SITE = "chain.vote"

CHAIN_SCHEMA = Schema("chain", 1, (*STORE_STATEMENTS, *SNAPSHOT_STATEMENTS))

RECENT_STATES = 64
"""Post-states of the latest imports in memory: forks near the head need no replay. Each adds to its parent's tree only what changed,
8 KB at 4,096 validators; too few costs transitions, too many memory."""

REPLAYED_STATES = 4
"""States made again from snapshots in memory. Such a one may share only the registry with the others, and its history takes
60 MB at slot 262,144."""


@dataclass(frozen=True, slots=True)
class _Index:
    """What memory knows of the rows of the store that was stored last."""

    store: Store
    positions: dict[PoolName, Positions]
    heights: dict[Root, int]
    """All snapshots."""


class SqliteChainStorage:
    """Implements `ports.ChainStorage`. `block` and the two of states may be called from any thread, the rest is for the event loop."""

    def __init__(self, database: Database) -> None:
        """`database` must have been opened with `CHAIN_SCHEMA`; call `load` next, and `begin` if that gives None."""
        self._database = database
        self._reader = StateReader(database)
        self._index: _Index | None = None
        self._recent = _States(RECENT_STATES)
        self._replayed = _States(REPLAYED_STATES)

    def load(self) -> Store | None:
        """The stored store; None if nothing was stored yet. Also tells whether a cancelled `commit` was done.

        Raises:
            MissingState: The rows are damaged.
            StorageBroken, StorageBusy: The database failed.
        """
        store = read_store(self._database)
        if store is None:
            self._index = None
            return None
        heights = read_heights(self._database)
        if not heights.keys() <= set(store.blocks):
            raise MissingState("a state is stored whose block is not: restore the database or import the chain again")
        self._index = _Index(store, read_positions(self._database), heights)
        return store

    async def begin(self, state: State, block: Block, store: Store) -> None:
        """Makes an anchor durable, with the state after it and the store that it gives; nothing else may be stored yet.

        Raises:
            BadChainDirectory: The database holds a chain already.
            StorageFull, StorageBroken, StorageBusy: See `storage.Database.write`.
        """
        pools = pools_of(store)

        def body(tx: Transaction) -> dict[PoolName, Positions]:
            if tx.row("SELECT 1 FROM chain_store") is not None:
                raise BadChainDirectory("the data directory holds a chain already: go on with that one or name another directory")
            write_block(tx, SignedBlock(block, b""), store.blocks[block.root])
            write_snapshot(tx, block.root, 0, state)
            write_fields(tx, None, store)
            return write_pools(tx, NO_POOLS, pools, {name: {} for name in PoolName})

        positions = await self._database.write(ANCHOR_SITE, body)
        self._index = _Index(store, positions, {block.root: 0})
        self._recent.put(block.root, state)

    def state(self, root: Root) -> State | None:
        """See `ports.ChainStorage`. From memory, or in less than `SPARSE_GRID` transitions, which take their time on the calling thread.

        Raises:
            MissingState: What the state is made from is damaged or not there.
            StorageBroken, StorageBusy: The database failed.
        """
        state = self.state_at_hand(root)
        if state is None:
            state = self._reader.read(root, self.state_at_hand)
            if state is not None:
                self._replayed.put(root, state)
        return state

    def state_at_hand(self, root: Root) -> State | None:
        """See `ports.ChainStorage`."""
        state = self._recent.get(root)
        return self._replayed.get(root) if state is None else state

    def block(self, root: Root) -> SignedBlock | None:
        """An imported block; its proof is empty if it is the anchor. None if it is not imported; raises as `state` does."""
        return read_block(self._database, root)

    async def commit(self, before: Store, after: Store, imported: SignedBlock | None = None, state: State | None = None) -> None:
        """See `ports.ChainStorage`.

        Raises:
            StorageFull, StorageBroken, StorageBusy: See `storage.Database.write`; nothing was written.
            Broken: `before` is not what is stored, or `after` has not the block: a second writer or a bug of the caller.
        """
        if after is before and imported is None:
            return
        index = self._index_of(before)
        if imported is not None and (state is None or imported.block.root not in after.blocks):
            raise Broken(f"block {imported.block.root.hex()} was to be stored without its state, or is not in its store")
        self._index = None  # until the transaction is known to be durable

        def body(tx: Transaction) -> _Index:
            return _write(tx, index, after, imported, state)

        try:
            self._index = await self._database.write(_site(before, after, imported), body)
        except (StorageFull, StorageBusy):
            self._index = index
            raise
        if imported is not None and state is not None:
            self._recent.put(imported.block.root, state)

    def _index_of(self, before: Store) -> _Index:
        if self._index is None:
            self.load()
        index = self._index
        if index is None or (index.store is not before and index.store != before):
            raise Broken("a change was to be stored on a store that is not the stored one: read it again with load()")
        return index


def _write(tx: Transaction, index: _Index, after: Store, imported: SignedBlock | None, state: State | None) -> _Index:
    before, heights = index.store, dict(index.heights)
    if imported is not None and state is not None:
        root = imported.block.root
        write_block(tx, imported, after.blocks[root])
        height = height_of(heights, after, root)
        if height % SNAPSHOT_EVERY == 0:
            write_snapshot(tx, root, height, state)
            heights[root] = height
    write_fields(tx, before, after)
    positions = write_pools(tx, pools_of(before), pools_of(after), index.positions)
    if after.latest_finalized.slot > before.latest_finalized.slot:
        gone = obsolete(heights, after)
        drop_snapshots(tx, gone)
        for root in gone:
            del heights[root]
    return _Index(after, positions, heights)


def _site(before: Store, after: Store, imported: SignedBlock | None) -> str:
    if imported is not None:
        return BLOCK_SITE
    return VOTE_SITE if before.time == after.time else TICK_SITE


class _States:
    """The states used last, at most `capacity`; any thread may ask."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._states: OrderedDict[Root, State] = OrderedDict()

    def get(self, root: Root) -> State | None:
        with self._lock:
            state = self._states.get(root)
            if state is not None:
                self._states.move_to_end(root)
            return state

    def put(self, root: Root, state: State) -> None:
        with self._lock:
            self._states[root] = state
            self._states.move_to_end(root)
            if len(self._states) > self._capacity:
                self._states.popitem(last=False)
