"""C++ as a user has it: the echo program is built by its Makefile, speaks the golden bytes, and calls itself over every transport."""

import fcntl
import json
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CPP = ROOT / "bindings" / "cpp"
GOLDEN = ROOT / "schema" / "golden"

START_SECONDS = 60.0
"""Bound on anything the programs do: far beyond what a loaded machine needs."""

BUILD_SECONDS = 900.0
"""Bound on a build from nothing: the core in release mode and four C++ files, on two busy cores."""

MUTANTS = 20_000
"""Frames of the sanitized run: about ten seconds."""

pytestmark = pytest.mark.skipif(not all(map(shutil.which, ("g++", "make", "cargo"))), reason="needs g++, make and cargo")


def build(directory: str, *settings: str) -> Path:
    """Builds under a lock, since test processes run side by side."""
    (CPP / "build").mkdir(exist_ok=True)
    with (CPP / "build" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            ["make", "-C", str(CPP), f"BUILD={directory}", *settings], capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
        )
    assert done.returncode == 0, done.stderr
    return CPP / directory


@pytest.fixture(scope="session")
def built() -> Path:
    return build("build")


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


@pytest.fixture(params=["sock", "shm"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "echo.sock") if request.param == "sock" else f"pp-test-cpp-{os.getpid()}.shm"


def left_over(address: str) -> list[Path]:
    """What a server at this address would have left behind."""
    if address.endswith(".shm"):
        return list(Path("/dev/shm").glob(f"{address.removesuffix('.shm')}_*"))
    return list(Path(address).parent.iterdir())


@pytest.mark.parametrize(("mode", "order"), [("plain", "1 2 3 4"), ("ids", "4 3 2 1")])
def test_cpp_calls_cpp(built: Path, address: str, mode: str, order: str) -> None:
    with served(built / "echo", address):
        called = subprocess.run([built / "echo", "call", address, mode], capture_output=True, text=True, timeout=START_SECONDS, check=False)
    assert (called.returncode, called.stdout, called.stderr) == (0, f"order: {order}\nok\n", "")


@pytest.mark.parametrize("end", ["end of input", "SIGTERM"])
def test_a_server_that_is_asked_to_end_leaves_nothing_behind(built: Path, address: str, end: str) -> None:
    with served(built / "echo", address) as server:
        assert left_over(address) != []
        if end == "SIGTERM":
            server.send_signal(signal.SIGTERM)
        else:
            assert server.stdin is not None
            server.stdin.close()
        assert server.wait(START_SECONDS) == 0
    assert left_over(address) == []


def test_the_runtime_keeps_its_promises_on_every_path_of_a_call(built: Path) -> None:
    done = subprocess.run([built / "runtime_test"], capture_output=True, text=True, timeout=START_SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok ") == 27


def frames(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (GOLDEN / name).read_text().splitlines()]


def recode(echo: Path, rows: list[tuple[str, str]], **environment: str) -> list[str]:
    """What the golden mode says to each (kind, hex)."""
    lines = "".join(f"{kind} {body}\n" for kind, body in rows)
    done = subprocess.run(
        [echo, "golden"], input=lines, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_every_golden_frame_comes_back_as_the_same_bytes(built: Path) -> None:
    rows = frames("echo.jsonl")
    given = recode(built / "echo", [(row["kind"], row["hex"]) for row in rows])
    assert dict(zip((row["name"] for row in rows), given, strict=True)) == {row["name"]: row["hex"] for row in rows}


def test_every_lenient_frame_comes_back_in_its_canonical_form(built: Path) -> None:
    rows = frames("echo.lenient.jsonl")
    given = recode(built / "echo", [(row["kind"], row["hex"]) for row in rows])
    assert dict(zip((row["name"] for row in rows), given, strict=True)) == {row["name"]: row["canonical"] for row in rows}


def test_every_refused_frame_is_refused_for_its_reason(built: Path) -> None:
    rows = frames("echo.refused.jsonl")
    given = recode(built / "echo", [(row["kind"], row["hex"]) for row in rows])
    reasons = [" ".join(line.split(" ")[:2]) for line in given]
    assert dict(zip((row["name"] for row in rows), reasons, strict=True)) == {row["name"]: f"error {row['reason']}" for row in rows}


@pytest.mark.slow
def test_no_mutated_frame_makes_the_decoder_read_past_its_end() -> None:
    sanitizers = "-fsanitize=address,undefined -fno-sanitize-recover=all"
    echo = build("build/sanitized", f"CXXFLAGS=-O1 -g {sanitizers}") / "echo"
    seeds = [(row["kind"], bytes.fromhex(row["hex"])) for name in ("echo.jsonl", "echo.lenient.jsonl") for row in frames(name)]
    chance = random.Random(24198)
    mutants: list[tuple[str, str]] = []
    for _ in range(MUTANTS):
        kind, seed = chance.choice([seed for seed in seeds if len(seed[1]) < 2000])
        body = bytearray(seed)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(body) + 1)
            match chance.randrange(3):
                case 0:
                    body[at:] = b""
                case 1:
                    body[at : at + 1] = bytes([chance.choice((0, 0x7F, 0x80, 0xC0, 0xC1, 0xC6, 0xCF, 0xDB, 0xDD, 0xDF, 0xFF))])
                case _:
                    body[at:at] = chance.randbytes(chance.randint(1, 9))
        mutants.append((kind, body.hex()))
    given = recode(echo, mutants, ASAN_OPTIONS="allocator_may_return_null=0:max_allocation_size_mb=256")
    assert len(given) == MUTANTS
    accepted = [(kind, line) for (kind, _), line in zip(mutants, given, strict=True) if not line.startswith("error ")]
    assert 0 < len(accepted) < MUTANTS
    assert recode(echo, accepted) == [line for _, line in accepted]
