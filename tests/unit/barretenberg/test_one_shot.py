"""One question to a fresh process: an answer, or a typed error with its last words; never a process that stays."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from kit import bb_cache
from proofplane.barretenberg.generated.barretenberg import Blake2s, ChonkBatchVerify
from proofplane.barretenberg.one_shot import ask, run
from proofplane.barretenberg.setup_errors import NoAnswer
from proofplane.rpc import BadReply, CallFailed

SECONDS = 20.0


def server(folder: Path, script: str) -> Path:
    path = folder / "server"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_the_real_bb_answers_and_says_its_errors(tmp_path: Path) -> None:
    path = bb_cache.bb().path
    assert ask(path, Blake2s(data=b"abc"), tmp_path, SECONDS).hash == hashlib.blake2s(b"abc").digest()
    with pytest.raises(CallFailed, match="no proofs provided"):
        ask(path, ChonkBatchVerify(proofs=[], vks=[]), tmp_path, SECONDS)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo last words >&2; exit 7", "ended with 7: last words"),
        ("exit 7", "ended with 7: it said nothing"),
        ("kill -9 $$", "ended with -9"),
        ("cat >/dev/null", "with 0 bytes, which is no reply"),
        (r"cat >/dev/null; printf '\001\000\000\000\300'", "is no reply"),
        (r"cat >/dev/null; printf '\377\377\377\377\300'", "is no reply"),
        (r"cat >/dev/null; printf '\011\000\000\000\300'", "with 5 bytes, which is no reply"),
    ],
)
def test_what_is_no_answer_is_said_as_what_it_is(tmp_path: Path, script: str, why: str) -> None:
    with pytest.raises(NoAnswer, match=why):
        ask(server(tmp_path, script), Blake2s(data=b""), tmp_path, SECONDS)


def test_an_answer_to_something_else_is_a_bad_reply(tmp_path: Path) -> None:
    with pytest.raises(BadReply, match="answered by Other"):
        ask(server(tmp_path, r"cat >/dev/null; printf '\010\000\000\000\222\245Other\200'"), Blake2s(data=b""), tmp_path, SECONDS)


def test_a_process_that_does_not_end_is_killed_at_the_deadline() -> None:
    with pytest.raises(NoAnswer, match="did not end within 0 s and was killed"):
        run(["sleep", "60"], {}, 0.01)


def test_what_cannot_be_started_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoAnswer, match="absent cannot be started: No such file"):
        run([str(tmp_path / "absent")], {}, SECONDS)
