"""Digests of large files, kept for as long as nobody touches the file."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from proofplane.base.ids import Hash32, hash32

_KEPT = 32
"""Files whose digest is remembered; a process uses three or four."""


def file_sha256(path: Path) -> Hash32:
    """The file's sha256, read anew only if its inode, size or times have changed since; raises `OSError`.

    Whoever may write the file may also replace it between this look and its use: wrong files are found, their owner is not guarded against.
    """
    now = path.stat()
    return _sha256(os.fspath(path.absolute()), now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)


@lru_cache(maxsize=_KEPT)
def _sha256(path: str, *_identity: int) -> Hash32:
    with open(path, "rb") as file:
        return hash32(hashlib.file_digest(file, "sha256").digest())
