"""Is a file the beginning of the ceremony's points, and getting one that is into a CRS directory.

What is checked, before the file gets its name:

1. A whole number of points, at least two, that begin with G and xG.
2. The longest beginning whose digest is known (32,769 points at most) has that digest.
3. Every point behind it, for which no digest is pinned here, is on the curve and the secret's multiple of the one before (`powers`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from proofplane.barretenberg import grumpkin
from proofplane.barretenberg.cache import locked, new_file
from proofplane.barretenberg.crs import POINTS_FILE, Crs
from proofplane.barretenberg.points import KNOWN, MAX_POINTS, POINT_SIZE, START
from proofplane.barretenberg.setup_errors import CrsWrong, FileUnreadable

PATIENCE = 5.0
"""Seconds to wait for another process that brings points; it may be downloading for long, which a person should be told."""

_BLOCK = 1 << 20
"""Bytes that are copied or digested at once."""

Progress = Callable[[str, int, int], None]
"""Told what is done ("copied", "downloaded", "checked"), how many points of how many."""


def silent(_what: str, _done: int, _goal: int) -> None:
    """A `Progress` that shows nothing."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What came of bringing points."""

    path: Path
    points: int
    fresh: bool
    """Whether the file is new; False: there were as many points already."""


def check_file(path: Path, progress: Progress = silent) -> int:
    """Checks that a file is the beginning of the ceremony's points and returns how many it has.

    Raises:
        CrsWrong: It is not.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        points = size // POINT_SIZE
        if size % POINT_SIZE or not 2 <= points <= MAX_POINTS:
            raise CrsWrong(
                f"{size:,} bytes are no ceremony file: points have {POINT_SIZE} bytes each, and there are 2 to {MAX_POINTS:,} of them"
            )
        if file.read(len(START)) != START:
            raise CrsWrong("the first two points are not the ceremony's: this is another file, or a setup of another secret")
        known = known_prefix(file, points)
        if known < points:
            from proofplane.barretenberg import powers  # brings the pairing's library, a tenth of a second, which known files do not need

            powers.check(file, known - 1, points, lambda done: progress("checked", done, points))
    return points


def known_prefix(file: BinaryIO, points: int) -> int:
    """How many points at the beginning of a file of so many are pinned by their digest, which is checked; raises `CrsWrong`."""
    prefix = max((prefix for prefix in KNOWN if prefix.points <= points), key=lambda prefix: prefix.points, default=None)
    if prefix is None:
        return min(points, len(START) // POINT_SIZE)
    file.seek(0)
    digest = hashlib.sha256()
    left = prefix.points * POINT_SIZE
    while left and (block := file.read(min(left, _BLOCK))):
        digest.update(block)
        left -= len(block)
    if digest.digest() != prefix.sha256:
        raise CrsWrong(f"the first {prefix.points:,} points are not the ceremony's: their sha256 is {digest.hexdigest()}")
    return prefix.points


def place_file(source: Path, directory: Path, progress: Progress = silent) -> Placed:
    """Copies a file of points that the user has into a CRS directory, checked; one that has at least as many genuine points stays.

    Raises:
        FileUnreadable: `source` cannot be read.
        CrsWrong: It is not the beginning of the ceremony's points.
        CacheFull: No room.
        CacheBusy: Another process is bringing points.
        CacheUnusable: The directory may not be made or written.
    """
    try:
        old = source.open("rb")
    except OSError as error:
        raise FileUnreadable(f"{source} cannot be read: {error.strerror or error}") from None
    target = directory / POINTS_FILE
    with old:
        size = os.fstat(old.fileno()).st_size
        if points_in(directory) * POINT_SIZE >= size:  # asked before the lock: a directory that needs nothing may be read-only
            _check(source, progress)  # a wrong file is said to be one, needed or not
            return Placed(target, points_in(directory), fresh=False)
        with locked(directory, PATIENCE):
            present = points_in(directory)
            if present * POINT_SIZE >= size:
                return Placed(target, present, fresh=False)
            with new_file(target, 0o644) as new:
                _copy(old, new, source, progress)
                points = _check(Path(new.name), progress, source)
    return Placed(target, points, fresh=True)


def points_in(directory: Path) -> int:
    """How many genuine points a CRS directory has; 0 if there are none, or what is there is not genuine.

    Points without a pinned digest were checked when they came and count by the file's size.
    """
    try:
        with (directory / POINTS_FILE).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size % POINT_SIZE or file.read(len(START)) != START:
                return 0
            known_prefix(file, size // POINT_SIZE)
            return size // POINT_SIZE
    except (OSError, CrsWrong):
        return 0


def with_grumpkin(directory: Path, verification: Crs) -> None:
    """Gives a CRS directory the Grumpkin file that the verification directory has, unless it is there."""
    if not grumpkin.is_whole(directory):
        with locked(directory, PATIENCE):
            grumpkin.copy(verification.directory, directory)


def _check(path: Path, progress: Progress, source: Path | None = None) -> int:
    try:
        return check_file(path, progress)
    except CrsWrong as error:
        raise CrsWrong(f"{source or path}: {error}") from None
    except OSError as error:
        raise FileUnreadable(f"{source or path} cannot be read: {error.strerror or error}") from None


def _copy(old: BinaryIO, new: BinaryIO, source: Path, progress: Progress) -> None:
    goal = os.fstat(old.fileno()).st_size // POINT_SIZE
    done = 0
    while True:
        try:
            block = old.read(_BLOCK)
        except OSError as error:  # the reader's fault, not the cache's
            raise FileUnreadable(f"{source} cannot be read: {error.strerror or error}") from None
        if not block:
            break
        new.write(block)
        done += len(block)
        progress("copied", done // POINT_SIZE, goal)
    new.flush()
