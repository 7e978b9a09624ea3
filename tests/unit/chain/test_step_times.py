"""Adding up how long steps took."""

from __future__ import annotations

from proofplane.chain.step_times import StepTime, StepTimes
from proofplane.chain.types import Step, StepTimings
from proofplane.crypto.xmss import Span
from proofplane.lean.errors import Reason
from proofplane.lean.types import ZERO_ROOT

MILLISECOND = 1_000_000


def took(signatures: int, **steps: int) -> StepTimings:
    """Timings of steps by their names, in milliseconds."""
    return StepTimings({Step[name]: Span(0, 7, 7 + length * MILLISECOND) for name, length in steps.items()}, (), signatures, 0, 0)


def test_refused_blocks_count_and_steps_stand_in_the_order_of_an_import() -> None:
    times = StepTimes()
    times.rejected(ZERO_ROOT, Reason.STATE_ROOT_MISMATCH, took(5, COMMIT=1, TRANSITION=4, GUARDS=2))
    times.rejected(None, Reason.DECODE_ERROR, took(3, TRANSITION=2))

    assert times.table() == [StepTime(Step.GUARDS, 1, 2, 2), StepTime(Step.TRANSITION, 2, 6, 4), StepTime(Step.COMMIT, 1, 1, 1)]
    assert times.table()[1].mean == 3
    assert times.signatures == 8


def test_what_never_ran_is_not_listed() -> None:
    assert StepTimes().table() == []
