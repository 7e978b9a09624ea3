"""The progress display of a running node: a live panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from proofplane.node.progress import Progress
from proofplane.service.clock import Clock

_LIVE_PERIOD = 0.25
"""Seconds between two pictures on a terminal."""

_LINE_PERIOD = 5.0
"""Seconds between two lines when the output is no terminal."""

_BAR_WIDTH = 24
"""Characters; with everything else it fits 80 columns."""

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


class _QuietConsole(Console):
    """A console whose reader may go away: it falls silent and never ends the run that it shows."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


class ProgressDisplay:
    """Shows progress on standard error until the context ends."""

    def __init__(self, source: Callable[[], Progress], clock: Clock, console: Console | None = None, quiet: bool = False) -> None:
        self._source = source
        self._clock = clock
        self._console = console or _QuietConsole(stderr=True)
        self._quiet = quiet
        self._meter = RateMeter()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> ProgressDisplay:
        if not self._quiet:
            self._task = asyncio.create_task(self._live() if self._console.is_terminal else self._lines(), name="progress")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            if error is None and not self._console.is_terminal:
                self._console.print(self._line(), soft_wrap=True, highlight=False)

    async def _live(self) -> None:
        with Live(self._panel(), console=self._console, auto_refresh=False) as live:
            try:
                while True:
                    live.update(self._panel(), refresh=True)
                    await self._clock.sleep_until(self._clock.now() + _LIVE_PERIOD)
            finally:
                live.update(self._panel(), refresh=True)

    async def _lines(self) -> None:
        while True:
            self._console.print(self._line(), soft_wrap=True, highlight=False)
            await self._clock.sleep_until(self._clock.now() + _LINE_PERIOD)

    def _panel(self) -> Table:
        progress = self._source()
        rates = self._meter.update(self._clock.now(), progress)
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold")
        table.add_column()
        table.add_column(justify="right", no_wrap=True)
        table.add_column(style="dim", no_wrap=True)
        goal = progress.target_blocks
        tip = progress.tip
        table.add_row(
            "blocks", _bar(progress.blocks, goal), _of(progress.blocks, goal), f"tip {tip.height} …{tip.block_id.display()[-12:]}"
        )
        table.add_row("step proofs", _bar(progress.step_proofs, goal), _of(progress.step_proofs, goal), f"{rates.proofs:,.0f} proofs/s")
        table.add_row(
            "recursive", _bar(progress.recursive_proofs, goal), _of(progress.recursive_proofs, goal), f"{rates.blocks:,.0f} blocks/s"
        )
        table.add_row("queue", "", f"{progress.queued:,} waiting", f"{progress.in_flight:,} in flight, ETA {_duration(rates.eta)}")
        if progress.failed:
            table.add_row("[red]failed[/red]", "", f"{progress.failed:,}", "see proofplane status")
        return table

    def _line(self) -> str:
        progress = self._source()
        rates = self._meter.update(self._clock.now(), progress)
        goal = progress.target_blocks
        failed = f", {progress.failed} failed" if progress.failed else ""
        return (
            f"blocks {_of(progress.blocks, goal)}, step proofs {_of(progress.step_proofs, goal)}, "
            f"recursive {_of(progress.recursive_proofs, goal)}, queue {progress.queued}, in flight {progress.in_flight}{failed}, "
            f"{rates.proofs:.0f} proofs/s, ETA {_duration(rates.eta)}"
        )


def _bar(done: int, goal: int | None) -> ProgressBar | str:
    return "" if not goal else ProgressBar(total=goal, completed=min(done, goal), width=_BAR_WIDTH)


def _of(done: int, goal: int | None) -> str:
    """Done and goal; proofs of orphans are done, too, but the goal is the chain's."""
    return f"{done:,}" if goal is None else f"{min(done, goal):,}/{goal:,}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"
