"""The whole contracts of the real servers, generated for Python: they load, and pass the strictest type check."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kit.generated import BOTH, ROOT, contract
from proofplane.codegen.generate import generate, language

MYPY_SECONDS = 300
"""Bound on one type check; it takes some ten seconds without a cache."""


@pytest.mark.parametrize(("name", "commands"), [("bb", 63), ("aztec_wsdb", 30), ("echo", 6)])
def test_a_whole_contract_loads_with_every_command(tmp_path: Path, name: str, commands: int) -> None:
    (path,) = generate(contract(name), language("python"), BOTH, tmp_path)
    program = f"import {path.stem} as module; print(len(module.CONTRACT.methods))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, str(commands)), done.stderr


def test_whole_contracts_pass_mypy_strict_and_ruff(tmp_path: Path) -> None:
    files = [str(path) for name in ("bb", "aztec_wsdb", "echo") for path in generate(contract(name), language("python"), BOTH, tmp_path)]
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}", *files]
    checked = subprocess.run(mypy, cwd=tmp_path, capture_output=True, text=True, timeout=MYPY_SECONDS, check=False)
    assert checked.returncode == 0, checked.stdout
    linted = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--config", str(ROOT / "pyproject.toml"), *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout
