"""What a data directory holds, read from its rows: for `status` and `proofs`, beside a running node or without one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from proofplane.anchor.anchor_store import ANCHOR_SCHEMA, anchor_tip, block_by_id, canonical_at
from proofplane.anchor.moho_store import MOHO_SCHEMA, moho_tip
from proofplane.base.errors import CallerMistake
from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.base.proof_id import ProofId, RecursiveId, StepId, proof_id_from_key
from proofplane.base.receipt import Receipt
from proofplane.node.data_dir import TrustRoot
from proofplane.node.kinds import kind_of
from proofplane.proving.frontier import last_proven
from proofplane.proving.store import SCHEMA, JobReader, stored_receipt
from proofplane.proving.types import ProofKey
from proofplane.storage.database import Rows

SCHEMAS = (ANCHOR_SCHEMA, MOHO_SCHEMA, SCHEMA)
"""The tables of a data directory."""

MAX_FAILURES_SHOWN = 20
"""Failed proofs that a status names; the count says how many there are."""


_MAX_DIGITS = 10
"""Of a height (u32); a longer run of digits is looked up as a hash."""


class UnknownBlock(CallerMistake):
    """No block of this height or hash was processed."""


class NoSuchProof(CallerMistake):
    """The proof asked for is not stored."""


@dataclass(frozen=True, slots=True)
class FailureShown:
    """A proof that failed for good."""

    proof: str
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class StatusShown:
    """A data directory at one moment."""

    chain: str
    identity: str
    backend: str
    """Which prover backend its step proofs are of."""
    tip: str | None
    moho_tip: str | None
    last_proven: str | None
    """The highest block of the chain with a stored recursive proof."""
    blocks: int
    step_proofs: int
    recursive_proofs: int
    planned: int
    in_flight: int
    failed: int
    aborted: int
    failures: tuple[FailureShown, ...]

    def to_json(self) -> dict[str, object]:
        """The status as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class StoredProof:
    """A stored proof and where it stands."""

    proof_id: ProofId
    block: BlockCommitment
    kind: str
    """`step` or `recursive`."""
    canonical: bool
    """Whether its block is on the chain."""
    receipt: Receipt


def read_status(rows: Rows, trust: TrustRoot) -> StatusShown:
    """Reads the status of a data directory."""
    tip, moho = anchor_tip(rows), moho_tip(rows)
    kind = kind_of(trust.step_predicate)
    jobs = JobReader(rows)
    counts = jobs.counts()
    in_flight, _ = jobs.in_flight()
    proven = last_proven(jobs, lambda block: is_canonical(rows, block))
    failures = tuple(
        FailureShown(str(row.planned.proof_id), row.planned.attempt, row.reason or "") for row in jobs.failures(MAX_FAILURES_SHOWN)
    )
    return StatusShown(
        chain=trust.params.describe(),
        identity=trust.identity().hex(),
        backend="unknown" if kind is None else kind.backend,
        tip=_text(tip),
        moho_tip=_text(None if moho is None else moho[0]),
        last_proven=_text(proven),
        blocks=0 if tip is None else tip.height - trust.params.block.height,
        step_proofs=counts.steps,
        recursive_proofs=counts.recursives,
        planned=counts.planned,
        in_flight=len(in_flight),
        failed=counts.failed,
        aborted=counts.aborted,
        failures=failures,
    )


def is_canonical(rows: Rows, block: BlockCommitment) -> bool:
    """Whether a block is on the current branch."""
    return canonical_at(rows, block.height) == block


def stored_proofs(rows: Rows, first: int, canonical_only: bool) -> Iterator[StoredProof]:
    """Stored proofs from height `first` on, in the order of proof ids, a page in memory at a time."""
    for row in rows.iterate("SELECT key, receipt, digest FROM proofs WHERE key >= ? ORDER BY key", (first.to_bytes(4, "big"),)):
        found = _stored(rows, *row)
        if found.canonical or not canonical_only:
            yield found


def find_block(rows: Rows, text: str) -> BlockCommitment:
    """The block that a user names: a height on the chain, or a block hash of any branch; raises `UnknownBlock`."""
    if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS:
        found = canonical_at(rows, Height(int(text)))
    else:
        found = block_by_id(rows, BlockId.from_display(text))
    if found is None:
        raise UnknownBlock(f"no block {text} was processed here")
    return found


def find_proof(rows: Rows, kind: str, block: BlockCommitment) -> StoredProof:
    """The stored proof of a kind (`step` or `recursive`) for a block; raises `NoSuchProof`."""
    proof_id: StepId | RecursiveId = StepId.of(block) if kind == "step" else RecursiveId(block)
    found = rows.row("SELECT key, receipt, digest FROM proofs WHERE key = ?", (ProofKey(proof_id.key()),))
    if found is None:
        raise NoSuchProof(f"there is no {kind} proof of block {block}")
    return _stored(rows, *found)


def _stored(rows: Rows, key: bytes, raw: bytes, digest: bytes) -> StoredProof:
    proof_id = proof_id_from_key(key)
    block = proof_id.end if isinstance(proof_id, StepId) else proof_id.block
    return StoredProof(proof_id, block, proof_id.kind.name.lower(), is_canonical(rows, block), stored_receipt(key, raw, digest))


def _text(block: BlockCommitment | None) -> str | None:
    return None if block is None else str(block)
