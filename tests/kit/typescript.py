"""The TypeScript binding for tests: built once a session, skipped (and counted) where Node or its packages are missing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from kit.generated import ROOT

PACKAGE = ROOT / "bindings" / "typescript"
ECHO = PACKAGE / "build" / "examples" / "echo.js"
ADDON = PACKAGE / "native" / "proofplane.node"

BUILD_SECONDS = 300
"""Bound on one run of the compiler, which takes some five seconds on an idle machine."""


def require_node() -> str:
    """The `node` program; skips the test if it or the binding's packages are missing."""
    node = shutil.which("node")
    if node is None or not (PACKAGE / "node_modules").is_dir():
        pytest.skip("the TypeScript binding is not installed: run `npm ci` in bindings/typescript")
    return node


def compile_project(project: Path) -> None:
    """Runs the compiler of the binding on a folder or a configuration file."""
    command = [str(PACKAGE / "node_modules" / ".bin" / "tsc"), "-p", str(project)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    assert done.returncode == 0, done.stdout


def build() -> None:
    """Compiles the runtime and the echo program."""
    for project in (PACKAGE / "tsconfig.json", PACKAGE / "examples" / "tsconfig.json"):
        compile_project(project)
