"""The TypeScript binding for tests: built once a run, skipped (and counted) where Node or its packages are missing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from kit.builds import once
from kit.echo_program import BUILD_SECONDS
from kit.generated import ROOT

PACKAGE = ROOT / "bindings" / "typescript"
ECHO = PACKAGE / "build" / "examples" / "echo.js"
ADDON = PACKAGE / "native" / "proofplane.node"


def require_node() -> str:
    """The `node` program; skips the test if it or the binding's packages are missing."""
    node = shutil.which("node")
    if node is None or not (PACKAGE / "node_modules").is_dir():
        pytest.skip("the TypeScript binding is not installed: run `make setup` with Node.js there")
    return node


def require_addon() -> None:
    """Builds the addon that shared memory needs, if there is cargo; skips the test if there is none in the end."""
    if shutil.which("cargo") is not None:
        once("typescript-addon", lambda: _run(["node", str(PACKAGE / "native" / "build.mjs")]))
    if not ADDON.is_file():
        pytest.skip("the addon is not built, and there is no cargo to build it")


def compile_project(project: Path) -> None:
    """Runs the compiler of the binding on a folder or a configuration file."""
    _run([str(PACKAGE / "node_modules" / ".bin" / "tsc"), "-p", str(project)])


def build() -> None:
    """Compiles the runtime, the echo program and the runtime's tests."""
    once("typescript", _build)


def _build() -> None:
    for project in ("tsconfig.json", "examples/tsconfig.json", "test/tsconfig.json"):
        compile_project(PACKAGE / project)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
