"""Snapshots of states as rows: which blocks have one, and their form, in which nothing is written twice.

Rules:
1. A block's height is the number of blocks between it and the anchor. A block whose height is a multiple of `SNAPSHOT_EVERY` gets a
   snapshot in the transaction that imports it; every other state is replayed from the nearest snapshot before it.
2. When finality rises, snapshots below the finalized block's slot go in the same transaction, but for those at multiples of
   `SPARSE_GRID` (of every branch, for ever) and the last one before the finalized block, from which its descendants are replayed.
3. A snapshot is the state without its registry and without the whole runs of 256 roots of its history; those are parts, stored once
   under their tree-hash root and shared by all snapshots that have them. Parts never go: they are as permanent as the blocks.

So replaying takes less than `SPARSE_GRID` transitions anywhere, and less than `SNAPSHOT_EVERY` on what descends from the finalized block
as long as finality has never fallen: what was dropped while it stood higher is not made again.

What is written, at 4,096 validators and slot 100,000 (3.7 MB of SSZ): 17 KB a snapshot, which is 0.5 KB a block; the registry's 459 KB
once a chain; 8 KB of history each 256 slots. A snapshot a block would write 17 KB a block, beside at most 512 KiB of proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from remerkleable.tree import Node

from proofplane.chain.errors import MissingState
from proofplane.chain.store_rows import damage_told
from proofplane.crypto.ssz import codec_of
from proofplane.crypto.ssz_tree import (
    CHUNK,
    depth_of,
    list_length,
    list_tree,
    packed_bytes,
    packed_tree,
    subtree,
    subtrees,
)
from proofplane.lean import ssz
from proofplane.lean.codec import decode_state, encode_state
from proofplane.lean.config import HISTORICAL_ROOTS_LIMIT
from proofplane.lean.ssz import State
from proofplane.lean.state_fields import StateFields, field_node
from proofplane.lean.store import Store
from proofplane.lean.types import Root
from proofplane.storage.database import Rows, Transaction

SNAPSHOT_EVERY = 32
"""Blocks from one snapshot of a branch to the next: a restart replays 31 blocks at most, 16 on average."""

SPARSE_GRID = 256
"""The same below finality. A child of any old block may come, so this bounds the work that one can ask for."""

SNAPSHOT_STATEMENTS = (
    "CREATE TABLE chain_snapshots (root BLOB PRIMARY KEY, height INTEGER NOT NULL, registry BLOB NOT NULL, runs BLOB NOT NULL, "
    "rest BLOB NOT NULL) STRICT",
    "CREATE TABLE chain_parts (root BLOB PRIMARY KEY, content BLOB NOT NULL) STRICT",
)

_RUN_DEPTH = 8
"""A run is 256 roots, 8 KB: half of that is rewritten with each snapshot on average, and 1,024 of them fill the history."""

_RUN_ROOTS = 2**_RUN_DEPTH
_HISTORY_DEPTH = depth_of(HISTORICAL_ROOTS_LIMIT)
_RUNS_DEPTH = _HISTORY_DEPTH - _RUN_DEPTH

_REGISTRY = codec_of(ssz.Validators)
_HISTORY_FIELD = "historical_block_hashes"
_REGISTRY_FIELD = "validators"
_NO_VALIDATORS = _REGISTRY.tree(())

Heights = Mapping[Root, int]
"""The blocks that have a snapshot, with their heights."""


@dataclass(frozen=True, slots=True)
class RegistryTree:
    """A registry that was read; all states of a chain share it."""

    root: bytes
    tree: Node


def read_heights(rows: Rows) -> dict[Root, int]:
    """All snapshots."""
    return {Root(root): height for root, height in rows.iterate("SELECT root, height FROM chain_snapshots")}


def height_of(heights: Heights, store: Store, root: Root) -> int:
    """The height of an imported block, by the nearest snapshot at or before it; raises `MissingState` if there is none."""
    steps = 0
    while root not in heights:
        node = store.blocks.get(root)
        if node is None:
            raise MissingState(f"no snapshot precedes block {root.hex()}, not even the anchor's: restore the database")
        root, steps = node.parent_root, steps + 1
    return heights[root] + steps


def obsolete(heights: Heights, store: Store) -> list[Root]:
    """The snapshots that rule 2 lets go, given the store's finality."""
    finalized = store.latest_finalized
    kept = finalized.root
    while kept in store.blocks and kept not in heights:
        kept = store.blocks[kept].parent_root
    below = [root for root, height in heights.items() if height % SPARSE_GRID and root != kept]
    return [root for root in below if store.blocks[root].slot < finalized.slot]


