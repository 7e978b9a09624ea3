"""Cases, interleaved rounds, and the figures that come of them."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Case:
    """One row of contestants that do the same work, or whose ratio answers a question."""

    name: str
    unit: str
    """Of what a contestant returns; less is better."""
    contestants: dict[str, Callable[[], Sequence[float]]]
    """Each does its work once and returns the parts of it that can be held against those of another round, such as one figure a block."""
    ratios: tuple[Ratio, ...]
    notes: Callable[[], list[str]] = lambda: []
    """Lines to print below the table, once all rounds are done."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """What is asked: one contestant's figure divided by another's."""

    above: str
    below: str
    goal: str
    """In words."""
    scale: float = 1.0
    """What a part of `below` counts."""


@dataclass(slots=True)
class Figures:
    """Everything that one contestant returned, a row a round."""

    rounds: list[Sequence[float]] = field(default_factory=list)

    @property
    def totals(self) -> list[float]:
        """The sum of each round."""
        return [sum(parts) for parts in self.rounds]

    @property
    def median(self) -> float:
        """Of the rounds."""
        return statistics.median(self.totals)

    @property
    def undisturbed(self) -> float:
        """The sum of each part's least over all rounds: what is left when nobody else happened to run."""
        return sum(min(parts) for parts in zip(*self.rounds, strict=True))


Measured = dict[str, dict[str, Figures]]
"""By case and contestant."""


def measure(cases: Sequence[Case], rounds: int) -> Measured:
    """Lets the contestants of each case run in turn, the order turned around in every other round; one round before that warms up."""
    measured: Measured = {case.name: {name: Figures() for name in case.contestants} for case in cases}
    for turn in range(rounds + 1):
        for case in cases:
            names = list(case.contestants)
            for name in names if turn % 2 else reversed(names):
                parts = case.contestants[name]()
                if turn:
                    measured[case.name][name].rounds.append(parts)
        what = f"round {turn} of {rounds}" if turn else "warm"
        print(f"{what}: load {os.getloadavg()[0]:.2f}, {time.strftime('%H:%M:%S')}", file=sys.stderr, flush=True)
    return measured


def report(case: Case, figures: dict[str, Figures]) -> list[str]:
    """A table of the case, with its ratios."""
    lines = [f"\n{case.name}, {case.unit}", f"  {'':24}{'median':>12}{'least':>12}{'most':>12}{'undisturbed':>14}"]
    for name, found in figures.items():
        values = (found.median, min(found.totals), max(found.totals))
        lines.append(f"  {name:24}" + "".join([f"{value:12,.2f}" for value in values]) + f"{found.undisturbed:14,.2f}")
    for ratio in case.ratios:
        above, below = figures[ratio.above], figures[ratio.below]
        by_round = [a / (b * ratio.scale) for a, b in zip(above.totals, below.totals, strict=True)]
        calm = above.undisturbed / (below.undisturbed * ratio.scale)
        name = f"{ratio.above} / {ratio.below}"
        lines.append(f"  {name:48}{statistics.median(by_round):8.2f}, undisturbed {calm:.2f}   ({ratio.goal})")
    return lines + [f"  {line}" for line in case.notes()]
