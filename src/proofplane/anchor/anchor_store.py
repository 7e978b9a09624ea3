"""Anchor states and all that was needed to make them, as rows; the log of what was emitted; the current branch by height.

Rules:
1. Rows of `anchors` are written once and never change or go: both sides of every reorg stay.
2. Leaves, log rows and tip of a batch go into one transaction with its anchors (`anchor.commit`).
3. The log is the durable form of the subscription: what was emitted is in it, in the same order; genesis is in neither.
4. A leaf's row names its block, so `leaves` up to the tip is the current branch by height.

Reading functions take `Rows`, so they serve a live database and a read-only one alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proofplane.anchor.aux_data import ManifestProof
from proofplane.anchor.errors import MissingAnchorState, MissingGenesisState, WrongGenesis
from proofplane.anchor.leaf_table import LEAF_STATEMENTS, prove_leaf, write_leaf
from proofplane.base.ids import BlockCommitment, BlockId, Hash32, Height
from proofplane.storage.database import Database, Rows, Schema, Transaction

GENESIS_SITE = "anchor.genesis"
COMMIT_SITE = "anchor.commit"

ANCHOR_SCHEMA = Schema(
    "anchor",
    2,
    (
        "CREATE TABLE anchors (key BLOB PRIMARY KEY, block_id BLOB NOT NULL, parent BLOB, header BLOB, payload BLOB, state BLOB NOT NULL, "
        "commitment BLOB NOT NULL, manifest BLOB, manifest_hash BLOB, aux BLOB, inclusion_proof BLOB) STRICT",
        "CREATE UNIQUE INDEX anchors_by_id ON anchors (block_id)",
        *LEAF_STATEMENTS,
        "CREATE TABLE anchor_log (seq INTEGER PRIMARY KEY, key BLOB NOT NULL) STRICT",
        "CREATE TABLE anchor_tip (one INTEGER PRIMARY KEY CHECK (one = 1), key BLOB NOT NULL) STRICT",
    ),
)
"""The genesis row has neither parent, header, manifest nor aux: its block is trusted, not seen. `payload` is null if it is the header.

`inclusion_proof` is null in headers-only mode.
"""

_COLUMNS = "key, parent, header, coalesce(payload, header), state, commitment, manifest, manifest_hash, aux, inclusion_proof"


_PAGE_BLOCKS = 256
"""Blocks of a walk that are read at a time."""


@dataclass(frozen=True, slots=True)
class AnchorRow:
    """One processed block: what came in, what came out, and the witness between them."""

    block: BlockCommitment
    parent: BlockId
    header: bytes
    """80 bytes."""
    payload: bytes
    """What the transition took: the header, or the whole block."""
    state: bytes
    """The anchor state after the block, SSZ."""
    commitment: Hash32
    """Tree-hash root of `state`."""
    manifest: bytes
    """SSZ."""
    manifest_hash: Hash32
    aux: bytes
    """The aux data that the transition was given, encoded."""
    inclusion_proof: bytes | None = None
    """That the coinbase is in the block, encoded; None in headers-only mode."""

    @property
    def parent_block(self) -> BlockCommitment:
        """The block before it."""
        return BlockCommitment(Height(self.block.height - 1), self.parent)


@dataclass(frozen=True, slots=True)
class GenesisRow:
    """The anchor: its block and the state that everything starts from."""

    block: BlockCommitment
    state: bytes
    commitment: Hash32


@dataclass(frozen=True, slots=True)
class Emission:
    """One row of the log with what the next stage needs of its block."""

    seq: int
    """Position in the log, from 1."""
    block: BlockCommitment
    parent: BlockCommitment
    commitment: Hash32
    """Of the anchor state after the block."""
    manifest: bytes


@dataclass(frozen=True, slots=True)
class Switch:
    """A block that has a row already and joins the current branch again."""

    block: BlockCommitment


def genesis_row(rows: Rows) -> GenesisRow | None:
    """The anchor's row, None before the first start; its key is the lowest, because nothing below the anchor is ever processed."""
    found = rows.row("SELECT key, state, commitment, header IS NULL FROM anchors ORDER BY key LIMIT 1")
    return GenesisRow(BlockCommitment.from_key(found[0]), found[1], Hash32(found[2])) if found is not None and found[3] else None


