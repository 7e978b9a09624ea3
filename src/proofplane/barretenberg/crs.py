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
from proofplane.barretenberg.points import G_BYTES, POINT_SIZE, START
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


def crs_dir(environment: Mapping[str, str]) -> Path:
    """Where the points for proving are looked for, and where `proofplane bb setup` puts them."""
    if given := environment.get(VARIABLE):
        return Path(given).absolute()
    return cache_dir(environment) / "crs" / "ceremony"


def verification_dir(environment: Mapping[str, str]) -> Path:
    """Where the directory for verifying is, always in the cache."""
    return cache_dir(environment) / "crs" / "verification"


def find_crs(environment: Mapping[str, str] = os.environ) -> Crs:
    """The points for proving, found at once: sizes and the first two points are looked at, the rest was when it was brought here.

    Raises:
        CrsMissing: There are none.
        CrsWrong: The file is cut off, or not of the ceremony.
    """
    directory = crs_dir(environment)
    path = directory / POINTS_FILE
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(len(START))
    except OSError as error:
        raise CrsMissing(
            f"there are no ceremony points at {path} ({error.strerror or error}): run `proofplane bb setup`, "
            "with --crs-file FILE if you have them"
        ) from None
    return Crs(directory, _counted(path, size, start), grumpkin.is_whole(directory))


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
            f"{crs.directory} has {crs.points:,} ceremony points, and {points:,} are needed: run `proofplane bb setup --points {points}`",
            crs.points,
            points,
        )


def _counted(path: Path, size: int, start: bytes) -> int:
    if size == 0 or size % POINT_SIZE:
        raise CrsWrong(f"{path} has {size:,} bytes, which is no whole number of points: remove it and run `proofplane bb setup`")
    if start != START[: len(start)]:
        raise CrsWrong(
            f"{path} does not begin with the ceremony's points, and a setup of another secret proves nothing: "
            "remove it and run `proofplane bb setup`"
        )
    return size // POINT_SIZE
