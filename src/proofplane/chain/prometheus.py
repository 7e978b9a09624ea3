"""Counters, gauges and histograms, and their form in Prometheus' text format (version 0.0.4), for metrics without labels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate


class Metric(ABC):
    """A named time series, or the family of them that makes a histogram."""

    kind: str
    """The type as the format calls it."""

    def __init__(self, name: str, about: str) -> None:
        """`about` is one line without backslashes."""
        self.name = name
        self.about = about

    @abstractmethod
    def samples(self) -> Iterable[tuple[str, float]]:
        """What follows the metric's name, and the value."""


class Counter(Metric):
    """A number that never goes down."""

    kind = "counter"

    def __init__(self, name: str, about: str) -> None:
        super().__init__(name, about)
        self._value = 0.0

    def add(self, number: float) -> None:
        """`number` must not be negative."""
        self._value += number

    def samples(self) -> Iterable[tuple[str, float]]:
        return [("", self._value)]


class Gauge(Metric):
    """A number that goes up and down."""

    kind = "gauge"

    def __init__(self, name: str, about: str) -> None:
        super().__init__(name, about)
        self._value = 0.0

    def set(self, value: float) -> None:
        self._value = value

    def samples(self) -> Iterable[tuple[str, float]]:
        return [("", self._value)]


class Histogram(Metric):
    """How often values fell into buckets."""

    kind = "histogram"

    def __init__(self, name: str, about: str, bounds: Sequence[float]) -> None:
        """`bounds` are the upper, inclusive bounds of the buckets, ascending; one without a bound is added."""
        super().__init__(name, about)
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Counts one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def samples(self) -> Iterable[tuple[str, float]]:
        limits = [*(_number(bound) for bound in self._bounds), "+Inf"]
        for limit, count in zip(limits, accumulate(self._counts), strict=True):
            yield f'_bucket{{le="{limit}"}}', count
        yield "_sum", self._sum
        yield "_count", sum(self._counts)


def text(metrics: Iterable[Metric]) -> str:
    """The metrics in the order given."""
    lines = []
    for metric in metrics:
        lines += [f"# HELP {metric.name} {metric.about}", f"# TYPE {metric.name} {metric.kind}"]
        lines += [f"{metric.name}{suffix} {_number(value)}" for suffix, value in metric.samples()]
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
