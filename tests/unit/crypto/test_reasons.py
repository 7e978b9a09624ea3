"""The reason codes of the package: callers and stored rows go by these names, so a change here is a change of interface."""

from proofplane.crypto.groth16 import PointFlaw
from proofplane.crypto.predicates import PredicateReason
from proofplane.crypto.sp1 import ProofReason


def test_the_reasons_of_an_unmet_predicate() -> None:
    assert [reason.name for reason in PredicateReason] == ["NEVER", "CONDITION", "WITNESS_LENGTH", "SIGNATURE", "PROOF"]


def test_the_reasons_of_a_refused_sp1_proof() -> None:
    names = ["PROVER", "PROOF_TYPE", "PROGRAM", "PROGRAM_RANGE", "LENGTH", "KEY_TAG", "POINT", "PAIRING"]
    assert [reason.name for reason in ProofReason] == names


def test_the_flaws_of_a_point() -> None:
    assert [flaw.name for flaw in PointFlaw] == ["COORDINATE_RANGE", "INFINITY", "FLAG", "NOT_ON_CURVE", "NOT_IN_SUBGROUP"]
