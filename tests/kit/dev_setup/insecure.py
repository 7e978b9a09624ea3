"""THE INSECURE DEVELOPMENT SETUP: the one secret that must not be known, known; and the guard that keeps it inside tests.

Proofs over 2^15 rows need more ceremony points than the genuine file of the tests has. Here tau is written down, so points of any number
can be made, and a copy of `bb` is patched to believe in them. Whoever knows tau forges proofs for that copy: what it accepts shows that
plumbing works and says nothing about soundness.

Rules:

1. Nothing finds it by default: no search path, no environment variable and no setting leads here; a test names it, in full.
2. It refuses to run outside pytest. A benchmark, which is a test of speed, says `for_a_bench()`, once, in its own process.
3. What it writes lies under `target/`, and every file and folder has "insecure" in its name.
"""

from __future__ import annotations

import hashlib
import os

SCALARS = 21888242871839275222246405745257275088548364400416034343698204186575808495617
"""Order of BN254's groups."""

TAU = int.from_bytes(hashlib.sha256(b"proofplane: insecure development setup, anybody can forge").digest(), "big") % SCALARS
"""The setup's secret, which is none."""

_state = {"bench": False}


class OutsideTests(RuntimeError):
    """The insecure setup was asked for by something that is no test."""


def for_a_bench() -> None:
    """Lets this process, a benchmark of this project, use the setup; what it measures proves nothing about soundness."""
    _state["bench"] = True


def refuse_outside_tests() -> None:
    """Raises `OutsideTests` unless pytest runs this process (or its parent, which handed its environment on)."""
    if "PYTEST_VERSION" not in os.environ and not _state["bench"]:
        raise OutsideTests("the insecure development setup serves tests only: whoever knows its secret forges proofs")