def anchor_row(rows: Rows, block: BlockCommitment) -> AnchorRow | None:
    """The row of a processed block; None for the anchor itself and for a block that was never processed."""
    found = rows.row(f"SELECT {_COLUMNS} FROM anchors WHERE key = ? AND header IS NOT NULL", (block.key(),))
    if found is None:
        return None
    key, parent, header, payload, state, commitment, manifest, manifest_hash, aux, inclusion_proof = found
    return AnchorRow(
        block=BlockCommitment.from_key(key),
        parent=BlockId(parent),
        header=header,
        payload=payload,
        state=state,
        commitment=Hash32(commitment),
        manifest=manifest,
        manifest_hash=Hash32(manifest_hash),
        aux=aux,
        inclusion_proof=inclusion_proof,
    )


def anchor_tip(rows: Rows) -> BlockCommitment | None:
    """The last block of the current branch (the anchor, if nothing was processed); None before the first start."""
    return _block(rows.row("SELECT key FROM anchor_tip"))


def canonical_at(rows: Rows, height: Height) -> BlockCommitment | None:
    """The current branch's block at `height`; None below the anchor and above the tip."""
    tip_key = "(SELECT key FROM anchor_tip)"
    found = rows.row(f"SELECT key FROM leaves WHERE height = ? AND key <= {tip_key}", (height,))
    if found is None:
        genesis = genesis_row(rows)
        return genesis.block if genesis is not None and genesis.block.height == height else None
    return _block(found)


def canonical_blocks(rows: Rows, first: int = 0, last: int | None = None) -> Iterator[BlockCommitment]:
    """The current branch above the anchor, oldest first, read page by page.

    Each page is a query of its own: a snapshot held open for a whole walk would keep a running node from resetting its write-ahead log.
    So a reorg during the walk shows as a block that does not follow the one before it.

    Args:
        rows: Where to read.
        first: The height to begin at.
        last: The height to end at, if the branch reaches it; None = that of the tip when the walk begins.
    """
    if last is None:
        tip = anchor_tip(rows)
        last = -1 if tip is None else tip.height
    query = "SELECT key FROM leaves WHERE height BETWEEN ? AND ? AND key <= (SELECT key FROM anchor_tip) ORDER BY height LIMIT ?"
    while page := rows.rows(query, (first, last, _PAGE_BLOCKS)):
        for (key,) in page:
            block = BlockCommitment.from_key(key)
            yield block
        first = block.height + 1


def canonical_rows(rows: Rows, first: int = 0, last: int | None = None) -> Iterator[AnchorRow]:
    """The rows of `canonical_blocks`, one in memory at a time; raises `MissingAnchorState` if one is not there."""
    for block in canonical_blocks(rows, first, last):
        row = anchor_row(rows, block)
        if row is None:
            raise MissingAnchorState(block)
        yield row


def block_by_id(rows: Rows, block_id: BlockId) -> BlockCommitment | None:
    """The processed block (of any branch) with this id, the anchor included."""
    return _block(rows.row("SELECT key FROM anchors WHERE block_id = ?", (block_id,)))


def emissions(rows: Rows, after: int, limit: int) -> list[Emission]:
    """At most `limit` log entries behind position `after`, in order."""
    found = rows.rows(
        "SELECT seq, key, parent, commitment, manifest FROM anchor_log JOIN anchors USING (key) WHERE seq > ? ORDER BY seq LIMIT ?",
        (after, limit),
    )
    return [_emission(*row) for row in found]


