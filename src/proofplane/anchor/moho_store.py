"""Moho states, the export entries of the current branch, and the log of what the Moho worker finished, as rows.

Rules:
1. Rows of `moho` are written once and never change or go: both sides of every reorg stay.
2. States, exports, log rows, tip and the position consumed in the anchor log go into one transaction (`moho.commit`).
3. Before a block's entries are appended, entries at its height and above go: they are another branch's.
   So the table holds exactly the entries of the tip's branch; a position is the entry's index in its container's MMR.
4. The log has every block that has become the Moho tip, also those of a silent catch-up; genesis is not in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofplane.anchor.errors import MissingMohoState
from proofplane.anchor.moho import ExportedLeaf
from proofplane.base.ids import HASH_SIZE, BlockCommitment, Hash32, Height
from proofplane.base.predicate import Predicate
from proofplane.storage.database import Database, Rows, Schema, Transaction

GENESIS_SITE = "moho.genesis"
COMMIT_SITE = "moho.commit"

MOHO_SCHEMA = Schema(
    "moho",
    1,
    (
        "CREATE TABLE moho (key BLOB PRIMARY KEY, state BLOB NOT NULL, commitment BLOB NOT NULL, predicate BLOB NOT NULL, "
        "opening BLOB NOT NULL) STRICT",
        "CREATE TABLE moho_exports (container INTEGER NOT NULL, position INTEGER NOT NULL, entry BLOB NOT NULL, height INTEGER NOT NULL, "
        "PRIMARY KEY (container, position)) STRICT, WITHOUT ROWID",
        "CREATE INDEX moho_exports_by_height ON moho_exports (height)",
        "CREATE TABLE moho_log (seq INTEGER PRIMARY KEY, key BLOB NOT NULL) STRICT",
        "CREATE TABLE moho_tip (one INTEGER PRIMARY KEY CHECK (one = 1), key BLOB NOT NULL, consumed INTEGER NOT NULL) STRICT",
    ),
)


@dataclass(frozen=True, slots=True)
class MohoRow:
    """A Moho state with what proofs need of it."""

    block: BlockCommitment
    state: bytes
    """SSZ."""
    commitment: Hash32
    predicate: Predicate
    """The step predicate that the next block's step must satisfy."""
    opening: tuple[Hash32, ...]
    """Merkle siblings of the predicate in `commitment`, lowest first."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A block that becomes the Moho tip."""

    block: BlockCommitment
    row: MohoRow | None
    """Its state; None if it is stored already."""
    exports: tuple[ExportedLeaf, ...]
    """What the block appended, in order."""


def moho_row(rows: Rows, block: BlockCommitment) -> MohoRow | None:
    """The Moho state after `block` (also the anchor's); None if there is none."""
    found = rows.row("SELECT state, commitment, predicate, opening FROM moho WHERE key = ?", (block.key(),))
    if found is None:
        return None
    state, commitment, predicate, opening = found
    siblings = tuple(Hash32(opening[at : at + HASH_SIZE]) for at in range(0, len(opening), HASH_SIZE))
    return MohoRow(block, state, Hash32(commitment), Predicate.decode(predicate), siblings)


def moho_tip(rows: Rows) -> tuple[BlockCommitment, int] | None:
    """The last block with a Moho state on the branch followed, and the position consumed in the anchor log; None before the first start."""
    found = rows.row("SELECT key, consumed FROM moho_tip")
    return None if found is None else (BlockCommitment.from_key(found[0]), found[1])


class MohoStore:
    """The Moho worker's store: reads on the loop, one transaction per page."""

    def __init__(self, database: Database) -> None:
        """`database` must have been opened with `MOHO_SCHEMA`."""
        self._database = database

    def tip(self) -> tuple[BlockCommitment, int] | None:
        """See `moho_tip`."""
        return moho_tip(self._database)

    def row(self, block: BlockCommitment) -> MohoRow | None:
        """See `moho_row`."""
        return moho_row(self._database, block)

    def get(self, block: BlockCommitment) -> MohoRow:
        """The Moho state after `block`; raises `MissingMohoState`."""
        row = self.row(block)
        if row is None:
            raise MissingMohoState(block)
        return row

    def has(self, block: BlockCommitment) -> bool:
        """Whether `block` has a Moho state."""
        return self._database.row("SELECT 1 FROM moho WHERE key = ?", (block.key(),)) is not None

    def since(self, after: int, limit: int) -> list[tuple[int, BlockCommitment]]:
        """At most `limit` log entries behind position `after` (from 1): (position, block), in order."""
        found = self._database.rows("SELECT seq, key FROM moho_log WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit))
        return [(seq, BlockCommitment.from_key(key)) for seq, key in found]

    def exports(self, container: int, first: int, limit: int) -> list[tuple[Hash32, Height]]:
        """At most `limit` entries of a container on the tip's branch from position `first` on, each with the height that exported it."""
        found = self._database.rows(
            "SELECT entry, height FROM moho_exports WHERE container = ? AND position >= ? ORDER BY position LIMIT ?",
            (container, first, limit),
        )
        return [(Hash32(entry), Height(height)) for entry, height in found]

    def export_position(self, container: int, entry: Hash32) -> int | None:
        """Where `entry` stands first in a container on the tip's branch."""
        found = self._database.row("SELECT min(position) FROM moho_exports WHERE container = ? AND entry = ?", (container, entry))
        return None if found is None or found[0] is None else int(found[0])

    async def create(self, genesis: MohoRow, consumed: int) -> None:
        """Stores the anchor's Moho state and makes it the tip, in one transaction."""

        def body(tx: Transaction) -> None:
            _insert(tx, genesis)
            _set_tip(tx, genesis.block, consumed)

        await self._database.write(GENESIS_SITE, body)

    async def commit(self, page: Sequence[Folded], consumed: int) -> None:
        """Stores a page of the anchor log, oldest first: states, exports, log, tip and position in one transaction.

        Raises:
            StorageFull, StorageBroken, StorageBusy: Nothing of the page was written.
        """

        def body(tx: Transaction) -> None:
            for folded in page:
                tx.execute("DELETE FROM moho_exports WHERE height >= ?", (folded.block.height,))
                for leaf in folded.exports:
                    values = (leaf.container, leaf.index, leaf.entry, folded.block.height)
                    tx.execute("INSERT INTO moho_exports VALUES (?, ?, ?, ?)", values)
                if folded.row is not None:
                    _insert(tx, folded.row)
                tx.execute("INSERT INTO moho_log (key) VALUES (?)", (folded.block.key(),))
            _set_tip(tx, page[-1].block, consumed)

        await self._database.write(COMMIT_SITE, body)


def _insert(tx: Transaction, row: MohoRow) -> None:
    opening = b"".join(row.opening)
    tx.execute("INSERT INTO moho VALUES (?, ?, ?, ?, ?)", (row.block.key(), row.state, row.commitment, row.predicate.encode(), opening))


def _set_tip(tx: Transaction, block: BlockCommitment, consumed: int) -> None:
    tx.execute("INSERT OR REPLACE INTO moho_tip VALUES (1, ?, ?)", (block.key(), consumed))
