"""The fork-choice store as one immutable value: every change makes a new one, so a refused input leaves it as it was.

Invariants: `blocks` holds every imported block and never loses one; `children` is its inverse; `latest_justified` never goes down
(`latest_finalized` may, with the head); the pools keep the order in which their keys were inserted, which decides ties.
Comparing two stores does not compare that order.

The pools hold what gossip brings. They are bounded: a vote is kept only for known blocks and not from the future, it goes when finality
passes its head or, if its head was not above the finalized block to begin with, when finality moves next, and `lean.pool_limits` says how
much is kept until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from immutables import Map

from proofplane.lean.types import AggregateProof, AttestationData, Checkpoint, Root, Slot, ValidatorIndex

ProofPool = Mapping[AttestationData, frozenset[AggregateProof]]
"""Data in insertion order, each with the proofs that stand for it; never changed in place."""

SignaturePool = Mapping[AttestationData, frozenset[tuple[ValidatorIndex, bytes]]]
"""Data in insertion order, each with (voter, signature); never changed in place."""


@dataclass(frozen=True, slots=True)
class BlockNode:
    """What fork choice needs of an imported block and its post-state."""

    slot: Slot
    parent_root: Root
    justified: Checkpoint
    """The post-state's `latest_justified`."""
    finalized: Checkpoint
    """The post-state's `latest_finalized`."""
    validators: int
    """Size of the post-state's registry."""


@dataclass(frozen=True, slots=True)
class Store:
    """Everything fork choice knows. States are not in it: whoever imports keeps them."""

    time: int
    """Intervals since genesis."""
    genesis_time: int
    """Unix seconds."""
    head: Root
    safe_target: Root
    latest_justified: Checkpoint
    """The highest justified checkpoint that any imported post-state has."""
    latest_finalized: Checkpoint
    """Finality as the head's branch sees it."""
    blocks: Map[Root, BlockNode]
    children: Map[Root, tuple[Root, ...]]
    """Roots of known children, in order of import; no entry for a leaf."""
    attestation_signatures: SignaturePool
    """Raw votes that an aggregator keeps."""
    new_payloads: ProofPool
    """Aggregates that do not count yet."""
    known_payloads: ProofPool
    """Aggregates that count."""
