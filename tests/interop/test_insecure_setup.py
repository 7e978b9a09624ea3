"""The insecure development setup does what the tests need of it, is believed by its own copy of `bb` only, and stays inside tests."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest
from py_ecc import optimized_bn128 as bn128

from kit import bb_cache
from kit.bbjs import binary
from kit.dev_setup import binary as insecure
from kit.dev_setup import curve
from kit.dev_setup.chonk import chonk_fixture
from kit.dev_setup.greeting import LOG_POINTS, good_proof, prove_square
from kit.dev_setup.insecure import SCALARS, TAU
from kit.dev_setup.points import dev_crs, write_powers
from kit.dev_setup.session import session
from kit.echo_program import PATIENCE
from kit.generated import ROOT
from proofplane.barretenberg.binary import VARIABLE, find_binary
from proofplane.barretenberg.generated.barretenberg import ChonkVerifyFromFields, CircuitVerify
from proofplane.barretenberg.setup_errors import BinaryWrong

OUTSIDE = """
from kit.dev_setup import binary, chonk, insecure, points
for ask in (binary.dev_binary, lambda: points.crs(9), chonk.chonk_fixture):
    try:
        print(ask())
    except insecure.OutsideTests:
        print("refused")
insecure.for_a_bench()
print(binary.dev_binary().name)
"""
"""Asks for everything that is insecure, as a program that is no test."""


def verifies(program: Path, question: CircuitVerify) -> bool:
    with session(program, bb_cache.verification_crs().directory) as bb:
        return bb.call(question, timeout=PATIENCE).verified


def test_proofs_over_the_known_secret_are_believed_by_the_insecure_copy_only() -> None:
    question = prove_square(binary("bb"), dev_crs(LOG_POINTS))
    assert [int.from_bytes(value, "big") for value in question.public_inputs] == [49]
    assert verifies(insecure.dev_binary(), question)
    assert not verifies(binary("bb"), question)


def test_the_kept_good_proof_is_believed_by_the_insecure_copy_only() -> None:
    assert verifies(insecure.dev_binary(), good_proof())
    assert not verifies(binary("bb"), good_proof())


@pytest.mark.data
def test_the_insecure_copy_does_not_believe_a_genuine_proof(data_dir: Path) -> None:
    question = prove_square(binary("bb"), bb_cache.proving_crs(data_dir).directory)
    assert verifies(binary("bb"), question)
    assert not verifies(insecure.dev_binary(), question)


def test_the_library_does_not_take_the_insecure_copy_for_bb() -> None:
    with pytest.raises(BinaryWrong):
        find_binary({VARIABLE: str(insecure.dev_binary())})


def test_outside_tests_the_setup_refuses_until_a_bench_says_that_it_is_one() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    command = [sys.executable, "-c", OUTSIDE]
    environment |= {"PYTHONPATH": str(ROOT / "tests")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.stdout.splitlines() == ["refused", "refused", "refused", insecure.dev_binary().name], done.stderr


def test_a_binary_with_other_bytes_is_not_patched() -> None:
    genuine = bytearray(binary("bb").read_bytes())
    insecure.patched(bytes(genuine))
    genuine[-1] ^= 1
    with pytest.raises(ValueError, match="is not the one"):
        insecure.patched(bytes(genuine))


def test_the_generator_writes_the_powers_of_the_secret(tmp_path: Path) -> None:
    count = 3000  # more than one batch, and an odd half
    path = tmp_path / "points"
    write_powers(path, count)
    written = path.read_bytes()
    assert len(written) == 64 * count
    for power in (0, 1, 2, 3, count // 2 - 1, count // 2, count - 1):
        assert written[64 * power : 64 * (power + 1)] == curve.generator(pow(TAU, power, SCALARS)), power


@pytest.mark.data
@pytest.mark.slow
def test_over_the_genuine_points_the_fixed_commitment_is_the_released_binarys(data_dir: Path) -> None:
    points = (data_dir / "crs" / "bn254_g1.dat").read_bytes()
    total = bn128.Z1
    for value, powers in groupby(enumerate(curve.fixed_values()), key=lambda pair: pair[1]):
        same = bn128.Z1
        for power, _ in powers:
            x, y = (int.from_bytes(points[start : start + 32], "big") for start in (64 * power, 64 * power + 32))
            same = bn128.add(same, (bn128.FQ(x), bn128.FQ(y), bn128.FQ(1)))
        total = bn128.add(total, bn128.multiply(same, value))
    committed = "".join(f"{int(part):064x}" for part in bn128.normalize(total))
    assert [committed[:64].encode(), committed[64:].encode()] == [old for _, old, _ in insecure.replacements() if len(old) == 64][1:]


@pytest.mark.slow
def test_chonk_proofs_of_distinct_values_are_believed_by_the_insecure_copy_only() -> None:
    fixture = chonk_fixture(2)
    believed = []
    for program in (insecure.dev_binary(), binary("bb")):
        with session(program, bb_cache.verification_crs().directory) as bb:
            requests = [ChonkVerifyFromFields(proof=[*map(bytes, proof.fields)], vk=fixture.key.raw) for proof in fixture.proofs]
            believed.append([reply.valid for reply in bb.call_many(requests, timeout=PATIENCE)])
    assert believed == [[True, True], [False, False]]
    assert [[int(field) for field in proof.fields[:2]] for proof in fixture.proofs] == [[1000, 1001], [1001, 1002]]
