"""The anchor's stores as the chain that proving knows: program inputs, expected claims, prerequisites."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from proofplane.anchor.anchor_store import AnchorStore
from proofplane.anchor.moho_store import MohoRow, MohoStore
from proofplane.anchor.programs import RECURSIVE_PROGRAM_ID, STEP_PROGRAM_ID, encode_recursive_input, encode_step_input
from proofplane.base.attestation import RecursiveAttestation, RecursiveClaim, StateAttestation, StepAttestation
from proofplane.base.ids import BlockCommitment
from proofplane.base.proof_id import RecursiveId, StepId
from proofplane.node.data_dir import TrustRoot
from proofplane.proving.types import AnyProofId, Expected

T = TypeVar("T")

_RECENT = 1024
"""Small rows kept by block; neighbours ask for the same parent several times within a batch of 64 blocks."""


class ChainAdapter:
    """Implements `proofplane.proving.ports.Chain` over the anchor's and Moho's stores; decides nothing."""

    def __init__(self, anchors: AnchorStore, mohos: MohoStore, trust: TrustRoot) -> None:
        self._anchors = anchors
        self._mohos = mohos
        self._trust = trust
        self._anchor_block = trust.params.block
        self._moho_rows: _Recent[MohoRow] = _Recent(mohos.row)
        self._parents: _Recent[BlockCommitment] = _Recent(anchors.parent)

    def since(self, cursor: int, limit: int) -> Sequence[tuple[int, BlockCommitment]]:
        """See the port."""
        return self._mohos.since(cursor, limit)

    def tip(self) -> BlockCommitment | None:
        """See the port."""
        found = self._mohos.tip()
        return None if found is None else found[0]

    def parent(self, block: BlockCommitment) -> BlockCommitment | None:
        """See the port."""
        return self._parents.get(block)

    def is_canonical(self, block: BlockCommitment) -> bool:
        """See the port."""
        return self._anchors.canonical_at(block.height) == block

    def prerequisites(self, proof_id: AnyProofId) -> tuple[AnyProofId, ...]:
        """See the port."""
        if isinstance(proof_id, StepId):
            return ()
        parent = self.parent(proof_id.block)
        step = StepId.of(proof_id.block)
        return (step,) if parent is None or parent == self._anchor_block else (step, RecursiveId(parent))

    def body(self, proof_id: AnyProofId) -> bytes | None:
        """See the port."""
        block = proof_id.end if isinstance(proof_id, StepId) else proof_id.block
        before = self._before(block)
        if before is None:
            return None
        if isinstance(proof_id, RecursiveId):
            return encode_recursive_input(self._trust.moho_predicate, before.predicate, before.opening)
        row = self._anchors.row(block)
        if row is None:
            return None
        return encode_step_input(before.state, self._anchors.state(row.parent_block), row.payload, row.aux, row.inclusion_proof)

    def expected(self, proof_id: AnyProofId) -> Expected | None:
        """See the port."""
        block = proof_id.end if isinstance(proof_id, StepId) else proof_id.block
        after = self._moho_rows.get(block)
        if after is None:
            return None
        proven = StateAttestation(block.block_id, after.commitment)
        if isinstance(proof_id, StepId):
            before = self._before(block)
            if before is None:
                return None
            step = StepAttestation(StateAttestation(before.block.block_id, before.commitment), proven)
            return Expected(step.encode(), before.predicate, STEP_PROGRAM_ID)
        genesis = self._moho_rows.get(self._anchor_block)
        if genesis is None:
            return None
        start = StateAttestation(self._anchor_block.block_id, genesis.commitment)
        claim = RecursiveClaim(RecursiveAttestation(start, proven), self._trust.moho_predicate)
        return Expected(claim.encode(), self._trust.moho_predicate, RECURSIVE_PROGRAM_ID)

    def _before(self, block: BlockCommitment) -> MohoRow | None:
        """The Moho state that `block` starts from."""
        parent = self.parent(block)
        return None if parent is None else self._moho_rows.get(parent)


class _Recent(Generic[T]):
    """The last `_RECENT` answers of a lookup whose rows never change; None is asked for again, for it may be written yet."""

    def __init__(self, lookup: Callable[[BlockCommitment], T | None]) -> None:
        self._lookup = lookup
        self._kept: OrderedDict[BlockCommitment, T] = OrderedDict()

    def get(self, block: BlockCommitment) -> T | None:
        """The row of `block`."""
        found = self._kept.get(block)
        if found is None:
            found = self._lookup(block)
            if found is not None:
                self._kept[block] = found
                if len(self._kept) > _RECENT:
                    self._kept.popitem(last=False)
        return found
