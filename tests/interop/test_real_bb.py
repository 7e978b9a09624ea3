"""Generated C++, Rust and Zig clients call the real `bb`, over its socket and its shared memory (which wakes nobody but by futex)."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from kit import cargo
from kit.bbjs import binary, running
from kit.echo_builds import CPP, ZIG, require_tools
from kit.echo_program import BUILD_SECONDS, PATIENCE, TRANSPORTS
from kit.generated import ROOT, contract
from proofplane.codegen.generate import generate, language
from proofplane.codegen.language import Sides

PROGRAMS = Path(__file__).parent / "bb_clients"

HEADERS = ROOT / "rust" / "capi" / "include"

ANSWERS = f"""\
blake2s {hashlib.blake2s(b"abc" * 10).hexdigest()}
poseidon2 038682aa1cb5ae4e0a3f13da432a95c77c5c111f6f030faf9cad641ce1ed7383
ChonkBatchVerify: no proofs provided
"""


def core() -> str:
    """The static library beneath C++ and Zig."""
    require_tools("cargo")
    return str(cargo.built("libproofplane_capi.a", "--package=proofplane-capi"))


def cpp(place: Path) -> list[str]:
    require_tools("g++")
    folders = (place / "generated", CPP / "include", HEADERS)
    return ["g++", "-std=c++20", *(f"-I{folder}" for folder in folders), "-o", "client", "main.cpp", core(), "-lpthread", "-ldl", "-lm"]


def rust(place: Path) -> list[str]:
    require_tools("cargo", "rustc")
    built = cargo.build("--package=proofplane-rpc")
    (runtime,) = (path for path in built if path.name.startswith("libproofplane_rpc") and path.suffix == ".rlib")
    search = [f"-Ldependency={path}" for path in (runtime.parent, runtime.parent / "deps")]
    return ["rustc", "--edition=2024", "-oclient", *search, f"--extern=proofplane_rpc={runtime}", "main.rs"]


def zig(place: Path) -> list[str]:
    if find_spec("ziglang") is None:
        pytest.skip("not installed: the package ziglang")
    program = [sys.executable, "-m", "ziglang"]
    header = build([*program, "translate-c", "-lc", str(HEADERS / "proofplane.h")], place)
    (place / "c.zig").write_text(header)
    modules = ["--dep", "proofplane", "-Mroot=main.zig", "--dep", "c", f"-Mproofplane={ZIG / 'src' / 'root.zig'}", "-Mc=c.zig"]
    return [*program, "build-exe", "-femit-bin=client", *modules, core(), "-lc", "-lunwind"]


def build(command: list[str], place: Path) -> str:
    """Runs a compiler in a folder; returns what it printed."""
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=[cpp, rust, zig], ids=lambda build: build.__name__)
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program of one language over the client that is generated from bb's contract."""
    binary("bb")
    compiler: Callable[[Path], list[str]] = request.param
    name = compiler.__name__
    place = tmp_path_factory.mktemp(name)
    (main,) = PROGRAMS.glob({"cpp": "*.cpp", "rust": "*.rs", "zig": "*.zig"}[name])
    shutil.copy(main, place)
    generate(contract("bb"), language(name), Sides(client=True, server=False), place / "generated")
    build(compiler(place), place)
    return place / "client"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_bb_answers_a_generated_client(client: Path, transport: str, tmp_path: Path) -> None:
    with running("bb", transport, tmp_path) as (address, process):
        command = [str(client), address, str(process.pid)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert (done.returncode, done.stdout) == (0, ANSWERS), done.stderr
