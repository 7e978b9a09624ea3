"""A `proofplane` command that kills its own process at a file operation: `crash_first_start.py NUMBER FOLDER WORDS...`."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

_OPERATIONS = frozenset({"os.mkdir", "os.link", "os.remove", "os.rename", "sqlite3.connect"})
"""Audit events of the interpreter; each comes before the operation itself."""


def main() -> None:
    """Runs the command WORDS, up to operation NUMBER, from 1, below FOLDER."""
    left, folder = int(sys.argv[1]), sys.argv[2]

    def hook(event: str, given: tuple[Any, ...]) -> None:
        nonlocal left
        if event in _OPERATIONS and folder in os.fsdecode(given[0]):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    from proofplane.cli.main import run

    sys.exit(run(sys.argv[3:]))


if __name__ == "__main__":
    main()
