"""The node with the backend `barretenberg` as a user runs it: real headers, the real `bb`, genuine points."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from time import monotonic

from kit import bb_cache

FIRST_HEIGHT = 40_000
"""Of the first header in the file."""

PATIENCE = 60.0
"""Seconds after which something that should have happened counts as not happening; none takes more than a few on an idle machine."""

HEADERS = Path("bitcoin") / "mainnet-headers-40000-49999.raw"
"""The file, within the real inputs."""


def proving(data_dir: Path, data: Path, start: int, until: int) -> tuple[object, ...]:
    """The command that proves headers above `start` up to `until` into `data`, as the issue has it."""
    source = ("--network", "mainnet", "--headers", data_dir / HEADERS, "--first-height", FIRST_HEIGHT)
    return (
        "prove",
        "--backend",
        "barretenberg",
        *source,
        "--from-height",
        start,
        "--until",
        until,
        "--data-dir",
        data,
        "--quiet",
        "--json",
    )


def environment(data_dir: Path) -> dict[str, str]:
    """Where `bb` and its points are; skips the test without the real `bb`."""
    return bb_cache.proving_environment(data_dir)


class Marked:
    """Finds the processes of one node, however they are related to it: they all inherit a mark in their environment."""

    def __init__(self) -> None:
        self._mark = f"BB_TESTS_MARK={uuid.uuid4().hex}"

    def over(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The environment with the mark."""
        name, _, value = self._mark.partition("=")
        return {**environment, name: value}

    def bb(self) -> dict[int, float]:
        """The live `bb` processes: the seconds that each has computed, by process id."""
        return {pid: _computed(pid) for pid, command in self.alive().items() if "msgpack run" in command}

    def wait_until_gone(self) -> None:
        """Returns when none is alive; fails if one stays."""
        patience = monotonic() + PATIENCE
        while found := self.alive():
            assert monotonic() < patience, f"left behind: {found}"

    def alive(self) -> dict[int, str]:
        """The command lines of all processes that have the mark and have not ended."""
        found = {}
        for place in Path("/proc").iterdir():
            if place.name.isdecimal():
                try:
                    if self._mark.encode() in (place / "environ").read_bytes().split(b"\0"):
                        found[int(place.name)] = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue  # it has ended, or is not ours
        return {pid: command for pid, command in found.items() if command and pid != os.getpid()}


def _computed(pid: int) -> float:
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0  # it has just ended
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")
