"""How a block gets into the store: the anchor that everything starts from, and any block whose transition has succeeded."""

from __future__ import annotations

from dataclasses import replace

from immutables import Map

from proofplane.lean.codec import state_root
from proofplane.lean.config import INTERVALS_PER_SLOT
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.fork_choice import update_head
from proofplane.lean.pruning import prune
from proofplane.lean.ssz import State
from proofplane.lean.store import BlockNode, Store
from proofplane.lean.transition import checkpoints
from proofplane.lean.types import AggregateProof, Block, Checkpoint, Root


def node_of(block: Block, post_state: State) -> BlockNode:
    """What fork choice keeps of a block and the state after it."""
    justified, finalized = checkpoints(post_state)
    return BlockNode(block.slot, block.parent_root, justified, finalized, len(post_state.validators))


def store_from_anchor(state: State, block: Block) -> Store:
    """A store that trusts one block and the state after it: genesis, or any later one.

    The block counts as justified and finalized, whatever its own state says.

    Raises:
        Rejected: ANCHOR_STATE_ROOT_MISMATCH if the block does not name this state.
    """
    root = state_root(state)
    if block.state_root != root:
        raise Rejected(Reason.ANCHOR_STATE_ROOT_MISMATCH, f"the block names {block.state_root.hex()}, the state's root is {root.hex()}")
    anchor = Checkpoint(block.root, block.slot)
    return Store(
        time=INTERVALS_PER_SLOT * block.slot,
        genesis_time=int(state.config.genesis_time),
        head=block.root,
        safe_target=block.root,
        latest_justified=anchor,
        latest_finalized=anchor,
        blocks=Map({block.root: node_of(block, state)}),
        children=Map[Root, tuple[Root, ...]](),
        attestation_signatures={},
        new_payloads={},
        known_payloads={},
    )


def accept_block(store: Store, block: Block, node: BlockNode) -> Store:
    """The store after a block whose proof holds and whose transition gave the state that it names; a known block changes nothing.

    The body's votes get no weight: their data moves to the front of the known pool, without proofs unless some are there already.

    Args:
        store: The store before.
        block: The block.
        node: `node_of` the block and its post-state.

    Raises:
        Rejected: UNKNOWN_PARENT_BLOCK if the parent is not in this store.
    """
    if block.root in store.blocks:
        return store
    if block.parent_root not in store.blocks:
        raise Rejected(Reason.UNKNOWN_PARENT_BLOCK, block.parent_root.hex())
    finalized_before = store.latest_finalized.slot
    higher = node.justified.slot > store.latest_justified.slot
    body_first = {attestation.data: frozenset[AggregateProof]() for attestation in block.attestations}
    siblings = store.children.get(block.parent_root, ())
    store = update_head(
        replace(
            store,
            latest_justified=node.justified if higher else store.latest_justified,
            known_payloads={**body_first, **store.known_payloads},
            blocks=store.blocks.set(block.root, node),
            children=store.children.set(block.parent_root, (*siblings, block.root)),
        )
    )
    return prune(store) if store.latest_finalized.slot > finalized_before else store
