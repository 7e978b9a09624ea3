"""Block trees and votes for tests of fork choice, where roots, states and proofs are only labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from immutables import Map

from proofplane.lean.blocks import accept_block
from proofplane.lean.proof import Component, ProofInvalid, ProofVerified
from proofplane.lean.store import BlockNode, Store
from proofplane.lean.types import (
    ZERO_ROOT,
    AggregatedAttestation,
    AggregateProof,
    AttestationData,
    Block,
    Checkpoint,
    Participants,
    Registry,
    Root,
    Slot,
    Validator,
    ValidatorIndex,
)

BAD_PROOF = b"bad"
"""What `LabelBackend` refuses, as a proof and as a signature."""


def root_of(name: str | int) -> Root:
    """A root that stands for a name; roots sort like nothing in particular."""
    return Root(sha256(str(name).encode()).digest())


def registry_of_size(size: int) -> Registry:
    """Validators with keys that tell their index."""
    return Registry(tuple(Validator(b"A%051d" % index, b"P%051d" % index) for index in range(size)))


def label_of(parts: Sequence[bytes]) -> bytes:
    """The label of what is merged from labels: their words, each once, sorted."""
    return b" ".join(sorted({word for part in parts for word in part.split()}))


class LabelBackend:
    """Proofs are labels: everything but `BAD_PROOF` holds, and merging is the union of words."""

    capacity = 1 << 20

    def verify_multi(self, components: Sequence[Component], proof: bytes, threads: int) -> ProofVerified:
        """Fork choice checks no block's proof."""
        raise NotImplementedError

    def verify_single(self, component: Component, proof: bytes, threads: int) -> ProofVerified:
        """Refuses `BAD_PROOF`."""
        self.verify_signature(component.keys[0], component.slot, component.message, proof)
        return ProofVerified(len(component.keys), ())

    def verify_signature(self, key: bytes, slot: Slot, message: Root, signature: bytes) -> None:
        """Refuses `BAD_PROOF`."""
        if signature == BAD_PROOF:
            raise ProofInvalid("the label says so")

    def merge(self, component: Component, children: Sequence[bytes], votes: Sequence[tuple[bytes, bytes]]) -> bytes:
        """See `label_of`."""
        return label_of([*children, *(signature for _, signature in votes)])

    def join(self, proofs: Sequence[bytes]) -> bytes:
        """Fork choice builds no block."""
        raise NotImplementedError


def anchor_node(slot: int, validators: int) -> BlockNode:
    """A block that starts a store, whose state knows of no justified block yet."""
    unknown = Checkpoint(ZERO_ROOT, Slot(0))
    return BlockNode(Slot(slot), ZERO_ROOT, unknown, unknown, validators)


def store_of(root: Root, node: BlockNode) -> Store:
    """What `store_from_anchor` makes, without a state."""
    anchor = Checkpoint(root, node.slot)
    return Store(
        time=5 * node.slot,
        genesis_time=0,
        head=root,
        safe_target=root,
        latest_justified=anchor,
        latest_finalized=anchor,
        blocks=Map({root: node}),
        children=Map[Root, tuple[Root, ...]](),
        attestation_signatures={},
        new_payloads={},
        known_payloads={},
    )


def block_of(root: Root, node: BlockNode, body: Sequence[AttestationData] = ()) -> Block:
    """A block with this root; everything that fork choice does not read is zero."""
    votes = tuple(AggregatedAttestation(Participants.of({0}), data) for data in body)
    return Block(root, node.slot, ValidatorIndex(0), node.parent_root, ZERO_ROOT, ZERO_ROOT, votes)


def proof_of(indices: Sequence[int], label: str = "") -> AggregateProof:
    """A proof of these validators; with another label it is another proof."""
    words = [b"v%d%s" % (index, label.encode()) for index in indices]
    return AggregateProof(Participants.of(list(indices)), label_of(words))


class Tree:
    """A store with blocks that have names; the first is called "a" and is the anchor at slot 0."""

    def __init__(self, validators: int = 6) -> None:
        self.validators = validators
        self.registry = registry_of_size(validators)
        self.store = store_of(root_of("a"), anchor_node(0, validators))

    def grow(
        self, name: str, parent: str, slot: int, justified: str = "a", finalized: str = "a", body: Sequence[AttestationData] = ()
    ) -> Root:
        """Adds a block whose state has these checkpoints."""
        node = BlockNode(Slot(slot), root_of(parent), self.at(justified), self.at(finalized), self.validators)
        self.store = accept_block(self.store, block_of(root_of(name), node, body), node)
        return root_of(name)

    def at(self, name: str) -> Checkpoint:
        """The checkpoint of a block."""
        return Checkpoint(root_of(name), self.store.blocks[root_of(name)].slot)

    def data(self, head: str, target: str = "a", source: str = "a", slot: int | None = None) -> AttestationData:
        """A vote, in the head's slot if none is given."""
        return AttestationData(self.at(head).slot if slot is None else Slot(slot), self.at(head), self.at(target), self.at(source))

    def vote(self, data: AttestationData, indices: Sequence[int], known: bool = True) -> None:
        """Puts a proof into a pool, behind what is there."""
        pool = dict(self.store.known_payloads if known else self.store.new_payloads)
        pool[data] = pool.get(data, frozenset()) | {proof_of(indices)}
        self.store = replace(self.store, known_payloads=pool) if known else replace(self.store, new_payloads=pool)

    def chain(self, names: str, first_slot: int = 1) -> None:
        """One block a slot for each letter, each on the one before, the first on the anchor."""
        for slot, (parent, name) in enumerate(zip("a" + names, names, strict=False), first_slot):
            self.grow(name, parent, slot)


class CountedBlocks:
    """Stands for the blocks of a store and counts how often one was looked up."""

    def __init__(self, blocks: Map[Root, BlockNode]) -> None:
        self._blocks = blocks
        self.lookups = 0

    def get(self, root: Root, default: BlockNode | None = None) -> BlockNode | None:
        """As of a mapping."""
        self.lookups += 1
        return self._blocks.get(root, default)

    def __getitem__(self, root: Root) -> BlockNode:
        self.lookups += 1
        return self._blocks[root]

    def __contains__(self, root: Root) -> bool:
        return root in self._blocks

    def set(self, root: Root, node: BlockNode) -> CountedBlocks:
        """The blocks with one more, counting on."""
        self._blocks = self._blocks.set(root, node)
        return self
