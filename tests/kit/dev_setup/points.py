"""Folders of points with the known tau, as `bb` reads them: powers by a small C++ program, Grumpkin points by `bb` itself."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from kit import bb_cache
from kit.dev_setup.insecure import TAU, refuse_outside_tests
from kit.echo_program import BUILD_SECONDS
from kit.kept import kept
from proofplane.barretenberg import grumpkin
from proofplane.barretenberg.crs import POINTS_FILE, Crs

CHONK = 17
"""log2 of the points that Chonk's prover needs, and one more."""

_SOURCE = Path(__file__).with_name("powers.cpp")

_LARGEST = 22
"""Bound of `dev_crs`: 2^22 points are 268 MB and take half a minute."""


def dev_crs(log2: int) -> Path:
    """A folder for `CRS_PATH` with 2^`log2` + 1 powers of the known tau and the Grumpkin points; 2^17 take a second, 2^21 up to 15.

    Skips the test (and counts it) where there is no g++ or no `bb`.

    Raises:
        OutsideTests: No test asks.
    """
    refuse_outside_tests()
    assert 0 <= log2 <= _LARGEST
    return kept(f"insecure-crs-{log2}", (_SOURCE.read_bytes(), _tau()), lambda folder: _fill(folder, 2**log2 + 1))


def crs(log2: int) -> Crs:
    """`dev_crs` as the library takes it."""
    return Crs(dev_crs(log2), 2**log2 + 1, grumpkin=True)


def write_powers(path: Path, count: int) -> None:
    """Writes the points of tau^0 to tau^(`count` - 1), 64 bytes each."""
    done = subprocess.run([_program(), _tau().hex(), str(count), path], capture_output=True, timeout=BUILD_SECONDS, check=False)
    assert done.returncode == 0, done.stderr


def _fill(folder: Path, count: int) -> None:
    write_powers(folder / POINTS_FILE, count)
    grumpkin.copy(bb_cache.verification_crs().directory, folder)


def _tau() -> bytes:
    return TAU.to_bytes(32, "big")


def _program() -> Path:
    if shutil.which("g++") is None:
        pytest.skip("there is no g++ to compile the development setup's generator with")
    return kept("insecure-powers", (_SOURCE.read_bytes(),), _compile) / "powers"


def _compile(folder: Path) -> None:
    command = ["g++", "-O3", "-std=c++20", "-march=native", "-o", "powers", str(_SOURCE), "-lpthread"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
