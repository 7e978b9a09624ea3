"""What a block's proof has to show, and the interface of whoever can check and build proofs.

Source: leanSpec 43246bd6, `verify_signatures`; the backends' two calls are those of its multi-signature interface.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Protocol

from proofplane.base.errors import NeverAgain, Refused
from proofplane.crypto.xmss import Span
from proofplane.lean.codec import attestation_data_root
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.types import Block, Registry, Root, SignedBlock, Slot


class ProofInvalid(Refused):
    """A proof, or a single signature, that does not show what it has to; `detail` says why."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class CannotBuildProof(NeverAgain):
    """No proof can be made of these parts: one is no proof of the message, signatures are missing, or the result is too large."""


@dataclass(frozen=True, slots=True)
class Component:
    """One message and everybody who has to have signed it."""

    keys: tuple[bytes, ...]
    """Public keys of 52 bytes; equal ones count once."""
    message: Root
    slot: Slot


@dataclass(frozen=True, slots=True)
class ProofVerified:
    """Everybody has signed; made only by a backend."""

    signatures: int
    """How many signatures were checked."""
    spans: tuple[Span, ...]
    """What each verifying thread did."""


class ProofBackend(Protocol):
    """One kind of proof. An implementation keeps no state that a call changes: calls may run side by side.

    Any other error than the ones named (`crypto.xmss.KernelFailed`, `MemoryError`) means that nobody could check.
    """

    @property
    def capacity(self) -> int:
        """Most signatures that a proof can stand for."""

    def verify_multi(self, components: Sequence[Component], proof: bytes, threads: int) -> ProofVerified:
        """Checks a proof of several messages, in this order, on up to `threads` threads; raises `ProofInvalid`."""

    def verify_single(self, component: Component, proof: bytes, threads: int) -> ProofVerified:
        """Checks a proof of one message; raises `ProofInvalid`."""

    def verify_signature(self, key: bytes, slot: Slot, message: Root, signature: bytes) -> None:
        """Checks one signature that is in no proof, as votes are gossiped; raises `ProofInvalid`."""

    def merge(self, component: Component, children: Sequence[bytes], votes: Sequence[tuple[bytes, bytes]]) -> bytes:
        """A proof of the component from proofs of its message for some of the keys, and (key, signature) of others.

        The parts are taken to be verified.

        Raises:
            CannotBuildProof: See there.
        """

    def join(self, proofs: Sequence[bytes]) -> bytes:
        """A proof of several messages from proofs of one each, in this order; raises `CannotBuildProof`."""


def block_components(block: Block, registry: Registry) -> tuple[Component, ...]:
    """What the proof of a block has to show: each attestation in the body's order, then the proposer's signature of the block.

    Raises:
        Rejected: EMPTY_AGGREGATION_BITS, VALIDATOR_INDEX_OUT_OF_RANGE (the body's order decides), then PROPOSER_INDEX_OUT_OF_RANGE.
    """
    return tuple(_components(block, registry))


def verify_block(signed: SignedBlock, registry: Registry, backend: ProofBackend, threads: int) -> ProofVerified:
    """Checks that the proposer and all voters of a block have signed; `registry` is that of the parent's state.

    Raises:
        Rejected: As `block_components`, then INVALID_BLOCK_PROOF.
    """
    components, room = [], backend.capacity
    for component in _components(signed.block, registry):
        # A body may name every validator thousands of times: no more of it is unfolded than a proof can stand for.
        room -= len(set(component.keys))
        if room < 0:
            raise Rejected(Reason.INVALID_BLOCK_PROOF, f"more signatures are needed than the {backend.capacity} of the largest proof")
        components.append(component)
    try:
        return backend.verify_multi(components, signed.proof, threads)
    except ProofInvalid as invalid:
        raise Rejected(Reason.INVALID_BLOCK_PROOF, invalid.detail) from None


def _components(block: Block, registry: Registry) -> Iterator[Component]:
    """Checks all indices, then makes one component at a time."""
    _check_indices(block, registry)
    for attestation in block.attestations:
        chosen = compress(registry.validators, map(int, reversed(f"{attestation.participants.mask:b}")))
        keys = tuple([voter.attestation_key for voter in chosen])
        yield Component(keys, attestation_data_root(attestation.data), attestation.data.slot)
    yield Component((registry.validators[block.proposer_index].proposal_key,), block.root, block.slot)


def _check_indices(block: Block, registry: Registry) -> None:
    for place, attestation in enumerate(block.attestations):
        participants = attestation.participants
        if not participants.mask:
            raise Rejected(Reason.EMPTY_AGGREGATION_BITS, f"attestation {place} of the block")
        if participants.highest() >= len(registry):
            detail = f"attestation {place} names validator {participants.highest()} of {len(registry)}"
            raise Rejected(Reason.VALIDATOR_INDEX_OUT_OF_RANGE, detail)
    if block.proposer_index >= len(registry):
        raise Rejected(Reason.PROPOSER_INDEX_OUT_OF_RANGE, f"validator {block.proposer_index} of {len(registry)} proposes")
