"""The cheap checks before a block costs work: known, parent, duplicate data, slot gap, future slot, in this order.

Source: leanSpec 43246bd6, `on_block`, for the first three; the last two bound what the specification leaves open. They run before
anybody's signature was checked, so each is constant work or linear in the body.
"""

from __future__ import annotations

from proofplane.lean.config import INTERVALS_PER_SLOT, MAX_SLOT_GAP, MAX_SLOTS_AHEAD
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.store import Store
from proofplane.lean.types import Block


def is_news(store: Store, block: Block) -> bool:
    """Returns whether the block is to be checked: False if it is in the store already, True if it passes every guard.

    Raises:
        Rejected: UNKNOWN_PARENT_BLOCK, DUPLICATE_ATTESTATION_DATA, BLOCK_SLOT_GAP_TOO_LARGE, BLOCK_SLOT_IN_FUTURE; the first that holds.
    """
    if block.root in store.blocks:
        return False
    parent = store.blocks.get(block.parent_root)
    if parent is None:
        raise Rejected(Reason.UNKNOWN_PARENT_BLOCK, f"block {block.root.hex()} needs {block.parent_root.hex()}")
    check_data_distinct(block)
    gap = block.slot - parent.slot
    if gap > MAX_SLOT_GAP:
        raise Rejected(Reason.BLOCK_SLOT_GAP_TOO_LARGE, f"{gap} slots after its parent, at most {MAX_SLOT_GAP}")
    check_slot_has_come(store, block)
    return True


def check_data_distinct(block: Block) -> None:
    """Raises `Rejected` DUPLICATE_ATTESTATION_DATA if two attestations of the body carry the same data."""
    if len({attestation.data for attestation in block.attestations}) < len(block.attestations):
        raise Rejected(Reason.DUPLICATE_ATTESTATION_DATA)


def check_slot_has_come(store: Store, block: Block) -> None:
    """Raises `Rejected` BLOCK_SLOT_IN_FUTURE if the block is further ahead of the store's clock than clocks differ."""
    latest = store.time // INTERVALS_PER_SLOT + MAX_SLOTS_AHEAD
    if block.slot > latest:
        raise Rejected(Reason.BLOCK_SLOT_IN_FUTURE, f"slot {block.slot}, at most {latest} by the clock")
