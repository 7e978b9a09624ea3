"""The aggregation round: an aggregator makes one proof of everything it holds for a data (reference section 10)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from heapq import heapify, heappop, heapreplace

from proofplane.lean.codec import aggregate_proof_bytes, attestation_data_root
from proofplane.lean.proof import CannotBuildProof, Component, ProofBackend
from proofplane.lean.store import Store
from proofplane.lean.types import AggregateProof, AttestationData, Participants, Registry


def aggregate(store: Store, backend: ProofBackend, registry: Registry) -> Store:
    """Replaces the pending pool by one proof for each data that has something to merge.

    A data with a lone proof and no raw vote has nothing to merge and leaves the pending pool.
    A data whose proof the backend cannot build (too large) keeps what it has: the specification knows no such backend, and no vote is lost.

    Args:
        store: The store before.
        backend: Builds the proofs.
        registry: The head state's; all states of a store have the same.
    """
    pending: dict[AttestationData, frozenset[AggregateProof]] = {}
    spent: set[AttestationData] = set()
    for data in {**store.new_payloads, **store.attestation_signatures}:
        try:
            proof = _merge(store, data, backend, registry)
        except CannotBuildProof:
            if data in store.new_payloads:
                pending[data] = store.new_payloads[data]
            continue
        if proof is not None:
            pending[data] = frozenset({proof})
            spent.add(data)
    signatures = {data: votes for data, votes in store.attestation_signatures.items() if data not in spent}
    return replace(store, new_payloads=pending, attestation_signatures=signatures)


def _merge(store: Store, data: AttestationData, backend: ProofBackend, registry: Registry) -> AggregateProof | None:
    children, covered = _select(store.new_payloads.get(data, ()), 0)
    more, covered = _select(store.known_payloads.get(data, ()), covered)
    children += more
    votes: list[tuple[bytes, bytes]] = []
    # Of several signatures of one validator the lowest comes first, and the others find it covered.
    for index, signature in sorted(store.attestation_signatures.get(data, ())):
        if not covered >> index & 1:
            votes.append((registry.validators[index].attestation_key, signature))
            covered |= 1 << index
    if not votes and len(children) < 2:
        return None
    participants = Participants(covered, covered.bit_length())
    keys = tuple(registry.validators[index].attestation_key for index in participants.indices())
    component = Component(keys, attestation_data_root(data), data.slot)
    return AggregateProof(participants, backend.merge(component, [child.proof for child in children], votes))


def _select(pool: Iterable[AggregateProof], covered: int) -> tuple[list[AggregateProof], int]:
    """Takes the proof that covers most of who is not covered yet, until none covers anybody; the larger SSZ encoding wins a tie.

    What a proof adds only shrinks as others are taken, so the best by an old count that still holds is the best: a proof is counted again
    when its turn comes, not whenever another one is taken.
    """
    ranked = sorted(pool, key=_encoding, reverse=True)
    heap = [(-(proof.participants.mask & ~covered).bit_count(), rank) for rank, proof in enumerate(ranked)]
    heapify(heap)
    chosen: list[AggregateProof] = []
    while heap and heap[0][0] < 0:
        counted, rank = heap[0]
        mask = ranked[rank].participants.mask
        adds = (mask & ~covered).bit_count()
        if adds == -counted:
            heappop(heap)
            chosen.append(ranked[rank])
            covered |= mask
        else:
            heapreplace(heap, (-adds, rank))
    return chosen, covered


def _encoding(proof: AggregateProof) -> tuple[bytes, bytes]:
    """Sorts like the SSZ encoding without copying the proof: its offsets and participants come first, and tell their own length."""
    return aggregate_proof_bytes(replace(proof, proof=b"")), proof.proof
