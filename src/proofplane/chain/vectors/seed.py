"""The votes that the recorder of the fork_choice vectors had in its counted pool, and that no step lists.

Rules
1. The recorder put the votes of a block into the known pool, as proofs, before it ticked to the block's slot and delivered it. So, if the
   block's parent is known, every data of its body gets one proof for each participant set that the step's recorded known pool lists for it.
2. Of the recording nothing else is read: not another data, not the head, not a weight.
3. The proofs are empty: nobody checks them again. Where an aggregation round takes one up, what comes out is as empty.

Source: reference section 15.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from proofplane.lean.codec import attestation_data_root
from proofplane.lean.proof import Component, ProofVerified
from proofplane.lean.signature_list import SignatureList
from proofplane.lean.store import Store
from proofplane.lean.types import AggregateProof, Block, Participants, Root, Slot

_SEEDED = b""
"""The proof that a seeded vote has; no real one is empty."""


def seeded(store: Store, block: Block, listed: Mapping[Root, Sequence[Sequence[int]]]) -> Store:
    """The store with the recorder's votes for a block in its known pool.

    Args:
        store: The store before the block.
        block: The block of this step.
        listed: Participant sets by the root of a data in the block's body; see `snapshot.participant_sets`.
    """
    if block.parent_root not in store.blocks:
        return store
    known, nothing = dict(store.known_payloads), frozenset[AggregateProof]()
    for attestation in block.attestations:
        proofs = known.get(attestation.data, nothing)
        there = {proof.participants.mask for proof in proofs}
        fresh = [Participants.of(tuple(indices)) for indices in listed.get(attestation_data_root(attestation.data), ())]
        added = frozenset([AggregateProof(one, _SEEDED) for one in fresh if one.mask not in there])
        if added:
            known[attestation.data] = proofs | added
    return store if known == store.known_payloads else replace(store, known_payloads=known)


class SeededBackend:
    """A signature list that can also merge seeded proofs: there is nothing to build a real one of, and nobody will check it."""

    def __init__(self, backend: SignatureList) -> None:
        self._backend = backend

    @property
    def capacity(self) -> int:
        """See `ProofBackend`."""
        return self._backend.capacity

    def verify_multi(self, components: Sequence[Component], proof: bytes, threads: int) -> ProofVerified:
        """See `ProofBackend`."""
        return self._backend.verify_multi(components, proof, threads)

    def verify_single(self, component: Component, proof: bytes, threads: int) -> ProofVerified:
        """See `ProofBackend`."""
        return self._backend.verify_single(component, proof, threads)

    def verify_signature(self, key: bytes, slot: Slot, message: Root, signature: bytes) -> None:
        """See `ProofBackend`."""
        self._backend.verify_signature(key, slot, message, signature)

    def merge(self, component: Component, children: Sequence[bytes], votes: Sequence[tuple[bytes, bytes]]) -> bytes:
        """See `ProofBackend`; seeded if a child is."""
        return _SEEDED if _SEEDED in children else self._backend.merge(component, children, votes)

    def join(self, proofs: Sequence[bytes]) -> bytes:
        """See `ProofBackend`."""
        return self._backend.join(proofs)
