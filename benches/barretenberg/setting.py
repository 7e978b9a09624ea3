"""What every question about the real `bb` needs: the programs and points, and where the real inputs are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bare import Program

from kit import bb_cache
from proofplane.barretenberg.binary import Binary
from proofplane.barretenberg.crs import Crs
from proofplane.barretenberg.specs import verifier_spec
from proofplane.base.cores import usable_cores
from proofplane.pool.types import WorkerSpec

VARIABLE = "PROOFPLANE_DATA"
"""Environment variable that names the folder of real inputs: ceremony points and headers."""

HEADERS = "mainnet-headers-40000-49999.raw"
FIRST_HEIGHT = 40_000
"""Of the file of headers."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The genuine binary, on genuine points."""

    data: Path
    binary: Binary
    verification: Crs
    proving: Crs
    cores: int

    @property
    def headers(self) -> Path:
        """The file of real headers."""
        return self.data / "bitcoin" / HEADERS

    @property
    def spec(self) -> WorkerSpec:
        """A verifier of one thread, as the library starts it."""
        return verifier_spec(self.binary, self.verification)

    def verifier(self) -> Program:
        """The same as a bare process."""
        return Program(self.binary.path, self.verification.directory, 1)

    def prover(self) -> Program:
        """A bare process that proves, on all cores as the library's does."""
        return Program(self.binary.path, self.proving.directory, self.cores)


def setting() -> Setting:
    """Finds everything; ends the program with a sentence if the real inputs are missing."""
    data = os.environ.get(VARIABLE)
    if not data:
        raise SystemExit(f"set {VARIABLE} to the folder of real inputs: ceremony points to prove with, and mainnet headers")
    place = Path(data)
    return Setting(place, bb_cache.bb(), bb_cache.verification_crs(), bb_cache.proving_crs(place), usable_cores())
