"""A real Noir program, compiled and run by Noir's own packages, is proved and verified through the library."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit import bb_cache
from kit.noir import noir_fixture
from proofplane.barretenberg.circuit import Circuit
from proofplane.barretenberg.errors import ProofFlaw, ProofRefused
from proofplane.barretenberg.field import Fr
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.prover import open_prover
from proofplane.barretenberg.verifier import open_verifier


@pytest.mark.data
async def test_a_noir_program_is_proved_and_its_proof_verified_for_its_own_public_inputs_only(data_dir: Path) -> None:
    program = noir_fixture()
    circuit = Circuit("squares", program.bytecode, Flavor.NOIR_RECURSIVE)
    async with (
        open_verifier(bb_cache.bb(), bb_cache.verification_crs(), processes=1) as verifier,
        open_prover(verifier, bb_cache.bb(), bb_cache.proving_crs(data_dir)) as prover,
    ):
        proofs = [await prover.prove(circuit, witness) for witness in program.witnesses]
        assert [[int(value) for value in proof.public_inputs] for proof in proofs] == [[25, 12], [41, 20]]
        first, second = proofs
        with pytest.raises(ProofRefused) as refused:
            await verifier.verify(first.key, second.public_inputs, first.proof, circuit.flavor)
        assert refused.value.reason is ProofFlaw.FALSE
        with pytest.raises(ProofRefused) as refused:
            await verifier.verify(first.key, (Fr.of(25), Fr.of(13)), first.proof, circuit.flavor)
        assert refused.value.reason is ProofFlaw.FALSE