class AnchorStore:
    """The anchor worker's store: reads on the loop, one transaction per batch."""

    def __init__(self, database: Database) -> None:
        """`database` must have been opened with `ANCHOR_SCHEMA`."""
        self._database = database

    def genesis(self) -> GenesisRow | None:
        """See `genesis_row`."""
        return genesis_row(self._database)

    def tip(self) -> BlockCommitment | None:
        """See `anchor_tip`."""
        return anchor_tip(self._database)

    def row(self, block: BlockCommitment) -> AnchorRow | None:
        """See `anchor_row`."""
        return anchor_row(self._database, block)

    def has(self, block: BlockCommitment) -> bool:
        """Whether the block (or anchor) has a state."""
        return self._database.row("SELECT 1 FROM anchors WHERE key = ?", (block.key(),)) is not None

    def state(self, block: BlockCommitment) -> bytes:
        """The SSZ anchor state after `block`, the anchor's included; raises `MissingAnchorState`."""
        found = self._database.row("SELECT state FROM anchors WHERE key = ?", (block.key(),))
        if found is None:
            raise MissingAnchorState(block)
        return bytes(found[0])

    def parent(self, block: BlockCommitment) -> BlockCommitment | None:
        """The parent of a processed block; None for the anchor and for a block that was never processed."""
        found = self._database.row("SELECT parent FROM anchors WHERE key = ?", (block.key(),))
        return None if found is None or found[0] is None else BlockCommitment(Height(block.height - 1), BlockId(found[0]))

    def canonical_at(self, height: Height) -> BlockCommitment | None:
        """See `canonical_at`."""
        return canonical_at(self._database, height)

    def block_by_id(self, block_id: BlockId) -> BlockCommitment | None:
        """See `block_by_id`."""
        return block_by_id(self._database, block_id)

    def emissions(self, after: int, limit: int) -> list[Emission]:
        """See `emissions`."""
        return emissions(self._database, after, limit)

    def leaf_proof(self, height: Height, count: int) -> ManifestProof:
        """The leaf of `height` and its proof in the current branch's snapshot of `count` leaves; see `prove_leaf`."""
        tip = self.tip()
        if tip is None:
            raise MissingGenesisState("the store has no tip: its worker has not started")
        return prove_leaf(self._database, self._anchor_height(), tip.height, height, count)

    async def create(self, block: BlockCommitment, state: bytes, commitment: Hash32) -> None:
        """Stores the anchor and makes it the tip, in one transaction."""

        def body(tx: Transaction) -> None:
            values = (block.key(), block.block_id, state, commitment)
            tx.execute("INSERT INTO anchors (key, block_id, state, commitment) VALUES (?, ?, ?, ?)", values)
            _set_tip(tx, block)

        await self._database.write(GENESIS_SITE, body)

    async def commit(self, batch: Sequence[AnchorRow | Switch]) -> None:
        """Stores a batch, oldest first, and makes its last block the tip: rows, leaves, log and tip in one transaction.

        Raises:
            MissingAnchorState: A switch names a block without a row.
            StorageFull, StorageBroken, StorageBusy: Nothing of the batch was written.
        """
        anchor = self._anchor_height()

        def body(tx: Transaction) -> None:
            for item in batch:
                leaf = _stored_leaf(tx, item.block) if isinstance(item, Switch) else item.manifest_hash
                if isinstance(item, AnchorRow):
                    _insert(tx, item)
                write_leaf(tx, anchor, item.block, leaf)
                tx.execute("INSERT INTO anchor_log (key) VALUES (?)", (item.block.key(),))
            _set_tip(tx, batch[-1].block)

        await self._database.write(COMMIT_SITE, body)

    def _anchor_height(self) -> Height:
        genesis = self.genesis()
        if genesis is None:
            raise MissingGenesisState("the store has no state of the anchor")
        return genesis.block.height


def check_same_genesis(found: GenesisRow, block: BlockCommitment, commitment: Hash32) -> None:
    """Raises `WrongGenesis` unless the stored anchor is the one that the parameters describe."""
    if (found.block, found.commitment) != (block, commitment):
        raise WrongGenesis(f"the database begins at {found.block}, not at {block} with these parameters: use another data directory")


def _insert(tx: Transaction, row: AnchorRow) -> None:
    tx.execute(
        "INSERT INTO anchors VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            row.block.key(),
            row.block.block_id,
            row.parent,
            row.header,
            None if row.payload == row.header else row.payload,
            row.state,
            row.commitment,
            row.manifest,
            row.manifest_hash,
            row.aux,
            row.inclusion_proof,
        ),
    )


def _stored_leaf(tx: Transaction, block: BlockCommitment) -> Hash32:
    found = tx.row("SELECT manifest_hash FROM anchors WHERE key = ?", (block.key(),))
    if found is None or found[0] is None:
        raise MissingAnchorState(block)
    return Hash32(found[0])


def _set_tip(tx: Transaction, block: BlockCommitment) -> None:
    tx.execute("INSERT OR REPLACE INTO anchor_tip VALUES (1, ?)", (block.key(),))


def _emission(seq: int, key: bytes, parent: bytes, commitment: bytes, manifest: bytes) -> Emission:
    block = BlockCommitment.from_key(key)
    return Emission(seq, block, BlockCommitment(Height(block.height - 1), BlockId(parent)), Hash32(commitment), manifest)


def _block(found: tuple[bytes, ...] | None) -> BlockCommitment | None:
    return None if found is None else BlockCommitment.from_key(found[0])
