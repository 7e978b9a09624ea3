"""What does the whole transition cost over the bare work on views?

The bare work is what reference section 17 has: copy, two state roots, header, history and votes set.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns

from bare_state import bare_transition
from measuring import Case, Ratio
from steady_states import made_up_registry, steady_state

from proofplane.lean.transition import transition

VALIDATORS = (8, 64, 512, 4096)

_CALLS = 30
"""Transitions of a measurement; the fastest counts."""


def cases() -> list[Case]:
    """A case for each number of validators, all of whom vote, so that the target is justified; one more for a tally that stays."""
    found = [_case(count, count, f"transition, {count:,} validators, all vote") for count in VALIDATORS]
    most = VALIDATORS[-1]
    return [*found, _case(most, most // 2, f"transition, {most:,} validators, half of them vote")]


def _case(validators: int, voters: int, name: str) -> Case:
    state, block = steady_state(made_up_registry(validators), voters)
    contestants = {
        "ours, whole": _fastest(lambda: transition(state, block)),
        "bare work": _fastest(lambda: bare_transition(state, block)),
    }
    goal = "<= 1.5" if validators == VALIDATORS[-1] else ""
    return Case(name, "us", contestants, (Ratio("ours, whole", "bare work", goal),))


def _fastest(work: Callable[[], object]) -> Callable[[], list[float]]:
    def run() -> list[float]:
        taken = []
        for _ in range(_CALLS):
            start = perf_counter_ns()
            work()
            taken.append(perf_counter_ns() - start)
        return [min(taken) / 1000]

    return run
