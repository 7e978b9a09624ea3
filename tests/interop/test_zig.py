"""Zig as a user has it: the echo program and the runtime's tests are built by `zig build`, and it calls and is called by Rust."""

import fcntl
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from kit.cargo import built
from kit.echo_program import BUILD_SECONDS, ORDERS, PATIENCE, ROOT, address_of, call, golden, left_over, served

ZIG = ROOT / "bindings" / "zig"

pytestmark = pytest.mark.skipif(find_spec("ziglang") is None or shutil.which("cargo") is None, reason="needs cargo and the package ziglang")


def zig_build(*arguments: str) -> None:
    """Runs `zig build` over the core's static library, under a lock, since test processes run side by side."""
    library = built("libproofplane_capi.a", "--package=proofplane-capi")
    command = [sys.executable, "-m", "ziglang", "build", f"-Dlibrary={library}", *arguments]
    (ZIG / "zig-out").mkdir(exist_ok=True)
    with (ZIG / "zig-out" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(command, cwd=ZIG, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def echo() -> Path:
    zig_build()
    return ZIG / "zig-out" / "bin" / "echo"


@pytest.fixture(scope="module")
def rust_echo() -> Path:
    return built("echo", "--package=proofplane-rpc", "--example=echo")


@pytest.fixture(params=["sock", "shm"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return address_of(request.param, tmp_path, "zig")


@pytest.mark.parametrize("mode", ORDERS)
def test_zig_calls_zig(echo: Path, address: str, mode: str) -> None:
    with served(echo, address):
        assert call(echo, address, mode) == (0, f"order: {ORDERS[mode]}\nok\n", "")


@pytest.mark.parametrize("mode", ORDERS)
def test_zig_calls_rust(echo: Path, rust_echo: Path, address: str, mode: str) -> None:
    with served(rust_echo, address):
        assert call(echo, address, mode) == (0, f"order: {ORDERS[mode]}\nok\n", "")


@pytest.mark.parametrize("mode", ORDERS)
def test_rust_calls_zig(echo: Path, rust_echo: Path, address: str, mode: str) -> None:
    with served(echo, address):
        assert call(rust_echo, address, mode) == (0, f"order: {ORDERS[mode]}\nok\n", "")


@pytest.mark.parametrize("end", ["end of input", "SIGTERM"])
def test_a_server_that_is_asked_to_end_leaves_nothing_behind(echo: Path, address: str, end: str) -> None:
    with served(echo, address) as server:
        assert left_over(address) != []
        if end == "SIGTERM":
            server.send_signal(signal.SIGTERM)
        else:
            assert server.stdin is not None
            server.stdin.close()
        assert server.wait(PATIENCE) == 0
    assert left_over(address) == []


def test_the_runtime_keeps_its_promises_on_every_path_of_a_call(echo: Path) -> None:
    # Debug mode: memory that is not freed, and undefined behaviour, fail the tests.
    zig_build("test")


def test_every_golden_frame_comes_back_as_the_same_bytes(echo: Path) -> None:
    given = golden(echo, "echo.jsonl")
    assert {row["name"]: said for row, said in given} == {row["name"]: row["hex"] for row, _ in given}


def test_every_lenient_frame_comes_back_in_its_canonical_form(echo: Path) -> None:
    given = golden(echo, "echo.lenient.jsonl")
    assert {row["name"]: said for row, said in given} == {row["name"]: row["canonical"] for row, _ in given}


def test_every_refused_frame_is_refused_for_its_reason(echo: Path) -> None:
    given = golden(echo, "echo.refused.jsonl")
    assert {row["name"]: said for row, said in given} == {row["name"]: f"error {row['reason']}" for row, _ in given}


def test_a_call_to_nobody_is_one_line_and_exit_code_1(echo: Path, tmp_path: Path) -> None:
    code, said, complaint = call(echo, str(tmp_path / "nobody.sock"), "plain")
    assert (code, said, len(complaint.splitlines())) == (1, "", 1)
