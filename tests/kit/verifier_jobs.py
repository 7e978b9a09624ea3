"""Jobs for the tests of the verifier service: made of numbers, without any proof that holds."""

from __future__ import annotations

from proofplane.barretenberg.field import SIZE, Fr
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.proofs import CHONK_FIELDS, ChonkProof, UltraHonkProof
from proofplane.barretenberg.service.types import ChonkJob, UltraHonkJob

CHONK_INPUTS = 30
"""Public inputs of the keys, two of them outputs of the stack."""


def key(number: int = 0, inputs: int = CHONK_INPUTS) -> VerificationKey:
    """A key of a circuit of 2^16 rows whose points are none; `number` tells keys apart."""
    head = b"".join(value.to_bytes(SIZE, "big") for value in (16, inputs, 0))
    return VerificationKey(head + bytes(3680 - len(head) - SIZE) + number.to_bytes(SIZE, "big"))


def mega_key() -> VerificationKey:
    """A key of the size of Chonk's inner circuits, under which no Chonk proof is verified."""
    return VerificationKey(key().raw + bytes(5216 - 3680))


def chonk(number: int, of: int = 0) -> ChonkJob:
    """A Chonk job told apart by `number`, under key `of`; `bb` refuses it."""
    return ChonkJob(key(of), ChonkProof(number.to_bytes(SIZE, "big") + bytes((CHONK_FIELDS - 1) * SIZE)))


def ultra_honk(number: int) -> UltraHonkJob:
    """An UltraHonk job told apart by `number`; `bb` refuses it."""
    flavor = Flavor.NOIR_RECURSIVE
    proof = UltraHonkProof(number.to_bytes(SIZE, "big") + bytes((flavor.proof_size(16) - 1) * SIZE))
    return UltraHonkJob(key(inputs=9), (Fr.of(1),), proof, flavor)
