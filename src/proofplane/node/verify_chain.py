"""An independent check of everything that a data directory claims, from the anchor to the tip.

It believes the trust root (anchor and predicates) and nothing else: every block is checked by the header and body rules, every state is
computed again, and every proof is held against what was computed, whatever the rows around it say. It never imports `proofplane.proving`.

Rules:
1. The chain is the one that the stored tip ends; its blocks must link from the anchor to that tip without a gap.
2. A block's step proof must state the computed attestation under the predicate of the computed parent state,
   its recursive proof the computed claim under the trusted Moho predicate.
3. Stored headers, states, manifests, Moho states and their roots must be byte for byte what was computed.
4. Proofs of orphaned blocks are counted, and their signatures checked under the predicates seen; they say nothing about the chain.

Memory does not grow with the chain: blocks and proofs are streamed in height order.
A row's place in that order is only a hint where to look; which block a proof is about is read from the proof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import groupby

from proofplane.anchor.anchor_store import AnchorRow, anchor_tip, canonical_rows
from proofplane.anchor.moho import MohoState, fold, genesis_moho
from proofplane.anchor.moho_store import moho_row
from proofplane.anchor.state import AnchorState, genesis_state
from proofplane.anchor.transition import apply_stored
from proofplane.base.attestation import RecursiveAttestation, RecursiveClaim, StateAttestation, StepAttestation
from proofplane.base.errors import Refused
from proofplane.base.ids import BlockCommitment
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.base.receipt import Receipt
from proofplane.crypto.predicates import UnknownPredicate, check
from proofplane.node.data_dir import TrustRoot
from proofplane.storage.database import Rows


class ChainRefused(Refused):
    """The data does not hold what it claims; the message names the block and what is wrong with it."""


@dataclass(slots=True)
class ChainReport:
    """What was verified."""

    tip: BlockCommitment
    """The last block verified so far."""
    blocks: int = 0
    step_proofs: dict[str, int] = field(default_factory=dict)
    """How many per kind of predicate."""
    recursive_proofs: dict[str, int] = field(default_factory=dict)
    """How many per kind of predicate."""
    orphan_proofs: int = 0
    """Proofs of blocks that are not on the chain: their signatures hold, no more is said."""

    def to_json(self) -> dict[str, object]:
        """The report as JSON values."""
        return {**asdict(self), "tip": str(self.tip)}


def verify_chain(rows: Rows, trust: TrustRoot, on_block: Callable[[int, int], None] = lambda blocks, total: None) -> ChainReport:
    """Checks a whole database against its trust root.

    Args:
        rows: The database; one snapshot is not needed, but a node that runs meanwhile may have blocks whose proofs are not there yet.
        trust: What to believe.
        on_block: Called after each block with the number of blocks verified so far and of all blocks.

    Raises:
        ChainRefused: Something does not hold.
    """
    params = trust.params
    anchor = genesis_state(params)
    walk = _Walk(trust, anchor, genesis_moho(anchor.commitment(), trust.step_predicate))
    walk.compare_moho(rows)
    claimed = anchor_tip(rows)
    if claimed is None:
        raise ChainRefused("the database has no tip: nothing was processed")
    proofs = _ProofsByHeight(rows)
    for row in canonical_rows(rows):
        walk.step(row)
        walk.compare_moho(rows)
        walk.prove(proofs.at(row.block.height))
        on_block(walk.report.blocks, claimed.height - params.block.height)
    if walk.report.tip != claimed:
        raise ChainRefused(f"the chain ends at {walk.report.tip}, but the stored tip is {claimed}")
    for leftover in proofs.rest():
        walk.orphan(leftover)
    return walk.report


class _Walk:
    """The computed state of the chain at one block, and what was verified on the way."""

    def __init__(self, trust: TrustRoot, anchor: AnchorState, moho: MohoState) -> None:
        self.report = ChainReport(trust.params.block)
        self._trust = trust
        self._anchor = anchor
        self._moho = moho
        self._genesis = self._before = self._attestation()
        self._step_predicate = moho.next_predicate
        self._predicates = {trust.moho_predicate, moho.next_predicate}

    def step(self, row: AnchorRow) -> None:
        """Computes the state after the block of `row`."""
        try:
            done = apply_stored(self._anchor, row.payload, row.aux)
        except Refused as error:
            raise ChainRefused(f"block {row.block}: {error}") from error
        block = done.state.pow.last
        if block != row.block:
            raise ChainRefused(f"the row of block {row.block} holds block {block}")
        if (row.header, row.state, row.commitment) != (row.payload[:80], done.state.encode(), done.state.commitment()):
            raise ChainRefused(f"block {block}: the stored header or anchor state is not the computed one")
        if (row.manifest, row.manifest_hash) != (done.manifest.encode(), done.manifest_hash):
            raise ChainRefused(f"block {block}: the stored manifest is not the computed one")
        self._step_predicate = self._moho.next_predicate
        self._before = self._attestation()
        self._anchor = done.state
        self._moho, _ = fold(self._moho, done.state.commitment(), done.logs)
        self._predicates.add(self._moho.next_predicate)
        self.report.tip = block
        self.report.blocks += 1

    def compare_moho(self, rows: Rows) -> None:
        """Holds the stored Moho state of the present block against the computed one."""
        block = self._anchor.pow.last
        stored = moho_row(rows, block)
        predicate, opening = self._moho.opening()
        if stored is None:
            raise ChainRefused(f"block {block}: its Moho state is missing")
        found = (stored.state, stored.commitment, stored.predicate.encode(), stored.opening)
        if found != (self._moho.encode(), self._moho.commitment(), predicate, opening):
            raise ChainRefused(f"block {block}: the stored Moho state is not the computed one")

    def prove(self, receipts: list[Receipt]) -> None:
        """Finds both proofs of the present block among the receipts of its height; the others are orphans'."""
        after = self._attestation()
        step = StepAttestation(self._before, after).encode()
        recursive = RecursiveClaim(RecursiveAttestation(self._genesis, after), self._trust.moho_predicate).encode()
        self._require(receipts, step, self._step_predicate, "step", self.report.step_proofs)
        self._require(receipts, recursive, self._trust.moho_predicate, "recursive", self.report.recursive_proofs)
        for receipt in receipts:
            if receipt.public_values not in (step, recursive):
                self.orphan(receipt)

    def orphan(self, receipt: Receipt) -> None:
        """Counts a proof that is about no block of the chain; its signature must hold under a predicate that the chain had."""
        for predicate in self._predicates:
            try:
                check(predicate, receipt.public_values, receipt.proof)
            except (Refused, UnknownPredicate):
                continue
            self.report.orphan_proofs += 1
            return
        raise ChainRefused(f"a stored proof (public values {receipt.public_values[:16].hex()}...) holds under no predicate of this chain")

    def _require(self, receipts: list[Receipt], claim: bytes, predicate: Predicate, kind: str, counts: dict[str, int]) -> None:
        block = self._anchor.pow.last
        found = next((receipt for receipt in receipts if receipt.public_values == claim), None)
        if found is None:
            raise ChainRefused(f"block {block}: there is no {kind} proof of the computed state")
        try:
            check(predicate, claim, found.proof)
        except Refused as error:
            raise ChainRefused(f"block {block}: its {kind} proof does not hold: {error}") from error
        name = _kind_name(predicate)
        counts[name] = counts.get(name, 0) + 1

    def _attestation(self) -> StateAttestation:
        return StateAttestation(self._anchor.pow.last.block_id, self._moho.commitment())


class _ProofsByHeight:
    """Stored receipts in groups by height, ascending, one group in memory at a time."""

    def __init__(self, rows: Rows) -> None:
        stored = rows.iterate("SELECT key, receipt FROM proofs ORDER BY key")
        self._groups = groupby(stored, key=lambda row: int.from_bytes(row[0][:4], "big"))
        self._next: tuple[int, list[Receipt]] | None = self._advance()

    def at(self, height: int) -> list[Receipt]:
        """The receipts of `height`; heights are asked for in ascending order, those passed over are an error."""
        if self._next is None or self._next[0] > height:
            return []
        if self._next[0] < height:
            raise ChainRefused(f"there are proofs at height {self._next[0]}, below the chain")
        _, receipts = self._next
        self._next = self._advance()
        return receipts

    def rest(self) -> Iterator[Receipt]:
        """The receipts above the chain's tip."""
        while self._next is not None:
            yield from self._next[1]
            self._next = self._advance()

    def _advance(self) -> tuple[int, list[Receipt]] | None:
        group = next(self._groups, None)
        if group is None:
            return None
        height, rows = group
        try:
            return height, [Receipt.decode(receipt) for _, receipt in rows]
        except Refused as error:
            raise ChainRefused(f"a proof at height {height} cannot be read: {error}") from error


def _kind_name(predicate: Predicate) -> str:
    """How a predicate's kind is counted."""
    return "native" if predicate.kind == PredicateKind.SCHNORR else PredicateKind(predicate.kind).name.lower()
