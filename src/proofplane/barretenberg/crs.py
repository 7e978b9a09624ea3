"""CRS directories: the ceremony's points where `bb` looks for them, looked over before it starts.

`bb` that finds too few points asks the network and stalls for seconds, so every use says first how many it needs (`require`).
Verifying needs one point and the Grumpkin file, both of which this machine makes itself (`verification_crs`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from proofplane.barretenberg import grumpkin
from proofplane.barretenberg.binary import Binary, find_binary
from proofplane.barretenberg.cache import cache_dir, locked, new_file
from proofplane.barretenberg.digests import file_sha256
from proofplane.barretenberg.points import DEFAULT_POINTS, G_BYTES, KNOWN, POINT_SIZE, START, more_points
from proofplane.barretenberg.setup_errors import CrsMissing, CrsTooSmall, CrsWrong

VARIABLE = "CRS_PATH"
"""Names the directory of the ceremony's points, as `bb` itself knows it; an empty value is none."""

POINTS_FILE = "bn254_g1.dat"
"""What `bb` calls the points in a CRS directory."""

_PATIENCE = 60.0
"""Seconds to wait for another process that makes the verification directory, which takes it 2."""


@dataclass(frozen=True, slots=True)
class Crs:
    """A CRS directory and what it has."""

    directory: Path
    points: int
    """How many of the ceremony's; 1 is enough for verifying."""
    grumpkin: bool
    """Whether the Grumpkin file is there and complete; without it the first Chonk or rollup proof waits for `bb` to make it."""
    pinned: bool = False
    """Whether its points were held against the digest that they must have, so that every later look does it, too."""


def crs_dir(environment: Mapping[str, str]) -> Path:
    """Where the points for proving are looked for, and where `proofplane bb setup` puts them."""
    if given := environment.get(VARIABLE):
        return Path(given).absolute()
    return cache_dir(environment) / "crs" / "ceremony"


def verification_dir(environment: Mapping[str, str]) -> Path:
    """Where the directory for verifying is, always in the cache."""
    return cache_dir(environment) / "crs" / "verification"


def find_crs(environment: Mapping[str, str] = os.environ) -> Crs:
    """The points for proving, found at once: all points whose digest is known (the first 32,769) are looked at, the rest was by
    `proofplane bb setup`, if that brought it.

    With wrong points `bb` makes proofs that do not verify, which would look like a witness that does not satisfy its circuit.

    Raises:
        CrsMissing: There are none.
        CrsWrong: The file is cut off, or not of the ceremony, or the Grumpkin file beside it is damaged.
    """
    directory = crs_dir(environment)
    path = directory / POINTS_FILE
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(len(START))
        points = _counted(size, start)
        known_prefix(path, points)
    except OSError as error:
        raise CrsMissing(f"there are no ceremony points at {path} ({error.strerror or error}): {more_points(DEFAULT_POINTS)}") from None
    except CrsWrong as error:
        raise CrsWrong(f"{path}: {error}: remove it and {more_points(DEFAULT_POINTS)}") from None
    whole = grumpkin.is_whole(directory)
    if not whole and grumpkin.is_there(directory):
        raise CrsWrong(f"{directory / grumpkin.FILE_NAME} is damaged: remove it, `proofplane bb setup` brings another one")
    return Crs(directory, points, whole, pinned=True)


def known_prefix(path: Path, points: int) -> int:
    """How many points at the beginning of a file of so many are pinned by their digest, which is checked.

    Raises:
        CrsWrong: They are others.
        OSError: The file cannot be read.
    """
    prefix = max((prefix for prefix in KNOWN if prefix.points <= points), key=lambda prefix: prefix.points, default=None)
    if prefix is None:
        return min(points, len(START) // POINT_SIZE)
    digest = file_sha256(path, prefix.points * POINT_SIZE)
    if digest != prefix.sha256:
        raise CrsWrong(f"the first {prefix.points:,} points are not the ceremony's: their sha256 is {digest.hex()}")
    return prefix.points


def look_again(crs: Crs) -> None:
    """Holds a directory against what it was when it was found; while its files are untouched that costs some calls of `stat`.

    Without its points `bb` would ask the network and stall for seconds. With damaged ones it makes proofs that do not verify; with damaged
    Grumpkin points it refuses good proofs.

    Raises:
        CrsMissing: Points are gone.
        CrsWrong: Points, or the Grumpkin points, are damaged.
    """
    path = crs.directory / POINTS_FILE
    try:
        size = path.stat().st_size
        if size < crs.points * POINT_SIZE:
            raise CrsMissing(f"{path} has become smaller than {crs.points} points: run `proofplane bb doctor`")
        if crs.pinned:
            known_prefix(path, crs.points)
    except OSError as error:
        raise CrsMissing(f"{path} is gone ({error.strerror or error}): run `proofplane bb doctor`") from None
    except CrsWrong as error:
        raise CrsWrong(f"{path} was damaged: {error}: run `proofplane bb doctor`") from None
    if crs.grumpkin and not grumpkin.is_whole(crs.directory):
        raise CrsWrong(f"{crs.directory / grumpkin.FILE_NAME} is gone or damaged: run `proofplane bb setup`")


def verification_crs(environment: Mapping[str, str] = os.environ, binary: Binary | None = None) -> Crs:
    """The directory for verifying, made on first use (a second or two) from nothing but `bb` itself; then a look at it costs milliseconds.

    Args:
        environment: Where `PROOFPLANE_CACHE` and the like are read.
        binary: Which `bb` makes the Grumpkin points, if they are not there; None finds it.

    Raises:
        BinaryMissing: It has to be made, and there is no `bb`; also what else `find_binary` raises.
        GrumpkinNotMade: `bb` failed at it.
        CacheFull: No room.
        CacheUnusable: The cache may not be written.
        CacheBusy: Another process takes long over it.
    """
    directory = verification_dir(environment)
    if not verification_ready(directory):
        binary = binary or find_binary(environment)
        with locked(directory, _PATIENCE):
            if not verification_ready(directory):  # nobody made it while we waited
                grumpkin.make(directory, binary)
                with new_file(directory / POINTS_FILE, 0o644) as file:
                    file.write(G_BYTES)
    return Crs(directory, 1, grumpkin=True)


def verification_ready(directory: Path) -> bool:
    """Whether the directory for verifying is there and as we make it."""
    try:
        one_point = (directory / POINTS_FILE).read_bytes() == G_BYTES
    except OSError:
        return False
    return one_point and grumpkin.is_whole(directory)


def require(crs: Crs, points: int) -> None:
    """Raises `CrsTooSmall` unless there are `points`; to be asked before `bb` is, which would ask the network instead."""
    if crs.points < points:
        raise CrsTooSmall(
            f"{crs.directory} has {crs.points:,} ceremony points, and {points:,} are needed: {more_points(points)}",
            crs.points,
            points,
        )


def _counted(size: int, start: bytes) -> int:
    if size == 0 or size % POINT_SIZE:
        raise CrsWrong(f"it has {size:,} bytes, which is no whole number of points")
    if start != START[: len(start)]:
        raise CrsWrong("it does not begin with the ceremony's points, and a setup of another secret proves nothing")
    return size // POINT_SIZE
