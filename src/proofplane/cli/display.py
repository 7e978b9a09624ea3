"""The display of something that runs: a live panel on a terminal, plain lines elsewhere, always on standard error."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from proofplane.service.clock import Clock

_LIVE_PERIOD = 0.25
"""Seconds between two pictures on a terminal."""

_LINE_PERIOD = 5.0
"""Seconds between two lines when the output is no terminal."""

_BAR_WIDTH = 24
"""Characters; with everything else it fits 80 columns."""

Row = tuple[RenderableType, RenderableType, RenderableType, RenderableType]
"""What it is about, a bar, a number, a remark."""


class Picture(Protocol):
    """Something to be shown; asked again and again."""

    def rows(self, now: float) -> list[Row]:
        """Rows of the panel at `now` (seconds of the display's clock)."""

    def line(self, now: float) -> str:
        """The same as one line without a line break."""


class _QuietConsole(Console):
    """A console whose reader may go away: it falls silent and never ends the run that it shows."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


class Display:
    """Shows pictures, one below the other or in one line, until the context ends."""

    def __init__(self, pictures: Sequence[Picture], clock: Clock, console: Console | None = None, quiet: bool = False) -> None:
        self._pictures = pictures
        self._clock = clock
        self._console = console or _QuietConsole(stderr=True)
        self._quiet = quiet
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Display:
        if not self._quiet:
            self._task = asyncio.create_task(self._live() if self._console.is_terminal else self._lines(), name="display")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            if error is None and not self._console.is_terminal:
                self._print_line()

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
            self._print_line()
            await self._clock.sleep_until(self._clock.now() + _LINE_PERIOD)

    def _print_line(self) -> None:
        now = self._clock.now()
        self._console.print(" | ".join([picture.line(now) for picture in self._pictures]), soft_wrap=True, highlight=False)

    def _panel(self) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold")
        table.add_column()
        table.add_column(justify="right", no_wrap=True)
        table.add_column(style="dim", no_wrap=True)
        now = self._clock.now()
        for picture in self._pictures:
            for row in picture.rows(now):
                table.add_row(*row)
        return table


def bar(done: int, goal: int | None) -> RenderableType:
    """A bar; nothing without a goal."""
    return "" if not goal else ProgressBar(total=goal, completed=min(done, goal), width=_BAR_WIDTH)


def of(done: int, goal: int | None) -> str:
    """Done and goal; what is beyond the goal does not count."""
    return f"{done:,}" if goal is None else f"{min(done, goal):,}/{goal:,}"


def duration(seconds: float | None) -> str:
    """Minutes and seconds; a dash if unknown."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"
