"""Generated frames through framing, envelopes and the codec; a run of any size is `tests/kit/fuzz_frames.py`."""

from __future__ import annotations

import pytest

from kit.fuzz_frames import EVERY_REASON, fuzz


@pytest.mark.parametrize("seed", [1, 2])
def test_thousands_of_frames_are_read_or_refused_and_every_reason_is_met(seed: int) -> None:
    assert EVERY_REASON - fuzz(6000, seed).keys() == set()


@pytest.mark.slow
def test_a_million_frames_are_read_or_refused_and_every_reason_is_met() -> None:
    seen = fuzz(1_000_000, seed=3)
    assert EVERY_REASON - seen.keys() == set()
    assert sum(times for reason, times in seen.items() if reason.startswith("body:")) == 1_000_000
