"""Drives an echo program, whatever its language: serves with it, calls with it, and passes golden frames through it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kit.generated import ROOT

GOLDEN = ROOT / "schema" / "golden"

PATIENCE = 120.0
"""Bound on anything that a program does, seconds: far beyond what a loaded machine needs."""

BUILD_SECONDS = 900.0
"""Bound on a build from nothing, seconds: the core in release mode on two busy cores."""

ORDERS = {"plain": "1 2 3 4", "ids": "4 3 2 1"}
"""Tokens in the order in which the replies to Sleep must come, by mode."""

TRANSPORTS = ("socket", "shared memory")

Program = tuple[str, ...]
"""The command that starts an echo program, but for its mode."""


@contextmanager
def served(echo: Program, address: str) -> Iterator[subprocess.Popen[str]]:
    """A server that has said that it is ready; killed at the end if it still runs."""
    with subprocess.Popen([*echo, "serve", address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            assert server.stdout.readline() == "ready\n"
            yield server
        finally:
            server.kill()


def end(server: subprocess.Popen[str]) -> int:
    """Ends a server by the end of its input; returns its exit code."""
    assert server.stdin is not None
    server.stdin.close()
    return server.wait(PATIENCE)


def call(echo: Program, address: str, mode: str) -> tuple[int, str, str]:
    """Exit code, output and error output of a client's script."""
    done = subprocess.run([*echo, "call", address, mode], capture_output=True, text=True, timeout=PATIENCE, check=False)
    return done.returncode, done.stdout, done.stderr


def succeeded(mode: str) -> tuple[int, str, str]:
    """What `call` returns when all is well."""
    return 0, f"order: {ORDERS[mode]}\nok\n", ""


def address_of(transport: str, directory: Path, name: str) -> str:
    """An address that no other test has, if `name` is used once."""
    return str(directory / f"{name}.sock") if transport == "socket" else f"pp-test-{name}-{os.getpid()}.shm"


def left_over(address: str) -> list[Path]:
    """What a server at this address would have left behind."""
    if address.endswith(".shm"):
        return list(Path("/dev/shm").glob(f"{address.removesuffix('.shm')}_*"))
    return list(Path(address).parent.iterdir())


def frames(name: str) -> list[dict[str, str]]:
    """The rows of a golden file."""
    return [json.loads(line) for line in (GOLDEN / name).read_text(encoding="utf-8").splitlines()]


def recode(echo: Program, rows: list[tuple[str, str]], **environment: str) -> list[str]:
    """What the golden mode says to each (kind, hex)."""
    lines = "".join(f"{kind} {body}\n" for kind, body in rows)
    done = subprocess.run(
        [*echo, "golden"], input=lines, capture_output=True, text=True, timeout=PATIENCE, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == len(rows)
    return said
