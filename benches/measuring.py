"""Cases, interleaved rounds, and the figures that come of them.

The machine may be shared. So every turn of a case also measures how much processor time went to others, and if enough turns had the
machine nearly for themselves, only these count; how many is printed.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

QUIET = 0.1
"""Cores' worth of other people's work up to which a turn counts as quiet."""

ENOUGH = 3
"""Quiet turns from which on the others do not count."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """What is asked: one contestant's figure divided by another's."""

    above: str
    below: str
    goal: str
    """In words; may be empty."""


@dataclass(frozen=True, slots=True)
class Case:
    """Contestants that do the same work, or whose ratio answers a question."""

    name: str
    unit: str
    """Of what a contestant returns; less is better."""
    contestants: Mapping[str, Callable[[], Sequence[float]]]
    """Each does its work once and returns its parts, which add up to its figure: one a block, say. They are the same in every turn."""
    ratios: tuple[Ratio, ...]
    notes: Callable[[], list[str]] = list
    """Lines to print below the table, once all rounds are done."""


class Figures:
    """Figures that come of the same run, each a contestant of its own: in a round the first that is asked for has it run."""

    def __init__(self, run: Callable[[], Mapping[str, Sequence[float]]]) -> None:
        """`run` gives the parts of every figure by its name."""
        self._run = run
        self._left: dict[str, Sequence[float]] = {}

    def figure(self, name: str) -> Callable[[], Sequence[float]]:
        """The contestant."""

        def take() -> Sequence[float]:
            if name not in self._left:
                self._left = dict(self._run())
            return self._left.pop(name)

        return take


@dataclass(frozen=True, slots=True)
class Turn:
    """What the contestants of a case returned in one round."""

    parts: Mapping[str, Sequence[float]]
    """By contestant."""
    others: float
    """Cores that others kept busy meanwhile."""


def measure(cases: Sequence[Case], rounds: int) -> dict[str, list[Turn]]:
    """Lets the contestants of each case run in turn, their order turned around in every other round; a round before that warms up."""
    measured: dict[str, list[Turn]] = {case.name: [] for case in cases}
    for number in range(rounds + 1):
        for case in cases:
            names = list(case.contestants)
            others = _OthersWatch()
            parts = {name: case.contestants[name]() for name in (names if number % 2 else reversed(names))}
            if number:
                measured[case.name].append(Turn(parts, others.cores()))
        what = f"round {number} of {rounds}" if number else "warm"
        print(f"{what}: load {os.getloadavg()[0]:.2f}, {time.strftime('%H:%M:%S')}", file=sys.stderr, flush=True)
    return measured


def report(case: Case, turns: Sequence[Turn]) -> list[str]:
    """A table of the case, with its ratios. The ratio is the median of the turns' own ratios.

    "Undisturbed" adds up the least that each part took in any turn; between two contestants it says what a machine of one's own would.
    """
    quiet = [turn for turn in turns if turn.others <= QUIET]
    counted = quiet if len(quiet) >= ENOUGH else turns
    busy = statistics.median([turn.others for turn in turns])
    lines = [
        f"\n{case.name}, {case.unit} ({len(quiet)} of {len(turns)} turns were quiet, {len(counted)} count; others took {busy:.2f} cores)",
        f"  {'':38}{'median':>12}{'least':>12}{'most':>12}{'undisturbed':>14}",
    ]
    totals = {name: [sum(turn.parts[name]) for turn in counted] for name in case.contestants}
    calm = {name: sum(min(parts) for parts in zip(*[turn.parts[name] for turn in turns], strict=True)) for name in case.contestants}
    for name, values in totals.items():
        columns = (statistics.median(values), min(values), max(values))
        lines.append(f"  {name:38}" + "".join([f"{value:12,.2f}" for value in columns]) + f"{calm[name]:14,.2f}")
    for ratio in case.ratios:
        by_turn = [above / below for above, below in zip(totals[ratio.above], totals[ratio.below], strict=True)]
        goal = f"   (goal {ratio.goal})" if ratio.goal else ""
        undisturbed = calm[ratio.above] / calm[ratio.below]
        lines.append(f"  {ratio.above} / {ratio.below} = {statistics.median(by_turn):.2f}, undisturbed {undisturbed:.2f}{goal}")
    return lines + [f"  {line}" for line in case.notes()]


def own_seconds() -> float:
    """Processor time of this process."""
    return time.process_time()


def children_seconds() -> float:
    """Processor time of this process's children, those that live and those that have ended, and of their children that have ended."""
    used = os.times()
    return used.children_user + used.children_system + sum(_living_children())


class _OthersWatch:
    """Measures what other processes do, from when it is made; always none where the kernel does not tell."""

    def __init__(self) -> None:
        self._all, self._own, self._since = _busy_seconds(), own_seconds() + children_seconds(), time.perf_counter()

    def cores(self) -> float:
        """On average."""
        took = time.perf_counter() - self._since
        own = own_seconds() + children_seconds()
        return max(0.0, (_busy_seconds() - self._all) - (own - self._own)) / took


def _busy_seconds() -> float:
    """Processor time of everybody since the machine was started, with what the machine's host took away."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    except OSError:
        return 0.0
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts, stolen = map(int, fields)
    return (user + nice + system + interrupts + soft_interrupts + stolen) / os.sysconf("SC_CLK_TCK")


def _living_children() -> Iterator[float]:
    """Seconds of each; one that has ended and was not waited for is among them. None where the kernel does not tell."""
    own = str(os.getpid()).encode()
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = place.read_bytes().rpartition(b")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if fields[1] == own:
            yield sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
