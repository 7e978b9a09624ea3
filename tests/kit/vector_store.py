"""A small store for tests of the vectors' runners: a fork, votes in all three pools, and a block on one side."""

from __future__ import annotations

from immutables import Map

from proofplane.chain.vectors.checks import StepView
from proofplane.lean.codec import make_block
from proofplane.lean.store import BlockNode, Store
from proofplane.lean.types import (
    ZERO_ROOT,
    AggregatedAttestation,
    AggregateProof,
    AttestationData,
    Block,
    Checkpoint,
    Participants,
    Root,
    Slot,
    ValidatorIndex,
)

GENESIS, LOW, HIGH, TIP = (Root(bytes([number]) * 32) for number in (0x11, 0x22, 0x33, 0x44))
ANCHOR = Checkpoint(GENESIS, Slot(0))


def _node(slot: int, parent: Root) -> BlockNode:
    return BlockNode(Slot(slot), parent, ANCHOR, ANCHOR, 4)


def data(slot: int, head: Root, head_slot: int) -> AttestationData:
    """A vote for a block, which is its own target."""
    return AttestationData(Slot(slot), Checkpoint(head, Slot(head_slot)), Checkpoint(head, Slot(head_slot)), ANCHOR)


def proofs(*indices: int) -> frozenset[AggregateProof]:
    """One proof by these."""
    return frozenset({AggregateProof(Participants.of(indices), b"")})


def block() -> Block:
    """A block on LOW with a vote of the validators 0 and 2 for LOW."""
    votes = (AggregatedAttestation(Participants.of((0, 2)), data(1, LOW, 1)),)
    return make_block(Slot(3), ValidatorIndex(3), LOW, ZERO_ROOT, votes)


def view(step_block: Block | None = None) -> StepView:
    """Genesis with two children LOW and HIGH, one vote for each; the head is HIGH, and LOW has a child TIP, the head before."""
    store = Store(
        time=11,
        genesis_time=0,
        head=HIGH,
        safe_target=LOW,
        latest_justified=ANCHOR,
        latest_finalized=ANCHOR,
        blocks=Map({GENESIS: _node(0, ZERO_ROOT), LOW: _node(1, GENESIS), HIGH: _node(2, GENESIS), TIP: _node(3, LOW)}),
        children=Map({GENESIS: (LOW, HIGH), LOW: (TIP,)}),
        attestation_signatures={data(5, TIP, 3): frozenset({(ValidatorIndex(3), b"signature")})},
        new_payloads={data(2, HIGH, 2): proofs(1, 2), data(3, HIGH, 2): proofs(2, 3)},
        known_payloads={data(1, LOW, 1): proofs(0), data(2, HIGH, 2): proofs(1)},
    )
    return StepView(store, TIP, step_block, {"genesis": GENESIS, "low": LOW, "high": HIGH, "gone": Root(bytes(32))})
