"""The real `bb` behind our verifier: whatever is wrong with a proof, its inputs or its key, it is refused, and nothing crashes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from kit import bb_cache
from kit.bb_circuits import fourth_power, witness
from kit.tampered import BITS, GOOD, ROLLUP, Claim, bit_of, flipped, flips, mutations, verdicts, verify
from proofplane.barretenberg.client import commands
from proofplane.barretenberg.errors import MalformedKey
from proofplane.barretenberg.field import SIZE, split
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.prover import open_prover
from proofplane.barretenberg.specs import verifier_spec
from proofplane.barretenberg.verifier import Verifier
from proofplane.pool.pool import WorkerPool

PROCESSES = 2


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    async with WorkerPool(verifier_spec(bb_cache.bb(), bb_cache.verification_crs()), PROCESSES) as pool:
        yield pool


async def zero_knowledge(pool: WorkerPool, data_dir: Path) -> Claim:
    """A proof that hides its witness, made on the genuine points."""
    flavor = Flavor.NOIR_RECURSIVE
    async with open_prover(Verifier(pool), bb_cache.bb(), bb_cache.proving_crs(data_dir)) as prover:
        proof = await prover.prove(fourth_power(flavor), witness(7))
    return Claim(proof.key.raw, b"".join(proof.public_inputs), proof.proof.raw, flavor)


def no_process_died(pool: WorkerPool) -> bool:
    return pool.stats.spawned <= PROCESSES


async def test_the_packages_own_proofs_verify(pool: WorkerPool) -> None:
    assert await verdicts(Verifier(pool), [GOOD, ROLLUP]) == {"verified": 2}


async def test_a_flipped_bit_in_every_third_field_of_a_proof_is_refused(pool: WorkerPool) -> None:
    found = await verdicts(Verifier(pool), islice(flips(GOOD, 1), 0, None, 3))
    assert found.total() == 137
    assert len(GOOD.proof) // SIZE == 410
    assert set(found) <= {"false", "malformed", "not canonical"}
    assert await verify(Verifier(pool), GOOD) == "verified"
    assert no_process_died(pool)


@pytest.mark.slow
@pytest.mark.data
async def test_a_flipped_bit_in_any_field_of_a_zero_knowledge_proof_is_refused(pool: WorkerPool, data_dir: Path) -> None:
    claim = await zero_knowledge(pool, data_dir)
    found = await verdicts(Verifier(pool), flips(claim, 1))
    assert found.total() == 458
    assert set(found) <= {"false", "malformed", "not canonical"}
    assert await verify(Verifier(pool), claim) == "verified"
    assert no_process_died(pool)


@pytest.mark.slow
@pytest.mark.data
async def test_many_flipped_bits_in_every_field_are_refused(pool: WorkerPool, data_dir: Path) -> None:
    for claim in (GOOD, await zero_knowledge(pool, data_dir)):
        found = await verdicts(Verifier(pool), flips(claim, 8))
        assert set(found) <= {"false", "malformed", "not canonical"}
    assert no_process_died(pool)


async def test_a_flipped_bit_of_a_public_input_is_refused(pool: WorkerPool) -> None:
    claims = [replace(GOOD, inputs=flipped(GOOD.inputs, bit_of(0, bit))) for bit in (*range(0, BITS, 7), 254, 255)]
    found = await verdicts(Verifier(pool), claims)
    assert set(found) == {"false", "no input"}
    assert found["no input"] <= 3


async def test_a_flipped_bit_in_any_field_of_a_key_is_refused(pool: WorkerPool) -> None:
    claims = [replace(GOOD, key=flipped(GOOD.key, bit_of(field, 0))) for field in range(115)]
    found = await verdicts(Verifier(pool), claims)
    assert "verified" not in found
    assert found.total() == 115
    assert no_process_died(pool)


@pytest.mark.slow
async def test_a_flipped_low_bit_in_any_byte_of_a_key_is_refused(pool: WorkerPool) -> None:
    found = await verdicts(Verifier(pool), (replace(GOOD, key=flipped(GOOD.key, 8 * place)) for place in range(len(GOOD.key))))
    assert found.total() == 3680
    assert found["no key"] >= 72  # other forms of the key, and those that would be of a circuit that is too large
    assert "verified" not in found


async def test_bb_verifies_under_other_forms_of_a_key_which_have_another_hash_and_are_no_keys_here(pool: WorkerPool) -> None:
    places = [field * SIZE + place for field in range(3) for place in range(24)]
    asked = commands(pool, timeout=10.0)
    for place in places:
        other = flipped(GOOD.key, 8 * place)
        answer = await asked.circuit_verify(
            verification_key=other, public_inputs=split(GOOD.inputs), proof=split(GOOD.proof), settings=GOOD.flavor.settings
        )
        assert answer.verified, place
        with pytest.raises(MalformedKey):
            VerificationKey(other)
    assert len(places) == 72


async def test_a_proof_of_another_circuit_or_for_another_key_is_refused(pool: WorkerPool) -> None:
    assert await verify(Verifier(pool), replace(GOOD, key=ROLLUP.key)) == "wrong inputs"
    assert await verify(Verifier(pool), replace(GOOD, proof=bytes(len(GOOD.proof)))) in ("false", "malformed")
    assert await verify(Verifier(pool), replace(GOOD, proof=ROLLUP.proof[: len(GOOD.proof)])) in ("false", "malformed")


async def test_random_mutations_are_refused_and_crash_nothing(pool: WorkerPool) -> None:
    claims = [claim for claim in mutations(GOOD, 150) if claim != GOOD]
    found = await verdicts(Verifier(pool), claims)
    assert found.total() == len(claims) > 140
    assert "verified" not in found
    assert await verify(Verifier(pool), GOOD) == "verified"
    assert no_process_died(pool)


@pytest.mark.slow
async def test_more_random_mutations_of_every_kind_of_proof_crash_nothing(pool: WorkerPool) -> None:
    for claim, count in ((GOOD, 4000), (ROLLUP, 100)):
        found = await verdicts(Verifier(pool), (mutation for mutation in mutations(claim, count, 11) if mutation != claim))
        assert "verified" not in found
    assert no_process_died(pool)
