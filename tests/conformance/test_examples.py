"""The examples that readers start with run as they are printed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from kit.cli_run import here

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_greeter_greets_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, EXAMPLES / "greeter.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert (done.stdout, done.stderr, done.returncode) == ("Hello, world!\n", "", 0)
    assert list(tmp_path.iterdir()) == []


def test_a_lean_chain_is_imported_block_by_block_and_what_is_refused_says_why(tmp_path: Path) -> None:
    made = here("chain", "generate", "--quiet", "--validators", "4", "--slots", "4", "--bad", "3", tmp_path / "chain")
    assert made.code == 0, made

    done = subprocess.run([sys.executable, EXAMPLES / "import_lean.py", tmp_path / "chain"], capture_output=True, text=True, timeout=60)

    said = [line.split(": ")[1].split(",")[0] for line in done.stdout.splitlines()]
    assert done.returncode == 0, done
    assert said.count("imported") == 4
    assert set(said) == {"imported", "already known", "INVALID_BLOCK_PROOF", "STATE_ROOT_MISMATCH", "UNKNOWN_PARENT_BLOCK"}
