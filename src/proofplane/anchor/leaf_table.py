"""The history MMR as rows: leaf index = height, every complete inner node beside the leaves, so a proof is one query.

Rules:
1. Writing the leaf of a height overwrites it in place, and with it every inner node whose last leaf it is.
2. Heights up to the anchor hold the sentinel and are not stored; inner nodes over sentinels alone are not stored either.
3. Leaves and nodes above the tip (left by a reorg to a lower block) stay until overwritten; no proof at a count up to tip + 1 reads them.

Invariant: a node covers the leaves that its last leaf's writer saw below it, so after the leaves of a branch were written in order up to
the tip, every complete node up to there is that branch's. Amortised cost of a leaf: one inner node.
"""

from __future__ import annotations

from functools import cache

from proofplane.anchor.aux_data import ManifestProof
from proofplane.anchor.errors import ManifestHashNotFound, MmrProofFailed
from proofplane.anchor.types import SENTINEL
from proofplane.base.ids import BlockCommitment, Hash32, Height
from proofplane.crypto.mmr import join
from proofplane.storage.database import Rows, Transaction

LEAF_STATEMENTS = (
    "CREATE TABLE leaves (height INTEGER PRIMARY KEY, hash BLOB NOT NULL, key BLOB NOT NULL) STRICT",
    "CREATE TABLE nodes (level INTEGER NOT NULL, position INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, position)) "
    "STRICT, WITHOUT ROWID",
)


def write_leaf(tx: Transaction, anchor: Height, block: BlockCommitment, leaf: Hash32) -> None:
    """Puts `leaf` at `block.height` and completes the nodes that end there; `anchor` is the last height that holds the sentinel.

    Raises:
        ManifestHashNotFound: A node below is missing: the leaves were not written in order.
    """
    tx.execute(
        "INSERT INTO leaves VALUES (?, ?, ?) ON CONFLICT (height) DO UPDATE SET hash = excluded.hash, key = excluded.key",
        (block.height, leaf, block.key()),
    )
    node, level, position = leaf, 0, int(block.height)
    while position & 1:
        node = Hash32(join(_left_sibling(tx, anchor, level, position - 1), node))
        level, position = level + 1, position >> 1
        tx.execute("INSERT OR REPLACE INTO nodes VALUES (?, ?, ?)", (level, position, node))


def read_leaf(rows: Rows, anchor: Height, height: Height) -> Hash32:
    """The leaf at `height`, also one above the tip that was not overwritten yet; raises `ManifestHashNotFound` if there never was one."""
    if height <= anchor:
        return SENTINEL
    found = rows.row("SELECT hash FROM leaves WHERE height = ?", (height,))
    if found is None:
        raise ManifestHashNotFound(f"no manifest hash at height {height}")
    return Hash32(found[0])


def prove_leaf(rows: Rows, anchor: Height, tip: Height, index: Height, count: int) -> ManifestProof:
    """Proves leaf `index` in the snapshot of `count` leaves of the current branch, whose tip is at height `tip`.

    Raises:
        MmrProofFailed: The snapshot does not contain the leaf, or is not below the tip.
        ManifestHashNotFound: The leaf or a node is missing.
    """
    if not 0 <= index < count:
        raise MmrProofFailed(f"leaf {index} is not among the {count} leaves of the snapshot")
    if count > tip + 1:
        raise MmrProofFailed(f"a snapshot of {count} leaves is above the tip at height {tip}")
    height = (count ^ index).bit_length() - 1  # the highest bit set in count but not in index: the peak that index is under
    wanted = [(0, int(index)), *[(level, index >> level ^ 1) for level in range(height)]]
    stored = [place for place in wanted if not _all_sentinels(anchor, *place)]
    found = {(level, position): Hash32(node) for level, position, node in _read_nodes(rows, stored)}
    missing = [place for place in stored if place not in found]
    if missing:
        raise ManifestHashNotFound(f"the history has no node at (level, position) {missing[0]}")
    leaf, *siblings = [found[place] if place in found else _sentinels(place[0]) for place in wanted]
    return ManifestProof(index, leaf, tuple(siblings))


def _read_nodes(rows: Rows, places: list[tuple[int, int]]) -> list[tuple[int, int, bytes]]:
    """Reads leaves (level 0) and nodes in one query, which makes it one snapshot."""
    leaves = [position for level, position in places if level == 0]
    nodes = [number for place in places if place[0] > 0 for number in place]
    pairs = ", ".join(["(?, ?)"] * (len(nodes) // 2)) or "(-1, -1)"
    marks = ", ".join("?" * len(leaves))
    return rows.rows(
        f"SELECT 0, height, hash FROM leaves WHERE height IN ({marks}) "
        f"UNION ALL SELECT level, position, hash FROM nodes WHERE (level, position) IN (VALUES {pairs})",
        (*leaves, *nodes),
    )


def _left_sibling(tx: Transaction, anchor: Height, level: int, position: int) -> Hash32:
    if _all_sentinels(anchor, level, position):
        return _sentinels(level)
    if level == 0:
        found = tx.row("SELECT hash FROM leaves WHERE height = ?", (position,))
    else:
        found = tx.row("SELECT hash FROM nodes WHERE level = ? AND position = ?", (level, position))
    if found is None:
        raise ManifestHashNotFound(f"the history has no node at (level, position) {(level, position)}")
    return Hash32(found[0])


def _all_sentinels(anchor: Height, level: int, position: int) -> bool:
    return (position + 1) << level <= anchor + 1


@cache  # one entry per level, at most 32
def _sentinels(level: int) -> Hash32:
    if level == 0:
        return SENTINEL
    below = _sentinels(level - 1)
    return Hash32(join(below, below))
