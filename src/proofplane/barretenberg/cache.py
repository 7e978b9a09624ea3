"""The user's cache: where files are kept, and how one gets there whole or not at all.

Rules:

1. A file appears under its name complete and durable: written beside it, flushed, renamed, and the folder flushed.
2. Who writes holds the lock of that part of the cache, so leftovers of a killed writer can be removed by the next one.
3. Readers take no lock: they see the old file or the new one.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from proofplane.barretenberg.setup_errors import CacheBusy, CacheFull, CacheUnusable

VARIABLE = "PROOFPLANE_CACHE"
"""Names the cache folder; an empty value is none."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""What the system says when a file cannot grow: no space, over the user's share, over the limit of file sizes."""

_TEMPORARY = ".proofplane-new-"
"""How names of files begin that are still being written."""

_LEFTOVER = re.compile(rf"{re.escape(_TEMPORARY)}.*-[0-9a-f]{{16}}")
"""Exactly such names: the folder may be the user's, and nothing else in it is removed."""

_ELSEWHERE = f"name another folder by {VARIABLE} (points for proving: CRS_PATH)"

_LOCK_PERIOD = 0.02
"""Seconds between two tries for a lock; the kernel cannot wait for one with a deadline."""


def cache_dir(environment: Mapping[str, str]) -> Path:
    """The folder of everything that is fetched or made once a user.

    `PROOFPLANE_CACHE`, else `proofplane` in `XDG_CACHE_HOME` (which counts only if absolute, by its specification), else in `~/.cache`.

    Raises:
        CacheUnusable: The user has no home folder, and neither variable is set.
    """
    if given := environment.get(VARIABLE):
        return Path(given).absolute()
    base = Path(environment.get("XDG_CACHE_HOME", ""))
    if base.is_absolute():
        return base / "proofplane"
    try:
        home = Path(environment["HOME"]) if environment.get("HOME") else Path.home()
    except RuntimeError:
        raise CacheUnusable(f"there is no home folder for the cache: name one by {VARIABLE}") from None
    return home / ".cache" / "proofplane"


@contextmanager
def locked(folder: Path, patience: float) -> Iterator[None]:
    """Makes `folder` (mode 0700) if need be and holds its lock while it is filled; removes what a killed writer left.

    Args:
        folder: A part of the cache, or a CRS directory of the user's.
        patience: Seconds to wait for another process that fills it.

    Raises:
        CacheBusy: The other process took longer.
        CacheUnusable: The folder cannot be made, written or locked.
        CacheFull: There is no room for it.
    """
    with typed_errors(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(fd, folder, patience)
        for left in [path for path in folder.iterdir() if _LEFTOVER.fullmatch(path.name)]:
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
        yield
    finally:
        os.close(fd)  # gives the lock free; so does the process's end, however it comes


def _take(fd: int, folder: Path, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            with typed_errors(folder, passed=BlockingIOError):
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise CacheBusy(f"another process has been filling {folder} for {patience:.0f} s: try again when it is done") from None
            time.sleep(_LOCK_PERIOD)
        else:
            return


@contextmanager
def new_file(path: Path, mode: int) -> Iterator[BinaryIO]:
    """A file to write that takes `path`'s place, with `mode`, when the context ends; after an error nothing of it is left.

    Hold the folder's lock (rule 2). Whoever reads something else meanwhile catches that thing's errors itself: those of the system that
    come out here are taken for this folder's.

    Raises:
        CacheFull: No room.
        CacheUnusable: The folder may not be written.
    """
    temporary = _temporary(path.parent, path.name)
    with typed_errors(path.parent):
        try:
            with temporary.open("xb") as file:
                yield file
                file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            temporary.replace(path)
            flush_folder(path.parent)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """A new folder inside `folder` that is gone when the context ends; after a kill the next holder of the lock removes it."""
    with typed_errors(folder):
        path = _temporary(folder, "folder")
        path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _temporary(folder: Path, name: str) -> Path:
    return folder / f"{_TEMPORARY}{name}-{secrets.token_hex(8)}"


def flush_folder(folder: Path) -> None:
    """Makes names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def typed_errors(folder: Path, passed: type[OSError] | tuple[type[OSError], ...] = ()) -> Iterator[None]:
    """The system's errors about a folder of the cache as ours, `CacheFull` or `CacheUnusable`; those in `passed` stay as they are."""
    try:
        yield
    except passed:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in _FULL:
            raise no_room(folder, reason) from None
        raise CacheUnusable(f"{folder} cannot be filled: {reason}; {_ELSEWHERE}") from None


def no_room(folder: Path, reason: str) -> CacheFull:
    """The error for a folder that cannot take a file, `reason` in the system's words."""
    return CacheFull(f"no room in {folder}: {reason}; nothing was half-written; free some, or {_ELSEWHERE}")
