"""Stored proofs, held against what was computed: the chain's own must be there and hold, others must at least be what they say.

Rules:
1. A block's proofs are looked up under the proof ids computed from the block; what they prove is read from them.
2. A receipt's bytes must have the digest stored beside them, so that a flipped byte of what no signature covers is noticed, too.
3. A proof of a block that is not on the chain must hold under the predicate that its own stored parent state names, and that state must be
   the one which the proof says it starts from. It says nothing about the chain.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby
from types import TracebackType

from proofplane.anchor.moho import MohoState
from proofplane.anchor.moho_store import moho_row
from proofplane.anchor.programs import RECURSIVE_PROGRAM_ID, STEP_PROGRAM_ID
from proofplane.base.attestation import RecursiveClaim, StepAttestation
from proofplane.base.errors import Refused
from proofplane.base.ids import BlockCommitment, Hash32, Height
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.base.proof_id import ProofId, RecursiveId, StepId, proof_id_from_key
from proofplane.base.receipt import ProofType, Receipt
from proofplane.crypto.hashes import sha256
from proofplane.crypto.predicates import Check
from proofplane.node.kinds import kind_of
from proofplane.storage.database import Row, Rows

_PAGE = 256
"""Proofs read at a time."""

_AHEAD = 4
"""Checks that wait for each thread: enough that none idles, and a refusal is known at most so many blocks late."""


class ChainRefused(Refused):
    """The data does not hold what it claims; the message names the block and what is wrong with it."""


class ProofsByHeight:
    """Stored receipts by proof id, in groups by height, ascending, one group in memory at a time."""

    def __init__(self, rows: Rows) -> None:
        """Raises `ChainRefused` if there is no table of proofs."""
        if rows.row("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'proofs'") is None:
            raise ChainRefused("the database has no table of proofs")
        self._groups = groupby(_paged(rows), key=lambda row: int.from_bytes(row[0][:4], "big"))
        self._next = self._advance()

    def at(self, height: int) -> dict[bytes, Receipt]:
        """The receipts of `height` by proof key; heights are asked for in ascending order, those passed over are an error."""
        if self._next is None or self._next[0] > height:
            return {}
        if self._next[0] < height:
            raise ChainRefused(f"there are proofs at height {self._next[0]}, below the chain")
        _, receipts = self._next
        self._next = self._advance()
        return receipts

    def rest(self) -> Iterator[tuple[bytes, Receipt]]:
        """The receipts above the chain's tip."""
        while self._next is not None:
            yield from self._next[1].items()
            self._next = self._advance()

    def _advance(self) -> tuple[int, dict[bytes, Receipt]] | None:
        group = next(self._groups, None)
        if group is None:
            return None
        height, rows = group
        try:
            return height, {bytes(row[0]): _read(*row) for row in rows}
        except Refused as error:
            raise ChainRefused(f"a proof at height {height} cannot be read: {error}") from error


def _paged(rows: Rows) -> Iterator[Row]:
    """All stored proofs in key order, each page a query of its own, so that no snapshot is held and a running node can trim its log."""
    after = b""
    while page := rows.rows("SELECT key, kind, receipt, digest FROM proofs WHERE key > ? ORDER BY key LIMIT ?", (after, _PAGE)):
        yield from page
        after = page[-1][0]


class ProofChecks:
    """Checks proofs one after the other, or, those whose kind is checked by another process, several at a time while the walk goes on.

    Whoever walks calls `settle` at the end, and before it reports anything that it found itself: so the first refusal in the order of
    the walk is the one reported. A context manager that waits for its threads.
    """

    def __init__(self, check: Check, threads: int) -> None:
        """`threads` is how many proofs are with other processes at a time; 1 or less: none while the walk goes on."""
        self._check = check
        self._threads = threads
        self._pool = ThreadPoolExecutor(max(1, threads), "proof checks")
        self._pending: deque[Future[None]] = deque()

    def check(self, receipt: Receipt, proof_id: ProofId, predicate: Predicate) -> None:
        """Checks, or lets check, that a receipt's public values hold; raises the first `ChainRefused` or could-not-check known so far."""
        if self._threads > 1 and predicate.kind == PredicateKind.ULTRA_HONK:
            self._pending.append(self._pool.submit(self._checked, receipt, proof_id, predicate))
            self._settle_to(_AHEAD * self._threads)
        else:
            self._checked(receipt, proof_id, predicate)

    def settle(self) -> None:
        """Waits for all checks; raises the first trouble in the order in which they were asked for."""
        self._settle_to(0)

    def _settle_to(self, left: int) -> None:
        while len(self._pending) > left:
            self._pending.popleft().result()

    def _checked(self, receipt: Receipt, proof_id: ProofId, predicate: Predicate) -> None:
        try:
            self._check(predicate, receipt.public_values, receipt.proof)
        except Refused as error:
            raise ChainRefused(f"the {_name(proof_id)} does not hold: {error}") from error

    def __enter__(self) -> ProofChecks:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=True)


