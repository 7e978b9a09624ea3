"""The prover's child process: how it is started, and that it ends with its input and leaves no key where others see it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from proofplane.crypto.keyfile import load_or_create_key
from proofplane.node.prover_process import command


def test_it_is_this_interpreter_with_key_files_and_no_key_on_its_command_line(tmp_path: Path) -> None:
    key = load_or_create_key(tmp_path / "step.key")

    found = command((tmp_path / "step.key", tmp_path / "moho.key"))

    assert found[0] == sys.executable
    assert "proofplane.node.prover_process" in found
    assert found[-2:] == (str(tmp_path / "step.key"), str(tmp_path / "moho.key"))
    assert key.reveal().hex() not in " ".join(found)


def test_it_ends_with_its_standard_input(tmp_path: Path) -> None:
    load_or_create_key(tmp_path / "step.key")

    done = subprocess.run(command((tmp_path / "step.key",)), input=b"", capture_output=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, b"")


def test_without_its_key_it_ends_in_one_line_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "step.key").write_text("garbage")
    (tmp_path / "step.key").chmod(0o600)

    done = subprocess.run(command((tmp_path / "step.key",)), input=b"", capture_output=True, timeout=60, check=False)

    assert done.returncode != 0
    assert b"Traceback" not in done.stderr


def test_a_key_that_went_missing_is_not_made_anew(tmp_path: Path) -> None:
    subprocess.run(command((tmp_path / "step.key",)), input=b"", capture_output=True, timeout=60, check=False)

    assert not (tmp_path / "step.key").exists()
