"""Real Noir programs for tests: compiled and run by Noir's own packages of `tests/interop/noir`, and kept by their sources."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from kit.echo_program import PATIENCE
from kit.generated import ROOT
from kit.kept import kept

PLACE = ROOT / "tests" / "interop" / "noir"

_SCRIPT = PLACE / "program.mjs"


@dataclass(frozen=True, slots=True)
class NoirProgram:
    """What Noir made of a program, as `bb` takes it."""

    bytecode: bytes
    witnesses: tuple[bytes, ...]
    """One for each of the inputs that it was run with."""


def noir_fixture() -> NoirProgram:
    """`programs/squares`, run twice: its public inputs are 25 and 12, then 41 and 20. A few seconds the first time."""
    return noir_program("squares", [{"a": "3", "b": "4", "sum": "25"}, {"a": "5", "b": "4", "sum": "41"}])


def noir_program(name: str, inputs: Sequence[Mapping[str, str]]) -> NoirProgram:
    """A program of `programs/`, compiled and run with each of the inputs.

    Skips the test (and counts it) without Node.js and the packages. Fails if the program refuses an input.
    """
    node = shutil.which("node")
    if node is None or not (PLACE / "node_modules").is_dir():
        pytest.skip("Noir's packages are not installed: run `make setup` with Node.js there")
    package = PLACE / "programs" / name
    sources = [_SCRIPT, PLACE / "package-lock.json", *sorted(path for path in package.rglob("*") if path.is_file())]
    given = json.dumps(inputs)
    folder = kept(
        f"noir-{name}", (given.encode(), *(path.read_bytes() for path in sources)), lambda place: _make(node, package, given, place)
    )
    made = json.loads((folder / "program.json").read_text())
    return NoirProgram(base64.b64decode(made["bytecode"]), tuple(map(base64.b64decode, made["witnesses"])))


def _make(node: str, package: Path, given: str, place: Path) -> None:
    out = place / "program.json"
    done = subprocess.run([node, _SCRIPT, package, out], input=given, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
