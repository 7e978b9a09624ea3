"""The real `bb` and `aztec-wsdb` of the npm package `@aztec/bb.js`, started and ended by tests."""

from __future__ import annotations

import importlib.util
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from kit.echo_program import PATIENCE, address_of, left_over
from kit.generated import BOTH, ROOT, contract
from proofplane.codegen.generate import generate, language

PLACE = ROOT / "tests" / "interop" / "bbjs"

_BUILDS = {"x86_64": "amd64-linux", "aarch64": "arm64-linux"}

WSDB_FLAGS = (
    "--tree-heights",
    "{0:42,1:42,2:40,3:36,4:30}",
    "--tree-prefill",
    "{0:128,2:128}",
    "--initial-header-generator-point",
    "4195546849",
)
"""The trees as Aztec has them, so that genesis has the known roots."""


def binary(name: str) -> Path:
    """The program; skips the test (and counts it) if the package is not installed or has none for this machine."""
    path = PLACE / "node_modules" / "@aztec" / "bb.js" / "build" / _BUILDS.get(platform.machine(), "none") / name
    if not path.is_file():
        pytest.skip(f"there is no {name}: run `make setup` with Node.js there, on Linux")
    return path


@contextmanager
def running(name: str, transport: str, directory: Path, *, code: int = 0) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of a real server that has just been started, and the process, which must end by itself with this exit code."""
    address = address_of(transport, directory, f"real-{name}")
    command = [str(binary(name)), "msgpack", "run", "--input", address]
    if name == "aztec-wsdb":
        (directory / "data").mkdir()
        command += [*WSDB_FLAGS, "--data-dir", str(directory / "data")]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield address, process
            assert process.wait(PATIENCE) == code
        finally:
            process.kill()
            left = [path for path in left_over(address) if path.name != "data"]
            for path in left:
                path.unlink()
    assert left == [] or code != 0


def generated(name: str, directory: Path) -> ModuleType:
    """The Python bindings of a contract of `schema/`, as a module."""
    (path,) = generate(contract(name), language("python"), BOTH, directory)
    spec = importlib.util.spec_from_file_location(f"generated_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # what msgspec resolves the annotations in
    spec.loader.exec_module(module)
    return module
