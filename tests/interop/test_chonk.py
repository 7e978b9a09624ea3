"""Chonk proofs through the library, over the insecure development setup, since no genuine ones can be made with the points of the tests."""

from __future__ import annotations

import pytest

from kit.dev_setup.chonk import chonk_fixture
from kit.dev_setup.greeting import insecure_good, insecure_verifier_spec
from proofplane.barretenberg.errors import ProofFlaw, ProofRefused
from proofplane.barretenberg.field import SIZE
from proofplane.barretenberg.proofs import ChonkProof
from proofplane.barretenberg.verifier import Verifier
from proofplane.pool.pool import WorkerPool

pytestmark = pytest.mark.slow


async def test_chonk_proofs_are_verified_and_tampered_ones_refused() -> None:
    fixture = chonk_fixture(2)
    async with WorkerPool(insecure_verifier_spec(), 1) as pool:
        verifier = Verifier(pool, insecure_good())
        for value, proof in enumerate(fixture.proofs, start=1000):
            verified = await verifier.verify_chonk(fixture.key, proof)
            assert [int(each) for each in verified.public_inputs] == [value, value + 1]
        output, point = SIZE - 1, len(proof.raw) - 1
        for place, flaw in ((output, ProofFlaw.FALSE), (point, ProofFlaw.MALFORMED)):
            raw = bytearray(proof.raw)
            raw[place] ^= 1
            with pytest.raises(ProofRefused) as refused:
                await verifier.verify_chonk(fixture.key, ChonkProof(bytes(raw)))
            assert refused.value.reason is flaw
