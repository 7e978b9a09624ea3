"""Is a file the beginning of the ceremony's points, and getting one that is into a CRS directory.

What is checked, before the file gets its name (1 and 2 before anything is copied):

1. A whole number of points, at least two, that begin with G and xG.
2. The longest beginning whose digest is known (32,769 points at most) has that digest.
3. Every point behind it, for which no digest is pinned here, is on the curve and the secret's multiple of the one before (`powers`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from proofplane.barretenberg import grumpkin
from proofplane.barretenberg.cache import locked, new_file
from proofplane.barretenberg.crs import POINTS_FILE, Crs, known_prefix
from proofplane.barretenberg.points import MAX_POINTS, POINT_SIZE, START
from proofplane.barretenberg.setup_errors import CrsWrong, FileUnreadable

T = TypeVar("T")

PATIENCE = 5.0
"""Seconds to wait for another process that brings points; it may be downloading for long, which a person should be told."""

_BLOCK = 1 << 20
"""Bytes that are copied at once."""

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
    points, known = look(path)
    if known < points:
        from proofplane.barretenberg import powers  # brings the pairing's library, a tenth of a second, which known files do not need

        with path.open("rb") as file:
            powers.check(file, known - 1, points, lambda done: progress("checked", done, points))
    return points


def look(path: Path) -> tuple[int, int]:
    """Rules 1 and 2, which are quick: how many points a file has, and how many of them are pinned; raises what `check_file` does."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(len(START))
    points = size // POINT_SIZE
    if size % POINT_SIZE or not 2 <= points <= MAX_POINTS:
        raise CrsWrong(
            f"{size:,} bytes are no ceremony file: points have {POINT_SIZE} bytes each, and there are 2 to {MAX_POINTS:,} of them"
        )
    if start != START:
        raise CrsWrong("the first two points are not the ceremony's: this is another file, or a setup of another secret")
    return points, known_prefix(path, points)


def look_over(source: Path) -> int:
    """What `look` tells of a file that the user has, before anything is fetched or copied: how many points it has.

    Raises:
        FileUnreadable: It cannot be read.
        CrsWrong: It is not the beginning of the ceremony's points.
    """
    points, _ = _named(source, lambda: look(source))
    return points


def place_file(source: Path, directory: Path, progress: Progress = silent) -> Placed:
    """Copies a file of points that the user has into a CRS directory, checked; one that has at least as many genuine points stays.

    Raises:
        FileUnreadable: `source` cannot be read.
        CrsWrong: It is not the beginning of the ceremony's points.
        CacheFull: No room.
        CacheBusy: Another process is bringing points.
        CacheUnusable: The directory may not be made or written.
    """
    target = directory / POINTS_FILE
    wanted = look_over(source)  # before anything is copied: it may be large, and something else
    if points_in(directory) >= wanted:  # asked before the lock: a directory that needs nothing may be read-only
        _named(source, lambda: check_file(source, progress))  # a wrong file is said to be one, needed or not
        return Placed(target, points_in(directory), fresh=False)
    with locked(directory, PATIENCE):
        present = points_in(directory)
        if present >= wanted:
            return Placed(target, present, fresh=False)
        with new_file(target, 0o644) as new:
            _copy(source, new, wanted, progress)
            points = _named(source, lambda: check_file(Path(new.name), progress))
    return Placed(target, points, fresh=True)


def points_in(directory: Path) -> int:
    """How many genuine points a CRS directory has; 0 if there are none, or what is there is not genuine.

    Points without a pinned digest were checked when they came and count by the file's size.
    """
    try:
        points, _ = look(directory / POINTS_FILE)
    except (OSError, CrsWrong):
        return 0
    return points


def with_grumpkin(directory: Path, verification: Crs) -> None:
    """Gives a CRS directory the Grumpkin file that the verification directory has, unless it is there."""
    if not grumpkin.is_whole(directory):
        with locked(directory, PATIENCE):
            grumpkin.copy(verification.directory, directory)


def _named(source: Path, of: Callable[[], T]) -> T:
    """What `of` returns; its errors with the name of the file that the user gave."""
    try:
        return of()
    except CrsWrong as error:
        raise CrsWrong(f"{source}: {error}") from None
    except OSError as error:
        raise FileUnreadable(f"{source} cannot be read: {error.strerror or error}") from None


def _copy(source: Path, new: BinaryIO, points: int, progress: Progress) -> None:
    """Copies so many points and no more, though the file may have grown since it was looked at."""
    with _named(source, lambda: source.open("rb")) as old:
        left = points * POINT_SIZE
        while block := _named(source, partial(old.read, min(_BLOCK, left))):
            new.write(block)
            left -= len(block)
            progress("copied", points - left // POINT_SIZE, points)
    new.flush()
