"""Our prover over the real `bb` and the ceremony's points: what it hands out verifies, and what cannot be proved is said at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kit import bb_cache
from kit.bb_circuits import fourth_power, power, witness
from proofplane.barretenberg.circuit import Circuit
from proofplane.barretenberg.crs import POINTS_FILE, Crs
from proofplane.barretenberg.errors import CircuitRefused, CircuitTooLarge, WitnessRefused
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.points import POINT_SIZE
from proofplane.barretenberg.prover import Progress, Prover, Stage, open_prover
from proofplane.barretenberg.verifier import Verifier, open_verifier

pytestmark = pytest.mark.data

PLAIN = Flavor.NOIR_RECURSIVE_NO_ZK


@pytest.fixture
async def verifier() -> AsyncIterator[Verifier]:
    async with open_verifier(bb_cache.bb(), bb_cache.verification_crs(), 1) as verifier:
        yield verifier


@pytest.fixture
async def prover(verifier: Verifier, data_dir: Path) -> AsyncIterator[Prover]:
    async with open_prover(verifier, bb_cache.bb(), bb_cache.proving_crs(data_dir)) as prover:
        yield prover


@pytest.mark.parametrize("flavor", [flavor if not flavor.ipa else pytest.param(flavor, marks=pytest.mark.slow) for flavor in Flavor])
async def test_a_good_witness_is_proved_and_a_wrong_one_refused_in_every_flavour(prover: Prover, flavor: Flavor) -> None:
    circuit = fourth_power(flavor)
    seen: list[Progress] = []
    proof = await prover.prove(circuit, witness(7), on_progress=seen.append)
    assert proof.public_inputs == proof.verified.public_inputs == (power(7),)
    assert (len(proof.key.raw), len(proof.proof.fields)) == (flavor.key_size, flavor.proof_size(proof.key.log_size))
    assert [one.stage for one in seen] == list(Stage)
    with pytest.raises(WitnessRefused, match="does not satisfy"):
        await prover.prove(circuit, witness(7, result=2402))


@pytest.mark.parametrize("junk", [b"junk", witness(7)[:60], witness(7, squarings=3)[:-1]])
async def test_what_is_no_witness_is_refused_with_bbs_reason(prover: Prover, junk: bytes) -> None:
    with pytest.raises(WitnessRefused, match="bb cannot read the witness"):
        await prover.prove(fourth_power(PLAIN), junk)


async def test_a_key_of_another_circuit_makes_every_witness_refused(prover: Prover) -> None:
    other = await prover.key(fourth_power(PLAIN, 3))
    with pytest.raises(WitnessRefused):
        await prover.prove(fourth_power(PLAIN), witness(7), other)


@pytest.mark.parametrize("bytecode", [b"", b"junk", fourth_power(PLAIN).bytecode[:50]])
async def test_what_is_no_circuit_is_refused_with_bbs_reason(prover: Prover, bytecode: bytes) -> None:
    with pytest.raises(CircuitRefused):
        await prover.prove(Circuit("junk", bytecode, PLAIN), witness(7))


async def test_exactly_as_many_gates_as_points_allow_are_proved_and_one_more_is_refused_at_once(
    verifier: Verifier, data_dir: Path, tmp_path: Path
) -> None:
    points = (bb_cache.proving_crs(data_dir).directory / POINTS_FILE).read_bytes()
    (tmp_path / POINTS_FILE).write_bytes(points[: 64 * POINT_SIZE])
    async with open_prover(verifier, bb_cache.bb(), Crs(tmp_path, 64, grumpkin=False)) as prover:
        overhead = await prover.gates(fourth_power(PLAIN, 1)) - 1
        most = 64 - 5 - overhead
        fits, larger = fourth_power(PLAIN, most), fourth_power(PLAIN, most + 1)
        assert (await prover.prove(fits, witness(3, most))).public_inputs == (power(3, most),)
        with pytest.raises(CircuitTooLarge) as refused:
            await prover.prove(larger, witness(3, most + 1), timeout=3.0)
        assert (refused.value.gates, refused.value.needed, refused.value.points) == (60, 128, 64)
