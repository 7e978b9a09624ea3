"""Rust as a user has it: cargo builds the echo program, which speaks the golden bytes and calls itself over every transport."""

import shutil
import signal
from pathlib import Path

import pytest

from kit.cargo import built
from kit.echo_program import ORDERS, PATIENCE, address_of, call, golden, left_over, served

pytestmark = pytest.mark.skipif(shutil.which("cargo") is None, reason="needs cargo")


@pytest.fixture(scope="module")
def echo() -> Path:
    return built("echo", "--package=proofplane-rpc", "--example=echo")


@pytest.fixture(params=["sock", "shm"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return address_of(request.param, tmp_path, "rust")


@pytest.mark.parametrize("mode", ORDERS)
def test_rust_calls_rust(echo: Path, address: str, mode: str) -> None:
    with served(echo, address):
        assert call(echo, address, mode) == (0, f"order: {ORDERS[mode]}\nok\n", "")


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
