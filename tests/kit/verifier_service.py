"""The verifier service over real `bb` processes, for tests: its parts, its processes, and proofs that hold."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from kit import bb_cache
from kit.echo_program import PATIENCE
from proofplane.barretenberg.field import Fr
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.known_good import FLAVOR, known_good
from proofplane.barretenberg.proofs import UltraHonkProof
from proofplane.barretenberg.service.types import UltraHonkJob
from proofplane.barretenberg.specs import verifier_spec
from proofplane.pool.types import WorkerSpec


def real_bb() -> Callable[[int], WorkerSpec]:
    """The genuine `bb` as a verifier of so many threads; skips the test where it is not installed."""
    return partial(verifier_spec, bb_cache.bb(), bb_cache.verification_crs())


def good() -> UltraHonkJob:
    """The proof that every fresh verifier is greeted with."""
    request = known_good()
    inputs = tuple(map(Fr, request.public_inputs))
    return UltraHonkJob(VerificationKey(request.verification_key), inputs, UltraHonkProof.of(request.proof), FLAVOR)


def false(number: int) -> UltraHonkJob:
    """The same proof for another statement, one for each number."""
    job = good()
    return UltraHonkJob(job.key, (Fr.of(10_000 + number),), job.proof, Flavor(job.flavor))


def children(parent: int | None = None) -> list[int]:
    """Process ids of the `bb` processes of a parent, this process if none is given."""
    wanted = os.getpid() if parent is None else parent
    found = []
    for place in Path("/proc").iterdir():
        try:
            name, rest = (place / "stat").read_text().split("(", 1)[1].rsplit(") ", 1) if place.name.isdigit() else ("", "")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if name.startswith("bb") and rest.split()[:2][1] == str(wanted) and not rest.startswith("Z"):
            found.append(int(place.name))
    return sorted(found)


async def until(condition: Callable[[], bool]) -> None:
    """Waits until something of another process has come about; raises `TimeoutError` if it does not."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what another process does has no event here
            await asyncio.sleep(0.002)
