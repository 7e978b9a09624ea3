"""Checks one exported receipt by itself against a trust root: what it claims, under which key, and what that does not say."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from proofplane.anchor.moho import genesis_moho
from proofplane.anchor.programs import RECURSIVE_PROGRAM_ID, STEP_PROGRAM_ID
from proofplane.anchor.state import genesis_state
from proofplane.base.attestation import STEP_SIZE, RecursiveClaim, StateAttestation, StepAttestation
from proofplane.base.errors import Refused
from proofplane.base.ids import Hash32
from proofplane.base.predicate import Predicate
from proofplane.base.receipt import ProofType, ProverKind, Receipt
from proofplane.crypto.predicates import Check, check
from proofplane.node.data_dir import TrustRoot
from proofplane.node.kinds import NATIVE, ULTRA_HONK, kind_of

_MADE_BY = {
    ProverKind.NATIVE: NATIVE.phrase,
    ProverKind.SP1: "an SP1 proof",
    ProverKind.BARRETENBERG: ULTRA_HONK.phrase,
}
"""What a receipt is by the prover that it names, for people."""


class ReceiptUntrusted(Refused):
    """The receipt is about another chain, or was made under a predicate that the trust root does not name."""


@dataclass(frozen=True, slots=True)
class VerifiedClaim:
    """What a verified receipt says."""

    kind: str
    """`step` or `recursive`."""
    from_block: str
    """Display hash of the block that the claim starts at; the anchor's for a recursive one."""
    from_commitment: str
    to_block: str
    to_commitment: str
    predicate: str

    def to_json(self) -> dict[str, object]:
        """The claim as JSON values."""
        return asdict(self)


def verify_exported(receipt: Receipt, trust: TrustRoot, step_predicate: Predicate | None = None, check: Check = check) -> VerifiedClaim:
    """Verifies a receipt.

    A recursive one is tied to the anchor. A step only says that its block leads from one state to the other;
    that the first of them belongs to the chain is what the recursive proofs say. The version text is provenance: nothing signs it.

    Args:
        receipt: Of either kind, told apart by the size of its claim.
        trust: What to believe.
        step_predicate: The predicate of the step's parent state; None = the first one of the chain.
        check: Knows the kinds of predicate that the trust root names.

    Raises:
        ReceiptUntrusted: Another program, another anchor or another Moho predicate.
        Refused: The claim or the proof is malformed, or the proof does not hold.
        UnknownPredicate, TryAgain: It could not be checked.
    """
    if len(receipt.public_values) == STEP_SIZE:
        predicate = trust.step_predicate if step_predicate is None else step_predicate
        _check_program(receipt, STEP_PROGRAM_ID, predicate, "the trust file" if step_predicate is None else "the given step predicate")
        step = StepAttestation.decode(receipt.public_values)
        check(predicate, receipt.public_values, receipt.proof)
        return _claim("step", step.before, step.after, predicate)
    _check_program(receipt, RECURSIVE_PROGRAM_ID, trust.moho_predicate, "the trust file")
    claim = RecursiveClaim.decode(receipt.public_values)
    if claim.moho_predicate != trust.moho_predicate:
        raise ReceiptUntrusted(f"the proof was made under {claim.moho_predicate}, trusted is {trust.moho_predicate}")
    anchor = genesis_state(trust.params)
    genesis = StateAttestation(trust.params.block.block_id, genesis_moho(anchor.commitment(), trust.step_predicate).commitment())
    if claim.attestation.genesis != genesis:
        raise ReceiptUntrusted(f"the proof starts at {claim.attestation.genesis.reference}, trusted is the anchor {genesis.reference}")
    check(trust.moho_predicate, receipt.public_values, receipt.proof)
    return _claim("recursive", genesis, claim.attestation.proven, trust.moho_predicate)


def _check_program(receipt: Receipt, program: Hash32, predicate: Predicate, source: str) -> None:
    """`source` is what named the predicate, for people."""
    if receipt.program_id != program:
        named = "no program" if receipt.program_id is None else receipt.program_id.hex()
        raise ReceiptUntrusted(f"the receipt is of {named}, not of program {program.hex()}")
    kind = kind_of(predicate)
    if kind is not None and (receipt.prover, receipt.proof_type) != (kind.prover, ProofType.CORE):
        form = "" if receipt.proof_type is ProofType.CORE else f" in the form {receipt.proof_type.name.lower()}"
        raise ReceiptUntrusted(f"{source} expects {kind.phrase}, this receipt is {_MADE_BY[receipt.prover]}{form}")


def _claim(kind: str, start: StateAttestation, end: StateAttestation, predicate: Predicate) -> VerifiedClaim:
    return VerifiedClaim(
        kind, start.reference.display(), start.commitment.hex(), end.reference.display(), end.commitment.hex(), str(predicate)
    )
