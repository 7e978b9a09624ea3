"""Drives an echo program, whatever its language: serves with it, calls with it, and passes golden frames through it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "schema" / "golden"

PATIENCE = 60.0
"""Bound on anything that a program does, seconds: far beyond what a loaded machine needs."""

BUILD_SECONDS = 900.0
"""Bound on a build from nothing, seconds: the core in release mode on two busy cores."""

ORDERS = {"plain": "1 2 3 4", "ids": "4 3 2 1"}
"""Tokens in the order in which the replies to Sleep must come, by mode."""


@contextmanager
def served(echo: Path, address: str) -> Iterator[subprocess.Popen[str]]:
    """A server that has said that it is ready."""
    server = subprocess.Popen([echo, "serve", address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        assert server.stdout.readline() == "ready\n"
        yield server
    finally:
        server.kill()
        server.wait()
        server.stdin.close()
        server.stdout.close()


def call(echo: Path, address: str, mode: str) -> tuple[int, str, str]:
    """Exit code, output and error output of a client's script."""
    done = subprocess.run([echo, "call", address, mode], capture_output=True, text=True, timeout=PATIENCE, check=False)
    return done.returncode, done.stdout, done.stderr


def address_of(transport: str, directory: Path, name: str) -> str:
    """An address that no other test has."""
    return str(directory / f"{name}.sock") if transport == "sock" else f"pp-test-{name}-{os.getpid()}.shm"


def left_over(address: str) -> list[Path]:
    """What a server at this address would have left behind."""
    if address.endswith(".shm"):
        return list(Path("/dev/shm").glob(f"{address.removesuffix('.shm')}_*"))
    return list(Path(address).parent.iterdir())


def golden(echo: Path, name: str) -> list[tuple[dict[str, str], str]]:
    """Each frame of a golden file with what the program says to it; reasons without the sentence behind them."""
    rows: list[dict[str, str]] = [json.loads(line) for line in (GOLDEN / name).read_text().splitlines()]
    lines = "".join(f"{row['kind']} {row['hex']}\n" for row in rows)
    done = subprocess.run([echo, "golden"], input=lines, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    said = [" ".join(line.split(" ")[:2]) for line in done.stdout.splitlines()]
    return list(zip(rows, said, strict=True))
