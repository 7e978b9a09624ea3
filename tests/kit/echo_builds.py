"""The echo program of each language, built as a user of that language builds it; skipped (and counted) where its tools are missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from kit import cargo, typescript
from kit.builds import once
from kit.echo_program import BUILD_SECONDS, Program
from kit.generated import ECHO_FOLDERS, ROOT

LANGUAGES = tuple(ECHO_FOLDERS)

CPP = ROOT / "bindings" / "cpp"
ZIG = ROOT / "bindings" / "zig"


@cache
def echo_program(language: str) -> Program:
    """The command that runs the language's echo program, built if need be."""
    match language:
        case "python":
            return sys.executable, str(ROOT / "examples" / "echo.py")
        case "cpp":
            return (str(make_cpp("build") / "echo"),)
        case "rust":
            require_tools("cargo")
            return (str(cargo.built("echo", "--package=proofplane-rpc", "--example=echo")),)
        case "zig":
            zig_build()
            return (str(ZIG / "zig-out" / "bin" / "echo"),)
        case "typescript":
            node = typescript.require_node()
            typescript.build()
            typescript.require_addon()
            return node, str(typescript.ECHO)
    raise AssertionError(f"there is no echo program in {language}")


def require_tools(*programs: str) -> None:
    """Skips the test if one of these programs is not there."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def make_cpp(directory: str, *settings: str) -> Path:
    """Everything that the C++ Makefile builds, in a directory of its own; `settings` are `NAME=VALUE`."""
    require_tools("g++", "make", "cargo")
    once(f"cpp-{directory.replace('/', '-')}", lambda: _run(["make", "-C", str(CPP), f"BUILD={directory}", *settings], CPP))
    return CPP / directory


def zig_build(*steps: str) -> None:
    """Runs `zig build` over the core's static library."""
    if find_spec("ziglang") is None:
        pytest.skip("not installed: the package ziglang")
    require_tools("cargo")
    library = cargo.built("libproofplane_capi.a", "--package=proofplane-capi")
    command = [sys.executable, "-m", "ziglang", "build", f"-Dlibrary={library}", *steps]
    once("-".join(("zig", *steps)), lambda: _run(command, ZIG))


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
