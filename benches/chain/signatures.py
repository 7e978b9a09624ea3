"""What does a production signature cost on one core, and how much of it is the bare permutation?

A verification is 122 permutations of width 16 and 58 of width 24; the control runs as many, in full lanes, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter_ns

from measuring import Case, Ratio

from proofplane import _native
from proofplane.base.cores import usable_cores
from proofplane.crypto.hashes import sha256
from proofplane.crypto.xmss import PROD, Claim, SigningKey

BATCHES = (1, 9, 16, 64, 193, 512, 4096)
"""Signatures of one call. 193 is a block of 192 validators."""

_PERMUTATIONS = {16: 122, 24: 58}
"""By width; of one signature."""

_LANES = 16
"""States of one native permutation."""

_SLOT = 1
_SIGNATURES = 64
"""Signatures a measurement takes at least; smaller batches are repeated."""

_GOALS = {"avx512": 150, "avx2": 250}
"""Microseconds."""


def signed_claims(count: int, message: bytes, slot: int = _SLOT) -> list[Claim]:
    """So many true claims, each of a key of its own, over one message."""

    def claim(index: int) -> Claim:
        key = SigningKey.generate(PROD, sha256(index.to_bytes(8, "little")), slot, 1)
        return Claim(key.public, slot, message, key.sign(slot, message))

    with ThreadPoolExecutor(usable_cores()) as threads:
        return list(threads.map(claim, range(count)))


def cases(claims: Sequence[Claim]) -> list[Case]:
    """A case for each kernel of this processor; `claims` are at least as many as the largest batch."""
    return [_case(kernel, claims) for kernel in _native.xmss_kernels()]


def _case(kernel: str, claims: Sequence[Claim]) -> Case:
    contestants: dict[str, Callable[[], Sequence[float]]] = {"bare permutations": lambda: [_bare(kernel)]}
    for batch in BATCHES:
        contestants[_name(batch)] = _verifier(kernel, claims[:batch])
    goal = f"goal <= {_GOALS[kernel]} us" if kernel in _GOALS else "no goal"
    ratios = tuple([Ratio(_name(batch), "bare permutations", goal) for batch in BATCHES])
    return Case(f"one signature on one core, {kernel}", "us", contestants, ratios)


def _name(batch: int) -> str:
    return f"batch of {batch:,}"


def _bare(kernel: str) -> float:
    """Microseconds of the permutations of one signature."""
    rounds = 4
    took = sum(_native.xmss_permutations(kernel, width, count * rounds) for width, count in _PERMUTATIONS.items())
    return took / rounds / _LANES / 1000


def _verifier(kernel: str, claims: Sequence[Claim]) -> Callable[[], list[float]]:
    keys, slots, messages, signatures = zip(*claims, strict=True)
    calls = -(-_SIGNATURES // len(claims))

    def verify() -> list[float]:
        best = 1 << 62
        for _ in range(calls):
            start = perf_counter_ns()
            failed, _spans = _native.xmss_verify(PROD.name, keys, slots, messages, signatures, 1, kernel=kernel)
            best = min(best, perf_counter_ns() - start)
            if failed is not None:
                raise SystemExit(f"{kernel}: signature {failed} of {len(claims)} does not hold")
        return [best / len(claims) / 1000]

    return verify
