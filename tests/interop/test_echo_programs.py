"""What every language's echo program does alike: it speaks the golden bytes, ends when asked, and survives clients that vanish."""

from __future__ import annotations

import signal
import socket
import struct
from pathlib import Path

import pytest

from kit.echo_builds import LANGUAGES, echo_program
from kit.echo_program import PATIENCE, TRANSPORTS, Program, address_of, call, end, frames, left_over, recode, served, succeeded
from proofplane.wire.envelopes import write_request

EXACT = ("cpp", "rust", "zig")
"""Languages whose golden mode names the reason of a refusal; the others answer a sentence."""

VANISHED = 50
"""Clients that close while their reply is made: enough that the server writes to some of them after their end."""


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def echo(language: str) -> Program:
    return echo_program(language)


def said_to(echo: Program, name: str) -> tuple[list[dict[str, str]], dict[str, str]]:
    """The rows of a golden file, and what the program says, by a row's name."""
    rows = frames(name)
    said = recode(echo, [(row["kind"], row["hex"]) for row in rows])
    return rows, dict(zip((row["name"] for row in rows), said, strict=True))


def test_every_golden_frame_comes_back_as_the_same_bytes(echo: Program) -> None:
    rows, said = said_to(echo, "echo.jsonl")
    assert said == {row["name"]: row["hex"] for row in rows}
    assert len(rows) >= 40


def test_every_lenient_frame_comes_back_in_its_canonical_form(echo: Program) -> None:
    rows, said = said_to(echo, "echo.lenient.jsonl")
    assert said == {row["name"]: row["canonical"] for row in rows}


def test_every_refused_frame_is_refused(echo: Program, language: str) -> None:
    rows, said = said_to(echo, "echo.refused.jsonl")
    words = 2 if language in EXACT else 1
    given = {name: " ".join(answer.split(" ")[:words]) for name, answer in said.items()}
    assert given == {row["name"]: f"error {row['reason']}" if language in EXACT else "error" for row in rows}


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("by", ["end of input", "SIGTERM"])
def test_a_server_that_is_asked_to_end_leaves_nothing_behind(echo: Program, language: str, transport: str, by: str, tmp_path: Path) -> None:
    address = address_of(transport, tmp_path, f"end-{language}")
    with served(echo, address) as server:
        assert left_over(address) != []
        if by == "SIGTERM":
            server.send_signal(signal.SIGTERM)
            assert server.wait(PATIENCE) == 0
        else:
            assert end(server) == 0
    assert left_over(address) == []


def test_a_client_that_cannot_connect_says_so_in_one_line(echo: Program) -> None:
    code, said, complaint = call(echo, "an address of no known kind", "plain")
    assert (code, said, len(complaint.splitlines())) == (1, "", 1)


def packed_bytes(size: int) -> bytes:
    """The body's payload of EchoBytes with so many bytes."""
    return b"\x81\xa4data\xc6" + struct.pack(">I", size) + bytes(size)


def test_a_server_survives_clients_that_vanish_before_their_reply(echo: Program, language: str, tmp_path: Path) -> None:
    address = address_of("socket", tmp_path, f"vanish-{language}")
    body = write_request("EchoBytes", packed_bytes(100_000), None)
    frame = struct.pack("<I", len(body)) + body
    with served(echo, address) as server:
        for number in range(VANISHED):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(address)
                if number % 2:
                    # Deaf before it asks: the server's first write fails, whatever the two processes' pace.
                    client.shutdown(socket.SHUT_RD)
                client.sendall(frame)
        assert call(echo, address, "plain") == succeeded("plain")
        assert end(server) == 0
