"""Getting `bb`: the pinned npm package, fetched by npm's own client or brought as a file, of which this machine's build alone is unpacked.

npm's configuration decides where it fetches from. The package's digest is pinned here, and so is the digest of each build in it.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import shutil
import tarfile
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from proofplane.barretenberg.binary import VARIABLE, Binary, binary_path, checked
from proofplane.barretenberg.cache import locked, new_file, no_room, scratch_folder
from proofplane.barretenberg.digests import file_sha256
from proofplane.barretenberg.one_shot import run
from proofplane.barretenberg.platforms import PACKAGE, PACKAGE_VERSION, TARBALL_NAME, TARBALL_SHA256, TARBALL_SIZE, Build, this_build
from proofplane.barretenberg.setup_errors import (
    BinaryMissing,
    BinaryWrong,
    FetchFailed,
    FileUnreadable,
    NoAnswer,
    NpmMissing,
    PackageWrong,
)

_PATIENCE = 120.0
"""Seconds to wait for another process that installs the same; npm fetches 50 MB for it."""

_NPM_SECONDS = 600.0
"""Bound on npm; on a slow line 50 MB take some minutes, and npm asks a second time by itself."""

_NPM_LINE = "npm error "
"""How lines begin in which npm says what is wrong, the most telling ones first."""

_NPM_NOISE = (" ", "syscall", "errno")
"""How those lines go on that say nothing to a person, stack traces among them."""

_NPM_LINES = 2
"""How many of the others go into a message: the error's code and the first reason; after these npm gives advice at length."""

_NPM_WORDS = 300
"""Characters of them that go into a message, whole words."""

_NPM_BOUNDS = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=20000")
"""Milliseconds. By itself npm asks three times in over a minute and waits 5 minutes for each answer, silently.

The last bounds silence, not a transfer, however slow.
"""

_BLOCK = 1 << 20
"""Bytes that are unpacked at once."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What came of installing."""

    binary: Binary
    fresh: bool
    """Whether it was unpacked by this call; False: it was there already."""


def install(
    environment: Mapping[str, str] = os.environ, tarball: Path | None = None, fetching: Callable[[str], None] = lambda _what: None
) -> Installed:
    """Puts the pinned binary into the cache, unless it is there; one that `PROOFPLANE_BB` names is only checked.

    Args:
        environment: Of this process; npm gets it whole.
        tarball: The package as `npm pack` writes it, for machines without npm.
        fetching: Told, before npm starts, what it will fetch; npm may take a minute to find out that it cannot.

    Raises:
        UnsupportedPlatform: There is no build for this machine.
        BinaryMissing: `PROOFPLANE_BB` names no file; also what else `find_binary` raises for it.
        NpmMissing: There is no npm, and no file was given.
        FetchFailed: npm did not fetch the package.
        FileUnreadable: The given file cannot be read, needed or not.
        PackageWrong: The package is not the pinned one.
        CacheFull: No room.
        CacheUnusable: The cache may not be written.
        CacheBusy: Another process takes long over the same.
    """
    build = this_build()
    if tarball is not None:  # asked though it may not be needed: a name that is mistyped should not seem to be right
        with _reading(tarball), tarball.open("rb") as file:
            file.read(1)
    path = binary_path(environment, build)
    if environment.get(VARIABLE):
        return Installed(checked(path, build, given=True), fresh=False)
    if present := _present(path, build):
        return Installed(present, fresh=False)
    with locked(path.parent, _PATIENCE):
        if present := _present(path, build):  # another process brought it while we waited
            return Installed(present, fresh=False)
        if tarball is not None:
            unpack(tarball, build, path)
        else:
            with scratch_folder(path.parent) as scratch:
                unpack(_packed(scratch, environment, fetching), build, path)
    return Installed(checked(path, build, given=False), fresh=True)


