"""The entry point: what an error that ends a command becomes."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import click
import pytest

from kit.cli_run import TIMEOUT, here
from kit.lean_directories import small
from proofplane.base.errors import Broken, CallerMistake, NeverAgain, Refused, TryAgain
from proofplane.cli import main as entry
from proofplane.cli.exits import BUG, INTERRUPTED, OK
from proofplane.cli.main import run
from proofplane.service.supervisor import TaskFailed


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_command_runs_without_standard_streams_and_puts_nothing_else_in_their_place(tmp_path: Path, closed: str) -> None:
    place, data = small(tmp_path / "chain"), tmp_path / "data"
    script = f'"$0" -m proofplane chain import "$1" --data-dir "$2" {closed}'
    ended = subprocess.run(["sh", "-c", script, sys.executable, place, data], capture_output=True, text=True, timeout=TIMEOUT, check=False)

    assert (ended.returncode, "Traceback" in ended.stderr) == (OK, False), ended
    assert here("chain", "head", "--data-dir", data, "--json").json()["clock"] == "slot 9, interval 0"


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> dict[str, BaseException | None]:
    """`status` does nothing but raise what is put here under `error`."""
    held: dict[str, BaseException | None] = {"error": None}

    @click.command()
    def status() -> None:
        if held["error"] is not None:
            raise held["error"]

    module = importlib.import_module("proofplane.cli.commands.status")
    monkeypatch.setattr(module, "status", status)
    return held


@pytest.mark.parametrize(
    ("error", "code"),
    [(Refused("x y"), 1), (CallerMistake("x y"), 2), (TryAgain("x y"), 3), (NeverAgain("x y"), 4), (Broken("x y"), 5)],
)
def test_an_error_of_ours_is_one_line_and_its_family_the_code(
    error: Exception, code: int, ending: dict[str, BaseException | None], capsys: pytest.CaptureFixture[str]
) -> None:
    ending["error"] = error

    assert run(["status"]) == code
    assert capsys.readouterr() == ("", "proofplane: x y\n")


def test_of_a_failed_service_the_cause_is_shown(ending: dict[str, BaseException | None], capsys: pytest.CaptureFixture[str]) -> None:
    ending["error"] = TaskFailed("anchor", Refused("bad block"))

    assert run(["status"]) == 1
    assert capsys.readouterr().err == "proofplane: bad block\n"


def test_inside_a_group_and_behind_a_cause_ours_is_found(
    ending: dict[str, BaseException | None], capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = RuntimeError("outer")
    foreign.__cause__ = TryAgain("busy")
    ending["error"] = ExceptionGroup("several", [ValueError("other"), foreign])

    assert run(["status"]) == 3
    assert capsys.readouterr().err == "proofplane: busy\n"


def test_a_bug_says_that_it_is_one_and_where(ending: dict[str, BaseException | None], capsys: pytest.CaptureFixture[str]) -> None:
    ending["error"] = ZeroDivisionError("division by zero")

    assert run(["status"]) == BUG
    message = capsys.readouterr().err
    assert "internal error: ZeroDivisionError: division by zero (test_main.py:" in message
    assert "Traceback" not in message


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.exceptions.Abort()])
def test_an_interrupt_is_silent(error: BaseException, ending: dict[str, BaseException | None], capsys: pytest.CaptureFixture[str]) -> None:
    ending["error"] = error

    assert run(["status"]) == INTERRUPTED
    assert capsys.readouterr().out == ""


def test_a_reader_that_has_seen_enough_is_no_error(ending: dict[str, BaseException | None]) -> None:
    ending["error"] = BrokenPipeError()

    assert run(["status"]) == OK


def test_success_is_zero_and_main_leaves_with_the_code(ending: dict[str, BaseException | None]) -> None:
    with pytest.raises(SystemExit) as good:
        entry.main(["status"])
    ending["error"] = Refused("no")
    with pytest.raises(SystemExit) as bad:
        entry.main(["status"])

    assert (good.value.code, bad.value.code) == (OK, 1)


def test_help_lists_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == OK
    text = capsys.readouterr().out
    for word in ("demo", "prove", "status", "proofs", "chain", "verify-chain", "70 our bug"):
        assert word in " ".join(text.split())


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    from proofplane import __version__

    assert run(["--version"]) == OK
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize("group", [(), ("chain",), ("proofs",), ("codegen",)], ids=" ".join)
def test_help_cuts_no_summary_of_a_command_at_80_columns(group: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = here(*group, "--help").succeeded().out

    assert "Commands:" in shown
    assert "..." not in shown.partition("Commands:")[2]
