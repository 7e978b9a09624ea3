"""A chain in memory with toy programs: real claims and real signatures over a state that is only a hash."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from proofplane.base.attestation import RecursiveAttestation, RecursiveClaim, StateAttestation, StepAttestation
from proofplane.base.ids import BlockCommitment, BlockId, Hash32, Height
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.base.proof_id import RecursiveId, StepId
from proofplane.base.receipt import Receipt
from proofplane.crypto import predicates
from proofplane.crypto.hashes import sha256
from proofplane.crypto.schnorr import SigningKey
from proofplane.proving.types import AnyProofId, Expected

ANCHOR_HEIGHT = 100

STEP_KEY = SigningKey(b"\x01" * 32)
MOHO_KEY = SigningKey(b"\x02" * 32)
ROGUE_KEY = SigningKey(b"\x03" * 32)
STEP_PREDICATE = Predicate(PredicateKind.SCHNORR, STEP_KEY.public().raw)
MOHO_PREDICATE = Predicate(PredicateKind.SCHNORR, MOHO_KEY.public().raw)

STEP_PROGRAM = Hash32(sha256(b"toy step"))
RECURSIVE_PROGRAM = Hash32(sha256(b"toy recursion"))

Program = Callable[[bytes, Sequence[Receipt]], bytes]


class ToyAbort(Exception):
    """A toy program refuses its input."""


def _after(before: StateAttestation, block_id: BlockId) -> StateAttestation:
    return StateAttestation(block_id, Hash32(sha256(before.commitment + block_id)))


def run_step(body: bytes, prerequisites: Sequence[Receipt]) -> bytes:
    """body = state attestation before (64) and block id (32); the state after is the hash of both."""
    before = StateAttestation.decode(body[:64])
    return StepAttestation(before, _after(before, BlockId(body[64:96]))).encode()


def run_recursive(body: bytes, prerequisites: Sequence[Receipt]) -> bytes:
    """Checks the step's receipt and, if there is one, the previous recursive one, and chains them."""
    step_receipt, *rest = prerequisites
    predicates.check(STEP_PREDICATE, step_receipt.public_values, step_receipt.proof)
    step = StepAttestation.decode(step_receipt.public_values)
    attestation = RecursiveAttestation(step.before, step.after)
    if rest:
        predicates.check(MOHO_PREDICATE, rest[0].public_values, rest[0].proof)
        previous = RecursiveClaim.decode(rest[0].public_values).attestation
        if previous.proven != step.before:
            raise ToyAbort("the step does not continue the previous proof")
        attestation = RecursiveAttestation(previous.genesis, step.after)
    return RecursiveClaim(attestation, MOHO_PREDICATE).encode()


PROGRAMS: Mapping[Hash32, Program] = {STEP_PROGRAM: run_step, RECURSIVE_PROGRAM: run_recursive}
KEYS: Mapping[Predicate, SigningKey] = {STEP_PREDICATE: STEP_KEY, MOHO_PREDICATE: MOHO_KEY}


class ToyChain:
    """Implements `proofplane.proving.ports.Chain`; grows and reorganises on command, its log keeps every commitment."""

    def __init__(self) -> None:
        """Only the anchor."""
        self.anchor = BlockCommitment(Height(ANCHOR_HEIGHT), BlockId(sha256(b"toy anchor")))
        self.genesis = StateAttestation(self.anchor.block_id, Hash32(sha256(b"toy genesis")))
        self._parents: dict[BlockCommitment, BlockCommitment] = {}
        self._states: dict[BlockCommitment, StateAttestation] = {self.anchor: self.genesis}
        self.log: list[BlockCommitment] = []
        self._tip = self.anchor
        self.hidden: set[AnyProofId] = set()
        """Proofs whose chain data is not there."""

    def extend(self, blocks: int, on: BlockCommitment | None = None, branch: bytes = b"") -> list[BlockCommitment]:
        """Appends `blocks` to block `on` (default: the tip), logs them and moves the tip there; `branch` makes other blocks."""
        at = on if on is not None else self._tip
        made: list[BlockCommitment] = []
        for _ in range(blocks):
            block = BlockCommitment(Height(at.height + 1), BlockId(sha256(at.block_id + branch)))
            self._parents[block] = at
            self._states[block] = _after(self._states[at], block.block_id)
            made.append(block)
            at = block
        self.log += made
        self._tip = at
        return made

    def switch_to(self, tip: BlockCommitment) -> None:
        """Makes a known block the tip and logs its branch from the fork point on again."""
        current = set(self.branch(self._tip))
        self.log += [block for block in self.branch(tip) if block not in current]
        self._tip = tip

    def branch(self, tip: BlockCommitment) -> list[BlockCommitment]:
        """The blocks above the anchor up to `tip`, oldest first."""
        found = []
        while tip != self.anchor:
            found.append(tip)
            tip = self._parents[tip]
        return found[::-1]

    def since(self, cursor: int, limit: int) -> Sequence[tuple[int, BlockCommitment]]:
        """As the port says."""
        return [(cursor + number + 1, block) for number, block in enumerate(self.log[cursor : cursor + limit])]

    def tip(self) -> BlockCommitment | None:
        """As the port says."""
        return self._tip

    def parent(self, block: BlockCommitment) -> BlockCommitment | None:
        """As the port says."""
        return self._parents.get(block)

    def prerequisites(self, proof_id: AnyProofId) -> tuple[AnyProofId, ...]:
        """As the port says."""
        if isinstance(proof_id, StepId):
            return ()
        parent = self._parents[proof_id.block]
        step = StepId.of(proof_id.block)
        return (step,) if parent == self.anchor else (step, RecursiveId(parent))

    def body(self, proof_id: AnyProofId) -> bytes | None:
        """As the port says."""
        if proof_id in self.hidden:
            return None
        if isinstance(proof_id, StepId):
            return self._states[self._parents[proof_id.end]].encode() + proof_id.end.block_id
        return b"recursion"

    def expected(self, proof_id: AnyProofId) -> Expected | None:
        """As the port says."""
        if proof_id in self.hidden:
            return None
        if isinstance(proof_id, StepId):
            block = proof_id.end
            step = StepAttestation(self._states[self._parents[block]], self._states[block])
            return Expected(step.encode(), STEP_PREDICATE, STEP_PROGRAM)
        claim = RecursiveClaim(RecursiveAttestation(self.genesis, self._states[proof_id.block]), MOHO_PREDICATE)
        return Expected(claim.encode(), MOHO_PREDICATE, RECURSIVE_PROGRAM)

    def is_canonical(self, block: BlockCommitment) -> bool:
        """As the port says."""
        return block == self.anchor or block in self.branch(self._tip)

    def proofs(self) -> list[AnyProofId]:
        """Every proof that the logged blocks call for, in order, each once."""
        found: list[AnyProofId] = []
        for block in dict.fromkeys(self.log):
            found += (StepId.of(block), RecursiveId(block))
        return sorted(found)
