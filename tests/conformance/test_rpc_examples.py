"""The examples that readers start with run as they are printed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_greeter_greets_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, EXAMPLES / "greeter.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert (done.stdout, done.stderr, done.returncode) == ("Hello, world!\n", "", 0)
    assert list(tmp_path.iterdir()) == []
