"""What of Barretenberg is on this machine, whether it works, what is missing and how to get it. Looks only; brings nothing."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from proofplane.barretenberg.binary import Binary, find_binary
from proofplane.barretenberg.circuit import MASKING_ROWS
from proofplane.barretenberg.circuits.header_step import step_points
from proofplane.barretenberg.crs import POINTS_FILE, VARIABLE, Crs, find_crs, known_prefix, verification_dir, verification_ready
from proofplane.barretenberg.known_good import known_good_rollup
from proofplane.barretenberg.one_shot import ask, run
from proofplane.barretenberg.setup_errors import BinaryWrong, CrsMissing, VerifiesWrongly
from proofplane.base.cores import usable_cores
from proofplane.base.errors import ProofplaneError

T = TypeVar("T")

_SECONDS = 30.0
"""Bound on each question to `bb`; it answers in milliseconds."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    text: str
    """What was found; if it is not ok, what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was looked at, in the order in which it is needed."""

    findings: tuple[Finding, ...]
    verifies: ProofplaneError | None
    """None: a proof was verified. Otherwise what stands in the way."""
    proves: ProofplaneError | None
    """None: verifying works, which every proof needs, and points for proving are there. Otherwise what stands in the way."""
    largest_circuit: int
    """Gates of the largest circuit that the points allow; 0 without points."""
    proves_steps: bool
    """Whether header steps can be proved: nothing stands in the way, and the points suffice for their circuits (`step_points`)."""


class _Findings:
    """Findings in the making, and the first error among them."""

    def __init__(self) -> None:
        self.all: list[Finding] = []
        self.error: ProofplaneError | None = None

    def look(self, name: str, at: Callable[[], tuple[T, str]]) -> T | None:
        """Looks at something, unless something before it is not ok; None if that or this is not."""
        if self.error is not None:
            return None
        try:
            seen, text = at()
        except ProofplaneError as error:
            self.error = error
            self.all.append(Finding(name, False, str(error)))
            return None
        self.all.append(Finding(name, True, text))
        return seen


def diagnose(environment: Mapping[str, str] = os.environ) -> Diagnosis:
    """Looks at the machine, the binary and all points; has the binary verify a proof that is known to be good."""
    verifying, proving = _Findings(), _Findings()
    verifying.look("machine", lambda: (None, f"{sys.platform} on {platform.machine()}, {usable_cores()} cores for proofplane"))
    binary = verifying.look("binary", lambda: _binary(environment))
    if binary is not None:
        verifying.look("verifying", lambda: (None, _verifies(binary, verification_dir(environment))))
    crs = proving.look("proving", lambda: _crs(environment))
    gates = largest_circuit(crs.points) if crs is not None else 0
    stands = verifying.error or proving.error
    steps = stands is None and crs is not None and crs.points >= step_points()
    return Diagnosis((*verifying.all, *proving.all), verifying.error, stands, gates, steps)


def largest_circuit(points: int) -> int:
    """Gates of the largest circuit that so many points prove: the largest power of two among them, less the rows that `bb` adds."""
    return max(0, (1 << points.bit_length() - 1) - MASKING_ROWS) if points > 0 else 0


def _binary(environment: Mapping[str, str]) -> tuple[Binary, str]:
    binary = find_binary(environment)
    began = time.perf_counter()
    printed = run([str(binary.path), "--version"], {}, _SECONDS).decode(errors="replace").strip()
    took = time.perf_counter() - began
    if printed != binary.version:
        raise BinaryWrong(f"{binary.path} says that it is {printed!r}, not {binary.version}, though its checksum is right")
    return binary, f"{binary.path}, {printed}, sha256 {binary.sha256.hex()[:16]}…, answers in {took * 1000:.0f} ms"


def _verifies(binary: Binary, directory: Path) -> str:
    if not verification_ready(directory):
        raise CrsMissing(f"{directory} has not the points that verifying needs: run `proofplane bb setup --verify-only`")
    began = time.perf_counter()
    if not ask(binary.path, known_good_rollup(), directory, _SECONDS).verified:
        raise VerifiesWrongly(f"{binary.path} with the points of {directory} refuses a proof that is good")
    return f"a known proof in {(time.perf_counter() - began) * 1000:.0f} ms, with the points of {directory}"


def _crs(environment: Mapping[str, str]) -> tuple[Crs, str]:
    crs = find_crs(environment)
    known = known_prefix(crs.directory / POINTS_FILE, crs.points)
    if known == crs.points:
        pinned = "all pinned"
    elif environment.get(VARIABLE):  # whoever put them there
        pinned = f"{known:,} of them pinned, the others genuine only if `proofplane bb setup` brought them, which checks them"
    else:
        pinned = f"{known:,} of them pinned, the others checked when they came"
    without = "" if crs.grumpkin else "; no Grumpkin points, which `bb` makes when they are needed first, in 2 s"
    return crs, f"circuits of up to {largest_circuit(crs.points):,} gates: {crs.points:,} points in {crs.directory}, {pinned}{without}"
