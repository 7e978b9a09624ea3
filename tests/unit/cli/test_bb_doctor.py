"""`proofplane bb doctor`: what it prints for people and for programs, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit import bb_cache, toy_ceremony
from proofplane.barretenberg.crs import POINTS_FILE
from proofplane.cli.exits import OK
from proofplane.cli.main import run

REFUSED, NEVER = 1, 4


def test_an_empty_machine_has_the_command_that_mends_it_and_code_four(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("PROOFPLANE_BB", "CRS_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PROOFPLANE_CACHE", str(tmp_path))
    assert run(["bb", "doctor"]) == NEVER
    printed = capsys.readouterr().out
    assert printed.count("proofplane bb setup") == 2
    assert printed.endswith("\nNeither verifying nor proving works.\n")
    assert all(len(line) <= 120 for line in printed.splitlines() if str(tmp_path) not in line)
    assert run(["bb", "doctor", "--json"]) == NEVER
    document = json.loads(capsys.readouterr().out)
    assert (document["verifies"], document["proves"], document["largest_circuit"]) == (False, False, 0)
    assert [finding["ok"] for finding in document["findings"]] == [True, False, False]


def test_another_binary_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bb").write_bytes(b"#!/bin/sh\n")
    monkeypatch.setenv("PROOFPLANE_BB", str(tmp_path / "bb"))
    assert run(["bb", "doctor"]) == REFUSED
    assert "will not be run" in capsys.readouterr().out


def test_verifying_is_enough_for_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    bb_cache.verification_crs()
    for name, value in {**bb_cache.environment(), "CRS_PATH": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    assert run(["bb", "doctor"]) == OK
    assert capsys.readouterr().out.endswith("\nVerifying works; proving does not.\n")


def test_points_that_do_not_suffice_for_the_header_step_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    toy_ceremony.install(monkeypatch)
    bb_cache.verification_crs()
    (tmp_path / POINTS_FILE).write_bytes(toy_ceremony.points(40))
    for name, value in {**bb_cache.environment(), "CRS_PATH": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    assert run(["bb", "doctor"]) == OK
    conclusion = capsys.readouterr().out.partition("\n\n")[2]
    assert conclusion == (
        "Verifying works; proving works for circuits of up to 27 gates, the header step needs 2^15 points:\n"
        "run `proofplane bb setup` (or with --crs-file FILE if you have the points).\n"
    )
    assert run(["bb", "doctor", "--json"]) == OK
    document = json.loads(capsys.readouterr().out)
    assert (document["proves"], document["proves_header_steps"]) == (True, False)
