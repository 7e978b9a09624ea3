"""Runs of the crash tests' node in a process of its own, to the end or to the commit point that it dies at."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from kit import crash_node
from kit.crash_chain import write_keys
from kit.crash_processes import PATIENCE, wait_until_gone

_SCRIPT = Path(crash_node.__file__)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run to the end told."""

    points: Counter[tuple[str, str]]
    """Commit points passed, by site and phase."""
    shared_memory: list[str]
    """What its processes had mapped of it."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """A job that a prover was handed."""

    process: int
    """Id of the node's process."""
    job_key: bytes
    proof_key: bytes


@dataclass(frozen=True, slots=True)
class CrashSite:
    """A data directory and the journal of everything that its nodes have handed to a prover."""

    data_dir: Path
    journal: Path

    @classmethod
    def new(cls, folder: Path) -> CrashSite:
        """A data directory with nothing but the fixed keys."""
        write_keys(folder / "data")
        return cls(folder / "data", folder / "journal")

    def run(self, *options: str) -> Ran:
        """Runs a node that ends by itself."""
        code, told = self._start(options)
        assert code == 0, told
        document = json.loads(told)
        return Ran(Counter({(site, phase): number for site, phase, number in document["points"]}), document["shared_memory"])

    def die(self, *options: str) -> None:
        """Runs a node that dies at a commit point; its children are gone afterwards."""
        code, told = self._start(options)
        assert code == -signal.SIGKILL, f"it was to be killed, and ended with {code}: {told}"
        wait_until_gone(self.data_dir)

    def die_or_run(self, *options: str) -> bool:
        """Runs a node that may die or get to the end; returns whether it died."""
        code, told = self._start(options)
        assert code in (0, -signal.SIGKILL), told
        wait_until_gone(self.data_dir)
        return code != 0

    def handed_over(self) -> list[HandOver]:
        """The journal, in order."""
        if not self.journal.exists():
            return []
        words = [line.split() for line in self.journal.read_text().splitlines()]
        return [HandOver(int(process), bytes.fromhex(job), bytes.fromhex(proof)) for process, job, proof in words]

    def _start(self, options: tuple[str, ...]) -> tuple[int, str]:
        """The exit code, and the output, or if there is none the errors."""
        command = [sys.executable, str(_SCRIPT), str(self.data_dir), str(self.journal), *options]
        path = os.pathsep.join(filter(None, (str(_SCRIPT.parent.parent), os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=environment, check=False)
        return done.returncode, done.stdout or done.stderr


def at(site: str, phase: str, number: int) -> tuple[str, ...]:
    """The options that let a node die at a commit point."""
    return ("--site", site, "--phase", phase, "--number", str(number))
