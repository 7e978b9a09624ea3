"""Head, safe target and finality from votes: LMD-GHOST over the blocks behind the justified one.

Votes stay masks until they are counted: a data's voters are one integer, those already counted another, and what is left is a popcount.
Votes for the same head are then one number, and each block between those heads and the start is visited once.
So a head costs O(data in the pool + unfinalized blocks), whatever the number of voters and of older blocks.

Source: leanSpec 43246bd6, fork "lstar", section numbers of the reference: 12.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from proofplane.lean.config import JUSTIFICATION_LOOKBACK_SLOTS
from proofplane.lean.justification import is_justifiable
from proofplane.lean.store import ProofPool, Store
from proofplane.lean.tree import ancestor_at
from proofplane.lean.types import ZERO_ROOT, AttestationData, Checkpoint, Root, Slot


@dataclass(frozen=True, slots=True)
class LatestVotes:
    """A data and those whose latest vote it is."""

    data: AttestationData
    voters: int
    """Bit i = validator i; never 0."""


def latest_votes(pool: ProofPool, finalized_slot: Slot | None) -> list[LatestVotes]:
    """Who voted for what last; nobody is in two of the entries.

    A higher data slot wins; between equal ones the data that came into the pool first.

    Args:
        pool: Either pool of a store.
        finalized_slot: Data whose head is not above it does not count; None counts everything.
    """
    counting = [data for data in pool if finalized_slot is None or data.head.slot > finalized_slot]
    counting.sort(key=_newest_first)
    found, counted = [], 0
    for data in counting:
        voters = 0
        for proof in pool[data]:
            voters |= proof.participants.mask
        voters &= ~counted
        if voters:
            found.append(LatestVotes(data, voters))
            counted |= voters
    return found


def block_weights(store: Store) -> dict[Root, int]:
    """The weight of every block above the finalized slot, zeros included, by ascending root.

    A report: it looks at all blocks of the store.
    """
    start = store.latest_finalized.slot
    known = _weights(store, store.known_payloads, start)
    return {root: known.get(root, 0) for root in sorted(root for root, node in store.blocks.items() if node.slot > start)}


def update_head(store: Store) -> Store:
    """Chooses the head by the known votes and takes finality from its branch, which may be lower than before.

    Finality stays if the head's branch has no block at the slot that its state calls finalized: so it is behind a fresh anchor.
    """
    head = _walk(store, store.known_payloads)
    slot = store.blocks[head].finalized.slot
    root = ancestor_at(store, head, slot)
    finalized = store.latest_finalized if root is None else Checkpoint(root, slot)
    return replace(store, head=head, latest_finalized=finalized)


def update_safe_target(store: Store) -> Store:
    """Chooses the last block that two thirds of the validators stand behind with votes that do not count yet."""
    threshold = -(-2 * store.blocks[store.head].validators // 3)
    return replace(store, safe_target=_walk(store, store.new_payloads, threshold))


def attestation_target(store: Store) -> Checkpoint:
    """What a vote cast now should have as its target: near the safe target, and justifiable."""
    blocks, root, finalized_slot = store.blocks, store.head, store.latest_finalized.slot
    floor = max(blocks[store.safe_target].slot, finalized_slot)
    for _ in range(JUSTIFICATION_LOOKBACK_SLOTS):
        if blocks[root].slot > floor:
            root = blocks[root].parent_root
    while (slot := blocks[root].slot) > finalized_slot and not is_justifiable(slot, finalized_slot):
        root = blocks[root].parent_root
    return Checkpoint(root, slot)


def vote_source(store: Store) -> Checkpoint:
    """What a vote cast now should have as its source: what the head's state calls justified.

    The genesis state names nothing yet: there the head itself stands in.
    """
    justified = store.blocks[store.head].justified
    return replace(justified, root=store.head) if justified.root == ZERO_ROOT else justified


def _newest_first(data: AttestationData) -> int:
    """Sort key; sorting keeps the order of insertion between equals."""
    return -data.slot


def _walk(store: Store, pool: ProofPool, threshold: int = 0) -> Root:
    """From the justified block to the heaviest child, again and again; the larger root wins a tie.

    Children below `threshold` are not there: at 0 the walk ends at a leaf.
    """
    root, children = store.latest_justified.root, store.children
    known = _weights(store, pool, store.blocks[root].slot)
    while True:
        candidates = [(weight, child) for child in children.get(root, ()) if (weight := known.get(child, 0)) >= threshold]
        if not candidates:
            return root
        _, root = max(candidates)


def _weights(store: Store, pool: ProofPool, start_slot: Slot) -> dict[Root, int]:
    """How many latest votes stand behind each block above `start_slot`; a block that none stands behind is absent.

    Votes are added up from the heads down to the start, visiting each block once.
    Each head's branch is followed until it meets what an earlier one has visited.
    So in the pieces, last found first, children come before their parents.
    """
    blocks = store.blocks
    totals: dict[Root, int] = {}
    pieces: list[list[tuple[Root, Root]]] = []
    for head, count in _votes_by_head(pool, store.latest_finalized.slot).items():
        piece, root = [], head
        while root not in totals and (node := blocks.get(root)) is not None and node.slot > start_slot:
            totals[root] = 0
            piece.append((root, node.parent_root))
            root = node.parent_root
        pieces.append(piece)
        if head in totals:
            totals[head] += count
    for piece in reversed(pieces):
        for root, parent in piece:
            if parent in totals:
                totals[parent] += totals[root]
    return totals


def _votes_by_head(pool: ProofPool, finalized_slot: Slot) -> Mapping[Root, int]:
    """How many latest votes name each block as their head."""
    counts: dict[Root, int] = {}
    for votes in latest_votes(pool, finalized_slot):
        root = votes.data.head.root
        counts[root] = counts.get(root, 0) + votes.voters.bit_count()
    return counts
