"""The fork-choice store as rows: one small row for each block, one for what is not a collection; the pools are in `pool_rows`.

Rules:
1. A node's `seq` is the order of import; the anchor's is the lowest. Rows of nodes and blocks are written once and never change or go.
2. A node is 128 packed bytes, so a start reads 100,000 of them in under a second; the raw block and its proof are in a table of their own.
3. What cannot be read as it was written is `MissingState`: nothing is guessed.

u64 values are packed into blobs, because SQLite's integers are signed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from immutables import Map

from proofplane.base.errors import Refused
from proofplane.chain.errors import MissingState
from proofplane.chain.pool_rows import POOL_STATEMENTS, Pools, read_pools
from proofplane.lean.codec import decode_block, encode_block
from proofplane.lean.store import BlockNode, Store
from proofplane.lean.types import Block, Checkpoint, Root, SignedBlock, Slot
from proofplane.storage.database import Rows, Transaction

STORE_STATEMENTS = (
    "CREATE TABLE chain_nodes (seq INTEGER PRIMARY KEY, root BLOB NOT NULL UNIQUE, node BLOB NOT NULL) STRICT",
    "CREATE TABLE chain_blocks (seq INTEGER PRIMARY KEY, block BLOB NOT NULL, proof BLOB NOT NULL) STRICT",
    "CREATE TABLE chain_store (one INTEGER PRIMARY KEY CHECK (one = 1), fields BLOB NOT NULL) STRICT",
    *POOL_STATEMENTS,
)

_NODE = struct.Struct("<Q32s32sQ32sQQ")
"""Slot, parent root, justified (root, slot), finalized (root, slot), validators."""

_FIELDS = struct.Struct("<QQ32s32s32sQ32sQ")
"""Time, genesis time, head, safe target, justified (root, slot), finalized (root, slot)."""


def read_store(rows: Rows) -> Store | None:
    """The stored store, equal to the one that was committed last and with its pools in the same order; None before the anchor.

    On a database that another process writes to, what is read last may be of a later commit than what is read first.

    Raises:
        MissingState: A row is damaged, or one refers to another that is not there.
        StorageBroken, StorageBusy: The database failed.
    """
    found = rows.row("SELECT fields FROM chain_store")
    if found is None:
        return None
    with damage_told("the store"):
        time, genesis_time, head, safe, justified, justified_slot, finalized, finalized_slot = _FIELDS.unpack(found[0])
    blocks, children = _read_nodes(rows)
    for name, root in (("head", head), ("safe target", safe), ("justified block", justified), ("finalized block", finalized)):
        if root not in blocks:
            raise MissingState(f"the stored {name} {root.hex()} is no stored block: restore the database or import the chain again")
    pools = read_pools(rows)
    return Store(
        time=time,
        genesis_time=genesis_time,
        head=Root(head),
        safe_target=Root(safe),
        latest_justified=Checkpoint(Root(justified), Slot(justified_slot)),
        latest_finalized=Checkpoint(Root(finalized), Slot(finalized_slot)),
        blocks=blocks,
        children=children,
        attestation_signatures=pools.signatures,
        new_payloads=pools.new,
        known_payloads=pools.known,
    )


def pools_of(store: Store) -> Pools:
    """The store's three pools."""
    return Pools(store.attestation_signatures, store.new_payloads, store.known_payloads)


def read_block(rows: Rows, root: Root) -> SignedBlock | None:
    """An imported block with its proof, which is empty for the anchor and for a block that was trusted; None if it is not imported.

    Raises:
        MissingState: The row is damaged or not there although the block is imported.
    """
    found = rows.row("SELECT block, proof FROM chain_nodes LEFT JOIN chain_blocks USING (seq) WHERE root = ?", (root,))
    return None if found is None else SignedBlock(_block(root, found[0]), found[1])


def anchor_block(rows: Rows) -> Block | None:
    """The block that the stored chain begins with; None if none was stored yet."""
    found = rows.row("SELECT root, block FROM chain_nodes LEFT JOIN chain_blocks USING (seq) ORDER BY seq LIMIT 1")
    return None if found is None else _block(Root(found[0]), found[1])


def write_block(tx: Transaction, signed: SignedBlock, node: BlockNode) -> None:
    """Adds a block and its node as the latest."""
    packed = _NODE.pack(
        node.slot, node.parent_root, node.justified.root, node.justified.slot, node.finalized.root, node.finalized.slot, node.validators
    )
    tx.execute("INSERT INTO chain_nodes (root, node) VALUES (?, ?)", (signed.block.root, packed))
    tx.execute("INSERT INTO chain_blocks VALUES (last_insert_rowid(), ?, ?)", (encode_block(signed.block), signed.proof))


def write_fields(tx: Transaction, before: Store | None, after: Store) -> None:
    """Writes what is not a collection, if any of it has changed."""
    packed = _pack_fields(after)
    if before is None or _pack_fields(before) != packed:
        tx.execute("INSERT OR REPLACE INTO chain_store VALUES (1, ?)", (packed,))


@contextmanager
def damage_told(what: str) -> Iterator[None]:
    """Turns what reading a damaged row raises into `MissingState`."""
    try:
        yield
    except (struct.error, Refused) as error:
        raise MissingState(f"the rows of {what} are damaged: restore the database or import the chain again ({error})") from error


def _read_nodes(rows: Rows) -> tuple[Map[Root, BlockNode], Map[Root, tuple[Root, ...]]]:
    blocks: dict[Root, BlockNode] = {}
    children: dict[Root, tuple[Root, ...]] = {}
    checkpoints: dict[tuple[bytes, int], Checkpoint] = {}  # most blocks share theirs with the block before

    def checkpoint(root: bytes, slot: int) -> Checkpoint:
        found = checkpoints.get((root, slot))
        if found is None:
            found = checkpoints[root, slot] = Checkpoint(Root(root), Slot(slot))
        return found

    for root, packed in rows.iterate("SELECT root, node FROM chain_nodes ORDER BY seq"):
        with damage_told(f"block {root.hex()}"):
            slot, parent, justified, justified_slot, finalized, finalized_slot, validators = _NODE.unpack(packed)
        if blocks:
            if parent not in blocks:
                raise MissingState(f"the parent of the stored block {root.hex()} is not stored: restore the database")
            children[parent] = (*children.get(parent, ()), root)
        node = BlockNode(slot, parent, checkpoint(justified, justified_slot), checkpoint(finalized, finalized_slot), validators)
        blocks[root] = node
    return Map(blocks), Map(children)


def _block(root: Root, raw: bytes | None) -> Block:
    if raw is None:
        raise MissingState(f"the stored block {root.hex()} lacks its body: restore the database or import the chain again")
    with damage_told(f"block {root.hex()}"):
        block = decode_block(raw)
    if block.root != root:
        raise MissingState(f"the stored block {root.hex()} has the root {block.root.hex()}: restore the database or import the chain again")
    return block


def _pack_fields(store: Store) -> bytes:
    justified, finalized = store.latest_justified, store.latest_finalized
    values = (justified.root, justified.slot, finalized.root, finalized.slot)
    return _FIELDS.pack(store.time, store.genesis_time, store.head, store.safe_target, *values)
