"""Builds crates of the workspace for tests, and tells where cargo put them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from kit.echo_program import BUILD_SECONDS
from kit.generated import ROOT


def build(*arguments: str) -> list[Path]:
    """Builds in release mode, as the extension is; returns the files of everything that was asked for and of what it depends on."""
    command = ["cargo", "build", "--release", "--quiet", "--message-format=json", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, "".join(one["message"]["rendered"] for one in messages if one["reason"] == "compiler-message")
    return [Path(file) for one in messages if one["reason"] == "compiler-artifact" for file in one["filenames"]]


def built(name: str, *arguments: str) -> Path:
    """The one file of this name."""
    (path,) = (path for path in build(*arguments) if path.name == name)
    return path
