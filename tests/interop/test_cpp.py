"""The C++ runtime's own tests, and its decoder under sanitizers."""

import random
import subprocess

import pytest

from kit.echo_builds import make_cpp
from kit.echo_program import PATIENCE, frames, recode

MUTANTS = 20_000
"""Frames of the sanitized run: about ten seconds."""


def test_the_runtime_keeps_its_promises_on_every_path_of_a_call() -> None:
    done = subprocess.run([make_cpp("build") / "runtime_test"], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok ") >= 33


@pytest.mark.slow
def test_no_mutated_frame_makes_the_decoder_read_past_its_end() -> None:
    sanitizers = "-fsanitize=address,undefined -fno-sanitize-recover=all"
    echo = (str(make_cpp("build/sanitized", f"CXXFLAGS=-O1 -g {sanitizers}") / "echo"),)
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
    accepted = [(kind, line) for (kind, _), line in zip(mutants, given, strict=True) if not line.startswith("error ")]
    assert 0 < len(accepted) < MUTANTS
    assert recode(echo, accepted) == [line for _, line in accepted]
