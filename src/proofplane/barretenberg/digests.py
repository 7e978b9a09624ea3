"""Digests of large files, kept for as long as nobody touches the file."""

from __future__ import annotations

import hashlib
import os
import time
from functools import lru_cache
from pathlib import Path

from proofplane.base.ids import Hash32, hash32

_KEPT = 32
"""Digests that are remembered; a process uses three or four."""

_STEP = 50_000_000
"""Nanoseconds: the times of files go on in steps of up to 10 ms, so within one a file may be changed twice and look the same."""

_BLOCK = 1 << 20
"""Bytes that are digested at once."""


def file_sha256(path: Path, size: int | None = None) -> Hash32:
    """The sha256 of a file, or of its first `size` bytes, read anew only if its inode, size or times have changed since.

    Whoever may write the file may also replace it between this look and its use: wrong files are found, their owner is not guarded against.

    Raises:
        OSError: The file cannot be read.
    """
    now = path.stat()
    name = os.fspath(path.absolute())
    if time.time_ns() - max(now.st_mtime_ns, now.st_ctime_ns) < _STEP:
        return _sha256(name, size)
    return _kept_sha256(name, size, now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)


@lru_cache(maxsize=_KEPT)
def _kept_sha256(path: str, size: int | None, *_identity: int) -> Hash32:
    return _sha256(path, size)


def _sha256(path: str, size: int | None) -> Hash32:
    with open(path, "rb") as file:
        if size is None:
            return hash32(hashlib.file_digest(file, "sha256").digest())
        digest = hashlib.sha256()
        while size and (block := file.read(min(size, _BLOCK))):
            digest.update(block)
            size -= len(block)
        return hash32(digest.digest())