def require_proof(found: dict[bytes, Receipt], proof_id: ProofId, claim: bytes, predicate: Predicate, proofs: ProofChecks) -> None:
    """Takes the proof of `proof_id` out of `found` and checks it; raises `ChainRefused` unless it is there and proves `claim`."""
    receipt = found.pop(proof_id.key(), None)
    if receipt is None:
        raise ChainRefused(f"there is no {_name(proof_id)} (if `prove` has not finished, start it again)")
    _check_program(receipt, proof_id, predicate)
    if receipt.public_values != claim:
        raise ChainRefused(f"the {_name(proof_id)} is of something else than the computed states")
    proofs.check(receipt, proof_id, predicate)


def check_orphan(rows: Rows, key: bytes, receipt: Receipt, moho_predicate: Predicate, proofs: ProofChecks) -> None:
    """Checks a proof of a block that is not on the chain (rule 3); raises `ChainRefused`."""
    proof_id = proof_id_from_key(key)
    if isinstance(proof_id, RecursiveId):
        claim = RecursiveClaim.decode(receipt.public_values)
        about, predicate = claim.attestation.proven.reference, moho_predicate
        block = proof_id.block
        if claim.moho_predicate != moho_predicate:
            raise ChainRefused(f"the {_name(proof_id)} was made under {claim.moho_predicate}")
    else:
        step = StepAttestation.decode(receipt.public_values)
        block = proof_id.end
        about, predicate = step.after.reference, _stored_predicate(rows, proof_id, step)
    if about != block.block_id:
        raise ChainRefused(f"the {_name(proof_id)} is about block {about}")
    _check_program(receipt, proof_id, predicate)
    proofs.check(receipt, proof_id, predicate)


def _stored_predicate(rows: Rows, proof_id: StepId, step: StepAttestation) -> Predicate:
    """The predicate of the state that an orphan's step starts from; the row is believed only as far as its root is the step's."""
    parent = BlockCommitment(Height(proof_id.start.height - 1), step.before.reference)
    row = moho_row(rows, parent)
    state = None if row is None else MohoState.decode(row.state)
    if state is None or state.commitment() != step.before.commitment:
        raise ChainRefused(f"the {_name(proof_id)} starts from a state of block {parent} that is not stored")
    return state.next_predicate


def _check_program(receipt: Receipt, proof_id: ProofId, predicate: Predicate) -> None:
    """A kind that no backend makes is left to the check, which cannot check it."""
    program: Hash32 = STEP_PROGRAM_ID if isinstance(proof_id, StepId) else RECURSIVE_PROGRAM_ID
    kind = kind_of(predicate)
    prover = receipt.prover if kind is None else kind.prover
    if (receipt.program_id, receipt.prover, receipt.proof_type) != (program, prover, ProofType.CORE):
        raise ChainRefused(f"the {_name(proof_id)} is of another program or prover")


def _name(proof_id: ProofId) -> str:
    kind, _, block = str(proof_id).partition(" ")
    return f"{kind} proof of block {block}"


def _read(key: bytes, kind: int, receipt: bytes, digest: bytes) -> Receipt:
    proof_id = proof_id_from_key(key)
    if kind != proof_id.kind:
        raise ChainRefused(f"the {_name(proof_id)} is filed under another kind")
    if sha256(receipt) != digest:
        raise ChainRefused(f"the {_name(proof_id)} is not the one whose digest is stored beside it")
    return Receipt.decode(receipt)