def write_snapshot(tx: Transaction, root: Root, height: int, state: State) -> None:
    """Stores the state after a block, and those of its parts that are not there yet."""
    history, registry = field_node(state, _HISTORY_FIELD), field_node(state, _REGISTRY_FIELD)
    roots = list_length(history)
    whole = roots // _RUN_ROOTS
    runs = subtrees(history.get_left(), _RUNS_DEPTH, 0, whole)
    left = roots - whole * _RUN_ROOTS
    tail = packed_bytes(subtree(history.get_left(), whole, _RUNS_DEPTH), _RUN_DEPTH, CHUNK * left) if left else b""
    for run in runs:
        if not _has_part(tx, run):
            _write_part(tx, run, packed_bytes(run, _RUN_DEPTH, CHUNK * _RUN_ROOTS))
    if not _has_part(tx, registry):
        _write_part(tx, registry, _REGISTRY.encode(_REGISTRY.untree(registry)))
    rest = encode_state(_with_parts(state, list_tree(packed_tree(tail, _HISTORY_DEPTH), left), _NO_VALIDATORS))
    keys = b"".join([run.merkle_root() for run in runs])
    tx.execute("INSERT INTO chain_snapshots VALUES (?, ?, ?, ?, ?)", (root, height, registry.merkle_root(), keys, rest))


def drop_snapshots(tx: Transaction, roots: list[Root]) -> None:
    """Deletes these snapshots; their parts stay."""
    tx.execute_many("DELETE FROM chain_snapshots WHERE root = ?", [(root,) for root in roots])


def read_snapshot(rows: Rows, root: Root, known: RegistryTree | None = None) -> tuple[State, RegistryTree] | None:
    """The state that a snapshot of a block holds, and its registry; None if the block has no snapshot.

    Whether it is the state that the block names is for the caller to check.

    Args:
        rows: Where to read.
        root: The block.
        known: A registry that is in memory; if it is the snapshot's, it is not read again.

    Raises:
        MissingState: The snapshot or one of its parts is damaged or not there.
    """
    found = rows.row("SELECT registry, runs, rest FROM chain_snapshots WHERE root = ?", (root,))
    if found is None:
        return None
    registry, keys, rest = found
    with damage_told(f"the snapshot of block {root.hex()}"):
        state = decode_state(rest)
        if known is None or known.root != registry:
            known = RegistryTree(registry, _REGISTRY.tree(_REGISTRY.decode(_read_part(rows, registry))))
        runs = [_read_part(rows, keys[i : i + CHUNK]) for i in range(0, len(keys), CHUNK)]
    history = field_node(state, _HISTORY_FIELD)
    left = list_length(history)
    packed = b"".join([*runs, packed_bytes(history.get_left(), _HISTORY_DEPTH, CHUNK * left)])
    return _with_parts(state, list_tree(packed_tree(packed, _HISTORY_DEPTH), len(runs) * _RUN_ROOTS + left), known.tree), known


def _with_parts(state: State, history: Node, registry: Node) -> State:
    fields = StateFields(state)
    fields.put_node(_HISTORY_FIELD, history)
    fields.put_node(_REGISTRY_FIELD, registry)
    return fields.state()


def _has_part(tx: Transaction, node: Node) -> bool:
    return tx.row("SELECT 1 FROM chain_parts WHERE root = ?", (node.merkle_root(),)) is not None


def _write_part(tx: Transaction, node: Node, content: bytes) -> None:
    tx.execute("INSERT INTO chain_parts VALUES (?, ?)", (node.merkle_root(), content))


def _read_part(rows: Rows, root: bytes) -> bytes:
    found = rows.row("SELECT content FROM chain_parts WHERE root = ?", (root,))
    if found is None:
        raise MissingState(f"the part {root.hex()} of stored states is not there: restore the database or import the chain again")
    return bytes(found[0])
