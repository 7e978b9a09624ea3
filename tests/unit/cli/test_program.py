"""What suggested commands call this program."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from proofplane.cli.program import program


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bin").mkdir()
    started = tmp_path / "bin" / "proofplane"
    started.write_text("#!/bin/sh\n")
    started.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    return started


def test_its_name_is_enough_if_a_shell_finds_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(here.parent))
    assert program() == "proofplane"


def test_otherwise_it_is_named_as_it_was_started(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(here), "demo"])
    assert program() == "bin/proofplane"

    (here.parent / "elsewhere").mkdir()
    monkeypatch.chdir(here.parent / "elsewhere")
    assert program() == str(here)


def test_a_module_is_run_by_its_interpreter(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/proofplane/__main__.py"])
    monkeypatch.setattr(sys, "executable", str(here.parent / "python"))
    assert program() == "bin/python -m proofplane"
