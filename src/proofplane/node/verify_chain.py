"""An independent check of everything that a data directory claims, from the anchor to the tip.

It believes the trust root (anchor and predicates) and nothing else: every block is checked by the header and body rules, every state is
computed again, and every proof is held against what was computed, whatever the rows around it say. It never imports `proofplane.proving`.

Rules:
1. The chain is the one that the stored tip ends; its blocks must link from the anchor to that tip without a gap.
2. A block's step proof must state the computed attestation under the predicate of the computed parent state,
   its recursive proof the computed claim under the trusted Moho predicate (`verify_proofs`).
3. Stored headers, states, manifests, history leaves and nodes, Moho states and export entries must be byte for byte what was computed.
4. Logs and tips must name stored blocks. Jobs are not looked at: they are about work, not about the chain.

Memory does not grow with the chain: blocks and proofs are streamed in height order.
Not guaranteed: rows of orphaned blocks are read only where an orphan's proof needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

from proofplane.anchor.anchor_store import AnchorRow, anchor_tip, canonical_rows, genesis_row
from proofplane.anchor.moho import ExportedLeaf, MohoState, fold, genesis_moho
from proofplane.anchor.moho_store import moho_row, moho_tip
from proofplane.anchor.state import AnchorState, genesis_state
from proofplane.anchor.transition import apply_stored
from proofplane.base.attestation import RecursiveAttestation, RecursiveClaim, StateAttestation, StepAttestation
from proofplane.base.errors import NeverAgain, ProofplaneError, Refused, TryAgain
from proofplane.base.ids import BlockCommitment
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.base.proof_id import RecursiveId, StepId
from proofplane.base.receipt import Receipt
from proofplane.crypto.mmr import join
from proofplane.crypto.predicates import Check, check
from proofplane.node.data_dir import TrustRoot
from proofplane.node.kinds import kind_of
from proofplane.node.verify_proofs import ChainRefused, ProofChecks, ProofsByHeight, check_orphan, require_proof
from proofplane.storage.database import Rows
from proofplane.storage.errors import StorageBroken


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
    """Proofs of blocks that are not on the chain: they hold, and say nothing about it."""

    def to_json(self) -> dict[str, object]:
        """The report as JSON values."""
        return {**asdict(self), "tip": str(self.tip)}


def verify_chain(
    rows: Rows,
    trust: TrustRoot,
    on_block: Callable[[int, int], None] = lambda blocks, total: None,
    check: Check = check,
    threads: int = 1,
) -> ChainReport:
    """Checks a whole database against its trust root.

    Args:
        rows: The database; beside a running node the newest blocks may not have their proofs yet.
        trust: What to believe.
        on_block: Called after each block with the number of blocks verified so far and of all blocks; proofs that `bb` verifies may be
            a few blocks behind.
        check: Knows the kinds of predicate that the trust root names; called on threads.
        threads: How many proofs are with `bb` at a time.

    Raises:
        ChainRefused: Something does not hold, or cannot be read.
        StorageBroken: The database failed.
        TryAgain, NeverAgain: A proof could not be checked (no `bb`, a predicate without a meaning): nothing is said about the chain.
    """
    with ProofChecks(check, threads) as proofs:
        walk = _Walk(rows, trust, proofs)
        try:
            walk.run(on_block)
        except (TryAgain, NeverAgain, StorageBroken):
            raise
        except (ProofplaneError, TypeError, ValueError) as error:  # a damaged row can be of any shape
            proofs.settle()
            if isinstance(error, ChainRefused):
                raise
            raise ChainRefused(f"after block {walk.report.tip}: what is stored cannot be read: {error}") from error
        proofs.settle()
    return walk.report


class _Walk:
    """The computed state of the chain at one block, and what was verified on the way."""

    def __init__(self, rows: Rows, trust: TrustRoot, proofs: ProofChecks) -> None:
        self._proofs = proofs
        self.report = ChainReport(trust.params.block)
        self._rows = rows
        self._trust = trust
        self._anchor: AnchorState = genesis_state(trust.params)
        self._moho: MohoState = genesis_moho(self._anchor.commitment(), trust.step_predicate)
        self._genesis = self._before = self._attestation()
        self._step_predicate = self._moho.next_predicate

    def run(self, on_block: Callable[[int, int], None]) -> None:
        """From the anchor to the tip."""
        claimed = anchor_tip(self._rows)
        if claimed is None:
            raise ChainRefused("the database has no tip: nothing was processed")
        self._compare_genesis()
        self._compare_moho()
        proofs = ProofsByHeight(self._rows)
        for row in canonical_rows(self._rows, last=claimed.height):
            self._step(row)
            found = proofs.at(row.block.height)
            self._require_proofs(found)
            for key, receipt in found.items():
                self._orphan(key, receipt)
            on_block(self.report.blocks, claimed.height - self._trust.params.block.height)
        if self.report.tip != claimed:
            raise ChainRefused(f"the chain ends at {self.report.tip}, but the stored tip is {claimed}")
        for key, receipt in proofs.rest():
            self._orphan(key, receipt)
        self._compare_logs()

    def _step(self, row: AnchorRow) -> None:
        """Computes the state after the block of `row` and compares everything stored about it."""
        try:
            done = apply_stored(self._anchor, row.payload, row.aux)
        except Refused as error:
            raise ChainRefused(f"block {row.block}: {error}") from error
        block, parent = done.state.block, self._anchor.block
        if (row.block, row.parent) != (block, parent.block_id):
            raise ChainRefused(f"the row of block {row.block} holds block {block} on {parent}")
        if (row.header, row.state, row.commitment) != (row.payload[: len(row.header)], done.state.encode(), done.state.commitment()):
            raise ChainRefused(f"block {block}: the stored header or anchor state is not the computed one")
        if (row.manifest, row.manifest_hash) != (done.manifest.encode(), done.manifest_hash):
            raise ChainRefused(f"block {block}: the stored manifest is not the computed one")
        if row.inclusion_proof != (None if done.inclusion_proof is None else done.inclusion_proof.encode()):
            raise ChainRefused(f"block {block}: the stored inclusion proof of its coinbase is not the computed one")
        self._compare_id(block)
        self._compare_history(block, self._anchor.history.peaks, done.manifest_hash)
        self._step_predicate = self._moho.next_predicate
        self._before = self._attestation()
        self._anchor = done.state
        self._moho, exported = fold(self._moho, done.state.commitment(), done.logs)
        self._compare_exports(block, exported)
        self._compare_moho()
        self.report.tip = block
        self.report.blocks += 1

    def _require_proofs(self, found: dict[bytes, Receipt]) -> None:
        """Both proofs of the present block; they are taken out of `found`."""
        block = self._anchor.block
        after = self._attestation()
        step = StepAttestation(self._before, after).encode()
        require_proof(found, StepId.of(block), step, self._step_predicate, self._proofs)
        _count(self.report.step_proofs, self._step_predicate)
        moho_predicate = self._trust.moho_predicate
        recursive = RecursiveClaim(RecursiveAttestation(self._genesis, after), moho_predicate).encode()
        require_proof(found, RecursiveId(block), recursive, moho_predicate, self._proofs)
        _count(self.report.recursive_proofs, moho_predicate)

    def _orphan(self, key: bytes, receipt: Receipt) -> None:
        check_orphan(self._rows, key, receipt, self._trust.moho_predicate, self._proofs)
        self.report.orphan_proofs += 1

    def _compare_genesis(self) -> None:
        stored = genesis_row(self._rows)
        found = None if stored is None else (stored.block, stored.state, stored.commitment)
        if found != (self._anchor.block, self._anchor.encode(), self._anchor.commitment()):
            raise ChainRefused(f"the stored anchor is not {self._anchor.block} with the trusted parameters")
        self._compare_id(self._anchor.block)

    def _compare_id(self, block: BlockCommitment) -> None:
        if self._rows.row("SELECT block_id FROM anchors WHERE key = ?", (block.key(),)) != (block.block_id,):
            raise ChainRefused(f"block {block}: it is indexed under another block id")

    def _compare_history(self, block: BlockCommitment, peaks: Sequence[bytes], leaf: bytes) -> None:
        """The leaf of the block, and the inner nodes that it completes: its left siblings are the peaks before it, lowest first."""
        if self._rows.row("SELECT key, hash FROM leaves WHERE height = ?", (block.height,)) != (block.key(), leaf):
            raise ChainRefused(f"block {block}: the stored leaf of the history is not the computed one")
        node, level, position = leaf, 0, int(block.height)
        for peak in peaks:
            if not position & 1:
                break
            node, level, position = join(peak, node), level + 1, position >> 1
            if self._rows.row("SELECT hash FROM nodes WHERE level = ? AND position = ?", (level, position)) != (node,):
                raise ChainRefused(f"block {block}: a stored node of the history is not the computed one")

    def _compare_exports(self, block: BlockCommitment, exported: Sequence[ExportedLeaf]) -> None:
        query = "SELECT container, position, entry FROM moho_exports WHERE height = ? ORDER BY container, position"
        computed = sorted((leaf.container, leaf.index, leaf.entry) for leaf in exported)
        if self._rows.rows(query, (block.height,)) != computed:
            raise ChainRefused(f"block {block}: the stored export entries are not the computed ones")

    def _compare_moho(self) -> None:
        block = self._anchor.block
        stored = moho_row(self._rows, block)
        if stored is None:
            raise ChainRefused(f"block {block}: its Moho state is missing")
        predicate, opening = self._moho.opening()
        if block == self._trust.params.block and stored.predicate != self._moho.next_predicate:
            raise ChainRefused(f"the chain began under step predicate {stored.predicate}, trusted is {self._moho.next_predicate}")
        found = (stored.state, stored.commitment, stored.predicate.encode(), stored.opening)
        if found != (self._moho.encode(), self._moho.commitment(), predicate, opening):
            raise ChainRefused(f"block {block}: the stored Moho state is not the computed one")

    def _compare_logs(self) -> None:
        tip = moho_tip(self._rows)
        if tip is None or tip[0] != self.report.tip:
            raise ChainRefused(f"the chain ends at {self.report.tip}, but the stored Moho tip is {None if tip is None else tip[0]}")
        for log, table in (("anchor_log", "anchors"), ("moho_log", "moho")):
            found = self._rows.row(f"SELECT seq, key FROM {log} WHERE key NOT IN (SELECT key FROM {table}) LIMIT 1")
            if found is not None:
                raise ChainRefused(f"entry {found[0]} of {log} names block {BlockCommitment.from_key(found[1])}, which is not stored")

    def _attestation(self) -> StateAttestation:
        return StateAttestation(self._anchor.block.block_id, self._moho.commitment())


def _count(counts: dict[str, int], predicate: Predicate) -> None:
    """Counts one proof under its kind."""
    kind = kind_of(predicate)
    name = PredicateKind(predicate.kind).name.lower() if kind is None else kind.key
    counts[name] = counts.get(name, 0) + 1
