"""Unit tests of `proofplane.crypto.predicates`."""

import subprocess
import sys

import pytest

from proofplane.base.errors import Refused, TryAgain
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.crypto.predicates import (
    CheckUnavailable,
    PredicateHolds,
    PredicateNotMet,
    PredicateReason,
    UnknownPredicate,
    check,
    checker,
)
from proofplane.crypto.schnorr import SigningKey
from unit.crypto.sp1_simulator import forge, verifying_key

KEY = SigningKey(b"\x01" * 32)
CLAIM = b"claim"
SCHNORR = Predicate(PredicateKind.SCHNORR, KEY.public().raw)
PROGRAM = bytes(31) + b"\x05"
SP1 = Predicate(PredicateKind.SP1_GROTH16, PROGRAM + verifying_key())


def reason_of(predicate: Predicate, witness: bytes) -> PredicateReason:
    with pytest.raises(PredicateNotMet) as caught:
        check(predicate, CLAIM, witness)
    return caught.value.reason


@pytest.mark.parametrize("witness", [b"", b"anything"])
@pytest.mark.parametrize("condition", [b"", b"ignored"])
def test_always_accepts_and_never_does_not(condition: bytes, witness: bytes) -> None:
    always = Predicate(PredicateKind.ALWAYS_ACCEPT, condition)
    assert check(always, CLAIM, witness) == PredicateHolds(always, CLAIM)
    assert reason_of(Predicate(PredicateKind.NEVER_ACCEPT, condition), witness) is PredicateReason.NEVER


def test_a_signature_of_the_claim_holds() -> None:
    assert check(SCHNORR, CLAIM, KEY.sign(CLAIM)) == PredicateHolds(SCHNORR, CLAIM)


def test_a_signature_of_another_claim_or_key_does_not() -> None:
    assert reason_of(SCHNORR, KEY.sign(b"other")) is PredicateReason.SIGNATURE
    assert reason_of(SCHNORR, SigningKey(b"\x02" * 32).sign(CLAIM)) is PredicateReason.SIGNATURE


@pytest.mark.parametrize("size", [0, 63, 65])
def test_a_signature_of_another_length_does_not(size: int) -> None:
    assert reason_of(SCHNORR, (KEY.sign(CLAIM) + b"\0")[:size]) is PredicateReason.WITNESS_LENGTH


@pytest.mark.parametrize("condition", [b"", bytes(31), bytes(32), KEY.public().raw + b"\0"])
def test_a_condition_that_is_no_key_can_never_be_met(condition: bytes) -> None:
    assert reason_of(Predicate(PredicateKind.SCHNORR, condition), KEY.sign(CLAIM)) is PredicateReason.CONDITION


def test_an_sp1_proof_of_the_claim_holds_and_of_another_does_not() -> None:
    assert check(SP1, CLAIM, forge(PROGRAM, CLAIM)) == PredicateHolds(SP1, CLAIM)
    assert reason_of(SP1, forge(PROGRAM, b"other")) is PredicateReason.PROOF


@pytest.mark.parametrize("size", [0, 259, 261])
def test_an_sp1_proof_of_another_length_does_not(size: int) -> None:
    assert reason_of(SP1, bytes(size)) is PredicateReason.WITNESS_LENGTH


@pytest.mark.parametrize("condition", [b"", bytes(31), PROGRAM, SP1.condition[:-1], SP1.condition + b"\0", PROGRAM + bytes(492)])
def test_an_sp1_condition_that_is_no_program_and_key_can_never_be_met(condition: bytes) -> None:
    assert reason_of(Predicate(PredicateKind.SP1_GROTH16, condition), bytes(260)) is PredicateReason.CONDITION


@pytest.mark.parametrize("kind", [2, 11, 64, 255])
def test_an_unknown_id_is_an_error_of_its_own(kind: int) -> None:
    with pytest.raises(UnknownPredicate, match=str(kind)) as caught:
        check(Predicate(kind), CLAIM, b"")
    assert caught.value.kind == kind


def test_nothing_but_an_sp1_check_imports_the_pairing_library() -> None:
    program = (
        "import sys, proofplane.crypto.predicates, proofplane.crypto.keyfile, proofplane.crypto.mmr\n"
        "from proofplane.base.predicate import Predicate\n"
        "proofplane.crypto.predicates.check(Predicate(1), b'', b'')\n"
        "sys.exit(any(name.split('.')[0] == 'py_ecc' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def only_the_claim_itself(predicate: Predicate, claim: bytes, witness: bytes) -> None:
    """A kind that is met by repeating the claim, and cannot be looked at when the witness is "busy"."""
    if witness == b"busy":
        raise CheckUnavailable("come back later")
    if witness != claim:
        raise PredicateNotMet(predicate, PredicateReason.PROOF)


ADDED = Predicate(PredicateKind.ULTRA_HONK, b"condition")
WIDER = checker({PredicateKind.ULTRA_HONK: only_the_claim_itself, PredicateKind.NEVER_ACCEPT: only_the_claim_itself})


def test_an_added_kind_is_checked_beside_the_built_in_ones() -> None:
    assert WIDER(ADDED, CLAIM, CLAIM) == PredicateHolds(ADDED, CLAIM)
    assert WIDER(SCHNORR, CLAIM, KEY.sign(CLAIM)) == PredicateHolds(SCHNORR, CLAIM)
    with pytest.raises(PredicateNotMet):
        WIDER(ADDED, CLAIM, b"other")
    with pytest.raises(UnknownPredicate, match="those that can be: 0, 1, 10, 20, 64"):
        WIDER(Predicate(65), CLAIM, CLAIM)


def test_what_a_built_in_kind_means_cannot_be_changed() -> None:
    with pytest.raises(PredicateNotMet):
        WIDER(Predicate(PredicateKind.NEVER_ACCEPT), CLAIM, CLAIM)


def test_an_added_kind_that_could_not_look_says_nothing_about_the_claim() -> None:
    with pytest.raises(CheckUnavailable) as caught:
        WIDER(ADDED, CLAIM, b"busy")
    assert isinstance(caught.value, TryAgain)
    assert not isinstance(caught.value, Refused)
