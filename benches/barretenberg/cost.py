"""What a run cost: the time that each answer took, and the processor time of everybody who worked for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from measuring import Figures, children_seconds, own_seconds

_PIECES = 10
"""Parts of a measurement, so that a machine of one's own can be told from a shared one (`measuring.report`)."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds for each answer."""

    pieces: Sequence[float]
    """By the clock, in parts that add up to it."""
    ours: float
    """Processor time of this process."""
    theirs: float
    """Processor time of its children."""


class Watch:
    """Runs from when it is made. Processor time is told in steps of 10 ms, so a run should take a second."""

    def __init__(self) -> None:
        self._ours, self._theirs, self._began = own_seconds(), children_seconds(), time.perf_counter()

    def cost(self, ended: Sequence[float]) -> Cost:
        """Takes when each answer came, instants of `time.perf_counter` in any order."""
        ours, theirs, number = own_seconds() - self._ours, children_seconds() - self._theirs, len(ended)
        size = max(1, number // _PIECES)
        marks = [self._began, *sorted(ended)[size - 1 : size * (_PIECES - 1) : size], max(ended)]
        parts = [(after - before) * 1000 / number for before, after in pairwise(marks)]
        return Cost(parts, ours * 1000 / number, theirs * 1000 / number)


def contestants(runs: Mapping[str, Callable[[], Cost]]) -> dict[str, Callable[[], Sequence[float]]]:
    """Each run by the clock, and its processor time by the name that `processor` gives."""
    found: dict[str, Callable[[], Sequence[float]]] = {}
    for name, run in runs.items():
        figures = Figures(_figures(name, run))
        found |= {each: figures.figure(each) for each in (name, processor(name))}
    return found


def processor(name: str) -> str:
    """What the processor time of a contestant is called."""
    return f"{name}: processor"


def _figures(name: str, run: Callable[[], Cost]) -> Callable[[], Mapping[str, Sequence[float]]]:
    def figures() -> Mapping[str, Sequence[float]]:
        cost = run()
        return {name: cost.pieces, processor(name): [cost.ours + cost.theirs]}

    return figures
