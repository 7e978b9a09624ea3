"""A pytest plugin that prints the table of the echo matrix at the end of a run that tested cells of it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import pytest

from kit.echo_builds import LANGUAGES
from kit.echo_program import ORDERS, TRANSPORTS

CELL = "echo cell"
"""The property under which a test records its cell: server, client, transport, mode."""

_VERDICTS = {"passed": "ok", "skipped": "-", "failed": "RED", "error": "RED"}
_WIDTH = 12


def table(verdicts: dict[tuple[str, ...], str]) -> Iterable[str]:
    """Lines of one table for each transport and mode; a cell that was not run is blank."""
    for transport, mode in product(TRANSPORTS, ORDERS):
        yield ""
        yield f"{transport}, {mode}"
        yield f"{'server / client':<17}" + "".join(f"{client:<{_WIDTH}}" for client in LANGUAGES)
        for server in LANGUAGES:
            cells = (verdicts.get((server, client, transport, mode), "") for client in LANGUAGES)
            yield (f"{server:<17}" + "".join(f"{cell:<{_WIDTH}}" for cell in cells)).rstrip()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Gathers the cells from the reports, also from those of the processes that run tests side by side."""
    verdicts: dict[tuple[str, ...], str] = {}
    for outcome, verdict in _VERDICTS.items():
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", ()):
                if name == CELL:
                    verdicts[tuple(value)] = verdict
    if verdicts:
        terminalreporter.section("echo: every language calls every language")
        for line in table(verdicts):
            terminalreporter.write_line(line)
        good = sum(verdict == "ok" for verdict in verdicts.values())
        terminalreporter.write_line(f"\n{good} of {len(LANGUAGES) ** 2 * len(TRANSPORTS) * len(ORDERS)} cells ok")
