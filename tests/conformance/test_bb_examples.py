"""The example that verifies a proof of the real `bb`, run as a user runs it on files as `bb`'s command line writes them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kit import bb_cache
from kit.noir import noir_fixture
from kit.tampered import GOOD, Claim, bit_of, flipped
from proofplane.barretenberg.circuit import Circuit
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.prover import open_prover
from proofplane.barretenberg.verifier import open_verifier

EXAMPLE = Path(__file__).parents[2] / "examples" / "verify_noir_proof.py"


def run(folder: Path, claim: Claim) -> subprocess.CompletedProcess[str]:
    files = {"proof": claim.proof, "vk": claim.key, "public_inputs": claim.inputs}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return subprocess.run(
        [sys.executable, EXAMPLE, *(folder / name for name in files), claim.flavor.value],
        env={**os.environ, **bb_cache.environment()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_proof_is_verified_and_what_was_verified_is_printed(tmp_path: Path) -> None:
    done = run(tmp_path, GOOD)
    said = f"verified under the key {VerificationKey(GOOD.key).sha256.hex()}\npublic inputs: 2401\n"
    assert (done.stdout, done.stderr, done.returncode) == (said, "", 0)


def test_a_tampered_proof_is_refused_in_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, replace(GOOD, proof=flipped(GOOD.proof, bit_of(200, 3))))
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.startswith("refused: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("files", "flavor", "cache"),
    [("absent", "noir-recursive", "real"), ("there", "no-such", "real"), ("there", "noir-recursive", "empty")],
)
def test_a_mistake_is_one_line_too(tmp_path: Path, files: str, flavor: str, cache: str) -> None:
    file = tmp_path / "file"
    if files == "there":
        file.write_bytes(GOOD.key)
    environment = bb_cache.environment() if cache == "real" else {"PROOFPLANE_CACHE": str(tmp_path), "PROOFPLANE_BB": ""}
    done = subprocess.run(
        [sys.executable, EXAMPLE, file, file, file, flavor],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.startswith("not verified: ")
    assert len(done.stderr.splitlines()) == 1


def test_it_stays_short() -> None:
    assert len(EXAMPLE.read_text().splitlines()) < 30


@pytest.mark.data
async def test_a_proof_of_a_real_noir_program_is_verified(tmp_path: Path, data_dir: Path) -> None:
    program = noir_fixture()
    circuit = Circuit("squares", program.bytecode, Flavor.NOIR_RECURSIVE)
    async with (
        open_verifier(bb_cache.bb(), bb_cache.verification_crs(), 1) as verifier,
        open_prover(verifier, bb_cache.bb(), bb_cache.proving_crs(data_dir)) as prover,
    ):
        proof = await prover.prove(circuit, program.witnesses[0])
    done = run(tmp_path, Claim(proof.key.raw, b"".join(proof.public_inputs), proof.proof.raw, circuit.flavor))
    assert (done.returncode, done.stdout.splitlines()[1]) == (0, "public inputs: 25 12")
