"""What finality makes worthless leaves the pools; blocks stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from proofplane.lean.store import Store
from proofplane.lean.tree import subtree
from proofplane.lean.types import AttestationData, Root, Slot

V = TypeVar("V")


def prune(store: Store) -> Store:
    """Drops votes whose head is not above the finalized slot, or does not descend from the finalized block."""
    slot, branch = store.latest_finalized.slot, subtree(store, store.latest_finalized.root)
    return replace(
        store,
        attestation_signatures=_kept(store.attestation_signatures, slot, branch),
        new_payloads=_kept(store.new_payloads, slot, branch),
        known_payloads=_kept(store.known_payloads, slot, branch),
    )


def _kept(pool: Mapping[AttestationData, V], finalized_slot: Slot, branch: set[Root]) -> dict[AttestationData, V]:
    return {data: held for data, held in pool.items() if data.head.slot > finalized_slot and data.head.root in branch}