def unpack(tarball: Path, build: Build, path: Path) -> None:
    """Writes the build from the package's file to `path`, whose folder's lock is held; both are checked, and nothing else is unpacked.

    Raises:
        FileUnreadable: The package cannot be read.
        PackageWrong: It is not the pinned one.
        CacheFull: No room.
        CacheUnusable: The folder may not be written.
    """
    try:
        size, digest = tarball.stat().st_size, file_sha256(tarball)
    except OSError as error:
        raise FileUnreadable(f"{tarball} cannot be read: {error.strerror or error}") from None
    if digest != TARBALL_SHA256:
        raise PackageWrong(
            f"{tarball} is not {PACKAGE} {PACKAGE_VERSION} as published: it has {size:,} bytes (not {TARBALL_SIZE:,}) "
            f"and the sha256 {digest.hex()}"
        )
    with new_file(path, 0o755) as new:
        try:
            with _reading(tarball):
                package = tarfile.open(tarball, "r:gz")  # noqa: SIM115 - closed below
            with package:
                with _reading(tarball):
                    member = package.extractfile(build.member)
                if member is None:
                    raise PackageWrong(f"{build.member} in {tarball} is no file")
                unpacked = _copied(tarball, member, new)
        except (tarfile.TarError, gzip.BadGzipFile, EOFError, KeyError) as error:
            raise PackageWrong(f"{tarball} has no {build.member}: {error}") from None
        if unpacked != build.sha256:
            raise PackageWrong(f"{build.member} in {tarball} is not the pinned binary: its sha256 is {unpacked.hex()}")


def _present(path: Path, build: Build) -> Binary | None:
    try:
        return checked(path, build, given=False)
    except (BinaryMissing, BinaryWrong):
        return None


def _packed(scratch: Path, environment: Mapping[str, str], fetching: Callable[[str], None]) -> Path:
    """The package's file, fetched by npm."""
    by_hand = f"fetch the package on another machine by `npm pack {PACKAGE}@{PACKAGE_VERSION}` and give it as --tarball FILE"
    npm = shutil.which("npm", path=environment.get("PATH"))
    if npm is None:
        raise NpmMissing(f"there is no npm: install Node.js, or {by_hand}")
    fetching(f"fetching {PACKAGE} {PACKAGE_VERSION} with npm, {TARBALL_SIZE / 1e6:.0f} MB")
    command = [npm, "pack", f"{PACKAGE}@{PACKAGE_VERSION}", "--pack-destination", str(scratch), "--loglevel", "error", *_NPM_BOUNDS]
    try:
        run(command, environment, _NPM_SECONDS)
    except NoAnswer as error:
        if "ENOSPC" in error.said:
            raise no_room(scratch.parent, os.strerror(errno.ENOSPC)) from None
        told = [line.removeprefix(_NPM_LINE) for line in error.said.splitlines() if line.startswith(_NPM_LINE)]
        reasons = [line for line in told if not line.startswith(_NPM_NOISE)][:_NPM_LINES]
        why = textwrap.shorten("; ".join(reasons), _NPM_WORDS, placeholder=" …")
        raise FetchFailed(f"npm did not fetch {PACKAGE} {PACKAGE_VERSION} ({why or error}): try again, or {by_hand}") from None
    packed = scratch / TARBALL_NAME
    if not packed.is_file():
        raise FetchFailed(f"npm ended well and wrote no {TARBALL_NAME}: try again, or {by_hand}")
    return packed


def _copied(tarball: Path, old: IO[bytes], new: BinaryIO) -> bytes:
    digest = hashlib.sha256()
    while True:
        with _reading(tarball):
            block = old.read(_BLOCK)
        if not block:
            return digest.digest()
        digest.update(block)
        new.write(block)


@contextmanager
def _reading(tarball: Path) -> Iterator[None]:
    """The system's errors about the package, which are not the cache's."""
    try:
        yield
    except gzip.BadGzipFile:  # an OSError, too
        raise
    except OSError as error:
        raise FileUnreadable(f"{tarball} cannot be read: {error.strerror or error}") from None
