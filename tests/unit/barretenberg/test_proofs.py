"""Proofs and public inputs are read in the form of bb's files; what cannot be one is refused with its reason."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from proofplane.barretenberg.errors import ProofFlaw, ProofRefused
from proofplane.barretenberg.field import MODULUS, Fr
from proofplane.barretenberg.proofs import MAX_PROOF_FIELDS, MAX_PUBLIC_INPUTS, ChonkProof, UltraHonkProof, public_inputs

TOO_LARGE = MODULUS.to_bytes(32, "big")


def test_a_proof_is_its_joined_fields() -> None:
    fields = [Fr.of(1), Fr.of(2)]
    proof = UltraHonkProof.of(fields)
    assert proof.raw == b"".join(fields)
    assert proof.fields == tuple(fields)
    assert msgspec.msgpack.decode(proof.packed) == [bytes(value) for value in fields]
    assert proof.sha256 == hashlib.sha256(proof.raw).digest()
    assert repr(proof) == "UltraHonkProof(2 fields)"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", ProofFlaw.WRONG_SIZE),
        (bytes(32 * (MAX_PROOF_FIELDS + 1)), ProofFlaw.WRONG_SIZE),
        (bytes(31), ProofFlaw.WRONG_SIZE),
        (bytes(33), ProofFlaw.NOT_CANONICAL),
        (bytes(32) + TOO_LARGE, ProofFlaw.NOT_CANONICAL),
    ],
)
def test_what_cannot_be_a_proof_is_refused(raw: bytes, reason: ProofFlaw) -> None:
    with pytest.raises(ProofRefused) as refused:
        UltraHonkProof(raw)
    assert refused.value.reason is reason


def test_a_chonk_proof_is_its_joined_fields_too() -> None:
    proof = ChonkProof.of([Fr.of(3)] * 1272)
    assert len(proof.fields) == 1272
    assert repr(proof) == "ChonkProof(1272 fields)"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (bytes(32 * 1269), ProofFlaw.WRONG_SIZE),
        (bytes(32 * (MAX_PROOF_FIELDS + 1)), ProofFlaw.WRONG_SIZE),
        (bytes(32 * 1272 - 1), ProofFlaw.NOT_CANONICAL),
        (bytes(32 * 1271) + TOO_LARGE, ProofFlaw.NOT_CANONICAL),
    ],
)
def test_what_cannot_be_a_chonk_proof_is_refused(raw: bytes, reason: ProofFlaw) -> None:
    with pytest.raises(ProofRefused) as refused:
        ChonkProof(raw)
    assert refused.value.reason is reason


def test_public_inputs_are_read_from_a_file_of_joined_fields() -> None:
    assert public_inputs(b"") == ()
    assert public_inputs(Fr.of(5) + Fr.of(6)) == (Fr.of(5), Fr.of(6))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (bytes(33), ProofFlaw.NOT_CANONICAL),
        (TOO_LARGE, ProofFlaw.NOT_CANONICAL),
        (bytes(32 * (MAX_PUBLIC_INPUTS + 1)), ProofFlaw.WRONG_INPUTS),
    ],
)
def test_what_cannot_be_public_inputs_is_refused(raw: bytes, reason: ProofFlaw) -> None:
    with pytest.raises(ProofRefused) as refused:
        public_inputs(raw)
    assert refused.value.reason is reason
