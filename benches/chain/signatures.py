"""What does a production signature cost on one core, and how much of it is the bare permutation?

A verification is 122 permutations of width 16 and 58 of width 24; the control runs as many, in full lanes, and nothing else.
Verification runs on the calling thread and is measured in that thread's processor time: waiting for the processor is not part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import thread_time_ns

from measuring import Case, Ratio

from proofplane import _native
from proofplane.crypto.xmss import PROD, Claim

BATCHES = (1, 9, 16, 64, 193, 512, 4096)
"""Signatures of one call. A block of 8 validators has 9, one of 192 has 193."""

_PERMUTATIONS = {16: 122, 24: 58}
"""By width; of one signature."""

_LANES = 16
"""States that one native permutation permutes."""

_AT_LEAST = 64
"""Signatures of a measurement; smaller batches are verified several times, and the fastest counts."""

_RUNS = 64
"""Runs of the control in a measurement; each takes the time of one chunk of signatures."""

_GOALS = {"avx512": 150, "avx2": 250}
"""Microseconds."""


def cases(claims: Sequence[Claim]) -> list[Case]:
    """A case for each kernel of this processor; there must be as many claims as the largest batch has."""
    return [_case(kernel, claims) for kernel in _native.xmss_kernels()]


def _case(kernel: str, claims: Sequence[Claim]) -> Case:
    contestants: dict[str, Callable[[], Sequence[float]]] = {"bare permutations": lambda: _bare(kernel)}
    contestants |= {_name(batch): _verifier(kernel, claims[:batch]) for batch in BATCHES}
    ratios = tuple([Ratio(_name(batch), "bare permutations", "") for batch in BATCHES])
    goal = f", goal <= {_GOALS[kernel]}" if kernel in _GOALS else ""
    return Case(f"one production signature on one core, {kernel}", f"us{goal}", contestants, ratios)


def _name(batch: int) -> str:
    return f"batch of {batch:,}"


def _bare(kernel: str) -> list[float]:
    """Microseconds of the permutations of one signature, by width; the fastest of many short runs, for they are timed by the clock."""
    return [
        min(_native.xmss_permutations(kernel, width, count) for _ in range(_RUNS)) / _LANES / 1000 for width, count in _PERMUTATIONS.items()
    ]


def _verifier(kernel: str, claims: Sequence[Claim]) -> Callable[[], list[float]]:
    keys, slots, messages, signatures = zip(*claims, strict=True)
    calls = range(-(-_AT_LEAST // len(claims)))

    def verify() -> list[float]:
        taken = []
        for _ in calls:
            start = thread_time_ns()
            failed, _spans = _native.xmss_verify(PROD.name, keys, slots, messages, signatures, 1, kernel=kernel)
            taken.append(thread_time_ns() - start)
            if failed is not None:
                raise SystemExit(f"{kernel}: signature {failed} of {len(claims)} does not hold")
        return [min(taken) / len(claims) / 1000]

    return verify
