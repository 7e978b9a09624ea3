"""Batches of Chonk proofs that hold and that do not, over the insecure development setup, which alone has such proofs here."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kit.dev_setup.chonk import chonk_fixture
from kit.dev_setup.greeting import insecure_verifier_spec
from kit.verifier_service import until
from proofplane.barretenberg.errors import ProofRefused
from proofplane.barretenberg.proofs import ChonkProof
from proofplane.barretenberg.service.client import connect_verifier
from proofplane.barretenberg.service.serve import serve_verifier
from proofplane.barretenberg.service.types import Queue

pytestmark = pytest.mark.slow


def flipped(proof: ChonkProof, place: int) -> ChonkProof:
    """The proof with the lowest bit of one field element changed."""
    at = place * 32 + 31
    return ChonkProof(proof.raw[:at] + bytes([proof.raw[at] ^ 1]) + proof.raw[at + 1 :])


PLACES = (0, 5, 100, 760, 795, 1271)
"""In each part of a proof, and the last one of the IPA part, which only the whole check finds."""


@pytest.mark.parametrize("cores", [1, 2])
async def test_bad_proofs_in_a_batch_are_told_from_good_ones(tmp_path: Path, cores: int) -> None:
    fixture = chonk_fixture(4)
    bad = [flipped(fixture.proofs[number % 4], place) for number, place in enumerate(PLACES)]
    address = str(tmp_path / "verifier.sock")
    async with serve_verifier(address, cores, spec=insecure_verifier_spec) as front, connect_verifier(address) as verifier:

        async def ask(proof: ChonkProof) -> bool:
            try:
                await verifier.verify_chonk(fixture.key, proof, queue=Queue.GOSSIP)
            except ProofRefused:
                return False
            return True

        plug = asyncio.create_task(ask(fixture.proofs[0]))
        await until(lambda: front.status().busy > 0)
        mixed = [*fixture.proofs[1:], *bad]
        assert await asyncio.gather(*map(ask, mixed)) == [True] * 3 + [False] * len(bad)
        assert await plug
        counters = front.status().counters
        assert counters.largest_batch > 1
        assert counters.again == 0
        assert await asyncio.gather(*map(ask, fixture.proofs)) == [True] * 4
