"""Unit tests of `proofplane.crypto.sp1` under a key whose trapdoor is known; real proofs are in `tests/vectors`."""

import dataclasses

import pytest

from proofplane.base.ids import Hash32, hash32
from proofplane.base.receipt import ProofType, ProverKind, Receipt
from proofplane.crypto.groth16 import SCALAR_ORDER, PointFlaw
from proofplane.crypto.sp1 import (
    MalformedVerifyingKey,
    ProofReason,
    ProofRefused,
    Sp1Verified,
    Sp1VerifyingKey,
    UnsupportedSp1Version,
    verify_proof,
    verify_sp1,
)
from unit.crypto.sp1_simulator import forge, verifying_key

PROGRAM = hash32(bytes(31) + b"\x05")
VALUES = b"public values"
KEY_BYTES = verifying_key()
KEY = Sp1VerifyingKey.parse(KEY_BYTES)
PROOF = forge(PROGRAM, VALUES)
RECEIPT = Receipt(PROOF, VALUES, ProverKind.SP1, "v5.0.0", PROGRAM, ProofType.GROTH16)


def reason_of(receipt: Receipt, program: Hash32 = PROGRAM) -> tuple[ProofReason, PointFlaw | None]:
    with pytest.raises(ProofRefused) as caught:
        verify_sp1(receipt, program, KEY)
    return caught.value.reason, caught.value.flaw


def test_a_valid_receipt_is_verified_with_and_without_a_program_id_in_it() -> None:
    assert verify_sp1(RECEIPT, PROGRAM, KEY) == Sp1Verified(PROGRAM, VALUES)
    assert verify_sp1(dataclasses.replace(RECEIPT, program_id=None), PROGRAM, KEY) == Sp1Verified(PROGRAM, VALUES)


def test_other_public_values_or_another_program_do_not_hold() -> None:
    assert reason_of(dataclasses.replace(RECEIPT, public_values=VALUES + b"\0")) == (ProofReason.PAIRING, None)
    older = dataclasses.replace(RECEIPT, program_id=None)
    assert reason_of(older, hash32(bytes(31) + b"\x06")) == (ProofReason.PAIRING, None)


def test_each_cheap_check_gives_its_reason() -> None:
    assert reason_of(dataclasses.replace(RECEIPT, prover=ProverKind.NATIVE))[0] is ProofReason.PROVER
    assert reason_of(dataclasses.replace(RECEIPT, proof_type=ProofType.CORE))[0] is ProofReason.PROOF_TYPE
    assert reason_of(RECEIPT, hash32(bytes(32)))[0] is ProofReason.PROGRAM
    assert reason_of(dataclasses.replace(RECEIPT, proof=PROOF[:-1]))[0] is ProofReason.LENGTH
    assert reason_of(dataclasses.replace(RECEIPT, proof=PROOF + b"\0"))[0] is ProofReason.LENGTH
    assert reason_of(dataclasses.replace(RECEIPT, proof=b"\0" + PROOF[1:]))[0] is ProofReason.KEY_TAG
    assert reason_of(dataclasses.replace(RECEIPT, proof=PROOF[:4] + bytes(256))) == (ProofReason.POINT, PointFlaw.INFINITY)


def test_a_program_id_that_is_an_alias_modulo_the_group_order_is_refused() -> None:
    alias = hash32((int.from_bytes(PROGRAM, "big") + SCALAR_ORDER).to_bytes(32, "big"))
    with pytest.raises(ProofRefused) as caught:
        verify_proof(PROOF, VALUES, alias, KEY)
    assert caught.value.reason is ProofReason.PROGRAM_RANGE


def test_another_version_is_not_called_invalid() -> None:
    with pytest.raises(UnsupportedSp1Version, match=r"v6\.0\.0"):
        verify_sp1(dataclasses.replace(RECEIPT, version="v6.0.0"), PROGRAM, KEY)
    with pytest.raises(UnsupportedSp1Version, match="v6"):
        Sp1VerifyingKey.parse(bytes(492))


@pytest.mark.parametrize("size", [0, 395, 397])
def test_a_key_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(MalformedVerifyingKey):
        Sp1VerifyingKey.parse((KEY_BYTES + b"\0")[:size])


@pytest.mark.parametrize(
    ("at", "names"),
    [
        (0, "alpha"),
        (64, "beta"),
        (128, "gamma"),
        (224, "delta"),
        (292, "K0"),
        (324, "K1"),
        (356, "K2"),
        (291, "K points"),
        (395, "zero bytes"),
    ],
)
def test_a_key_with_a_malformed_part_is_refused_and_the_part_is_named(at: int, names: str) -> None:
    damaged = bytearray(KEY_BYTES)
    damaged[at] ^= 0x80  # a point loses its flag, a count grows, a zero byte is set
    with pytest.raises(MalformedVerifyingKey, match=names):
        Sp1VerifyingKey.parse(bytes(damaged))


def test_the_tag_is_the_start_of_the_keys_digest() -> None:
    assert KEY.tag == PROOF[:4]
