"""How far a running node is, as a picture for the display."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from proofplane.cli.display import Row, bar, duration, of
from proofplane.node.progress import Progress

_RATE_WINDOW = 10.0
"""Seconds over which rates are taken; shorter flickers, longer lags."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Per second, over the last `_RATE_WINDOW` seconds, and what is left at that speed."""

    blocks: float
    proofs: float
    eta: float | None
    """Seconds until everything is proved; None while unknown."""


class RateMeter:
    """Turns a series of progress samples into rates."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, Progress]] = deque()

    def update(self, now: float, progress: Progress) -> Rates:
        """Adds the sample taken at `now` (seconds) and returns the rates up to it."""
        samples = self._samples
        samples.append((now, progress))
        while len(samples) > 2 and samples[1][0] <= now - _RATE_WINDOW:
            samples.popleft()
        then, first = samples[0]
        elapsed = now - then
        if elapsed <= 0:
            return Rates(0.0, 0.0, None)
        proofs = (progress.proofs - first.proofs) / elapsed
        blocks = (progress.recursive_proofs - first.recursive_proofs) / elapsed
        left = progress.expected_proofs - progress.proofs if progress.expected_proofs is not None else None
        return Rates(blocks, proofs, left / proofs if left is not None and proofs > 0 else None)


class NodePicture:
    """Blocks, proofs, rates and what is left; implements `Picture`."""

    def __init__(self, source: Callable[[], Progress]) -> None:
        """`source` is asked for each picture."""
        self._source = source
        self._meter = RateMeter()

    def rows(self, now: float) -> list[Row]:
        """Four rows, and one more if something failed."""
        progress = self._source()
        rates = self._meter.update(now, progress)
        goal, tip = progress.target_blocks, progress.tip
        rows: list[Row] = [
            ("blocks", bar(progress.blocks, goal), of(progress.blocks, goal), f"tip {tip.height} …{tip.block_id.display()[-12:]}"),
            ("step proofs", bar(progress.step_proofs, goal), of(progress.step_proofs, goal), f"{rates.proofs:,.0f} proofs/s"),
            ("recursive", bar(progress.recursive_proofs, goal), of(progress.recursive_proofs, goal), f"{rates.blocks:,.0f} blocks/s"),
            ("queue", "", f"{progress.queued:,} waiting", f"{progress.in_flight:,} in flight, ETA {duration(rates.eta)}"),
        ]
        if progress.failed:
            rows.append(("[red]failed[/red]", "", f"{progress.failed:,}", "see proofplane status"))
        return rows

    def line(self, now: float) -> str:
        """The same numbers."""
        progress = self._source()
        rates = self._meter.update(now, progress)
        goal = progress.target_blocks
        failed = f", {progress.failed} failed" if progress.failed else ""
        return (
            f"blocks {of(progress.blocks, goal)}, step proofs {of(progress.step_proofs, goal)}, "
            f"recursive {of(progress.recursive_proofs, goal)}, queue {progress.queued}, in flight {progress.in_flight}{failed}, "
            f"{rates.proofs:.0f} proofs/s, ETA {duration(rates.eta)}"
        )
