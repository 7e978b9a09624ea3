"""What is packed by hand is what the generated classes pack."""

from __future__ import annotations

import pytest

from proofplane.barretenberg.field import Fr
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.generated.barretenberg import ChonkVerifyFromFields, CircuitVerify
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.known_good import known_good
from proofplane.barretenberg.proofs import CHONK_FIELDS, ChonkProof, UltraHonkProof
from proofplane.barretenberg.requests import Checked, chonk_verify, circuit_verify
from proofplane.rpc.codec import encoder

KEY = VerificationKey(known_good().verification_key)


@pytest.mark.parametrize("flavor", Flavor)
@pytest.mark.parametrize("inputs", [0, 1, 15, 16, 17, 65_535, 65_536])
def test_a_circuits_request_is_packed_as_its_class_packs_it(flavor: Flavor, inputs: int) -> None:
    values = [Fr.of(7 * number) for number in range(inputs)]
    proof = UltraHonkProof.of(Fr.of(number) for number in range(flavor.proof_size(15)))
    plain = CircuitVerify(KEY.raw, [bytes(value) for value in values], list(proof.parts), flavor.settings)
    assert circuit_verify(KEY, values, proof, flavor) == Checked(CircuitVerify, encoder().encode(plain))


def test_a_stacks_request_is_packed_as_its_class_packs_it() -> None:
    proof = ChonkProof.of(Fr.of(number) for number in range(CHONK_FIELDS))
    assert chonk_verify(KEY, proof) == Checked(ChonkVerifyFromFields, encoder().encode(ChonkVerifyFromFields(list(proof.parts), KEY.raw)))
