"""What proof times come to."""

from __future__ import annotations

import proofplane.node.timings as timings_module
from proofplane.node.timings import ProofTimes, Timings


def test_without_a_proof_there_is_nothing_to_tell() -> None:
    assert Timings().times() is None


def test_count_least_median_and_most() -> None:
    timings = Timings()
    for seconds in (3.0, 1.0, 2.0004, 9.5):
        timings.add(seconds)

    assert timings.times() == ProofTimes(4, 1.0, 2.5, 9.5)
    assert str(timings.times()) == "4 proofs, seconds each: p50 2.50, min 1.00, max 9.50"


def test_the_median_is_of_the_last_ones_and_the_record_stays_bounded() -> None:
    timings = Timings()
    for _ in range(timings_module._KEPT):
        timings.add(100.0)
    for _ in range(timings_module._KEPT):
        timings.add(1.0)

    assert timings.times() == ProofTimes(2 * timings_module._KEPT, 1.0, 1.0, 100.0)
