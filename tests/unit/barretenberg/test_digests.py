"""Digests are kept for files that nobody touches, and for no others."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from proofplane.barretenberg import digests
from proofplane.barretenberg.digests import file_sha256


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def test_a_beginning_has_its_own_digest(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abcdef")
    assert [file_sha256(path), file_sha256(path, 3), file_sha256(path, 9)] == [sha256(b"abcdef"), sha256(b"abc"), sha256(b"abcdef")]


def test_a_change_within_one_step_of_the_files_times_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"one", b"two", b"six"):
        path.write_bytes(content)
        assert file_sha256(path) == sha256(content)


def test_an_old_file_is_read_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    read: list[str] = []
    real = digests._sha256
    monkeypatch.setattr(digests, "_sha256", lambda name, size: (read.append(name), real(name, size))[1])
    monkeypatch.setattr(digests, "_STEP", 0)
    assert [file_sha256(path) for _ in range(3)] == [sha256(b"one")] * 3
    assert read == [str(path)]
    path.write_bytes(b"three")
    os.utime(path, ns=(1, 1))
    assert file_sha256(path) == sha256(b"three")
    assert len(read) == 2
