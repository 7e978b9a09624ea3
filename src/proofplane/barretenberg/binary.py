"""Finding `bb`: the pinned one or none."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from proofplane.barretenberg.cache import cache_dir
from proofplane.barretenberg.digests import file_sha256
from proofplane.barretenberg.platforms import PACKAGE_VERSION, Build, this_build
from proofplane.barretenberg.setup_errors import BinaryMissing, BinaryWrong, NotInTests
from proofplane.base.ids import Hash32

VARIABLE = "PROOFPLANE_BB"
"""Names a `bb` outside the cache; an empty value is none."""

DEVELOPMENT_VERSION = "insecure development build"
"""Version of binaries that are not pinned, which tests alone can have."""


@dataclass(frozen=True, slots=True)
class Binary:
    """A `bb` that may be run; made by `find_binary`, or in tests by `insecure_development_binary`."""

    path: Path
    sha256: Hash32
    version: str
    """What it prints when asked for its version."""

    def __post_init__(self) -> None:
        """Raises `NotInTests` for a binary that is not pinned, wherever pytest is not loaded."""
        if self.sha256 != this_build().sha256 and "pytest" not in sys.modules:
            raise NotInTests(f"{self.path} is not the pinned bb {PACKAGE_VERSION}; other binaries are for tests only")


def find_binary(environment: Mapping[str, str] = os.environ) -> Binary:
    """The pinned binary: where `PROOFPLANE_BB` says, else in the cache; nowhere else, so never one that lies in the PATH.

    Raises:
        BinaryMissing: There is none, or it may not be run.
        BinaryWrong: The file's checksum is not the pinned one.
        UnsupportedPlatform: There is no pinned one for this machine.
    """
    build = this_build()
    return checked(binary_path(environment, build), build, given=bool(environment.get(VARIABLE)))


def binary_path(environment: Mapping[str, str], build: Build) -> Path:
    """Where the binary is looked for, and where `proofplane bb setup` puts it."""
    if given := environment.get(VARIABLE):
        return Path(given).absolute()
    return cache_dir(environment) / "bb" / PACKAGE_VERSION / build.name / "bb"


def checked(path: Path, build: Build, given: bool) -> Binary:
    """The binary at `path` if it is `build`, byte for byte.

    Args:
        path: The file.
        build: What it must be.
        given: Whether a user named the file, so that setup cannot mend it.

    Raises:
        BinaryMissing: There is none, or it may not be read or run.
        BinaryWrong: It is another file.
    """
    remedy = f"set {VARIABLE} to the pinned file, or unset it and run `proofplane bb setup`" if given else "run `proofplane bb setup`"
    try:
        digest = file_sha256(path)
    except (FileNotFoundError, NotADirectoryError):
        raise BinaryMissing(f"there is no bb {PACKAGE_VERSION} at {path}: {remedy}") from None
    except OSError as error:
        raise BinaryMissing(f"{path} cannot be read ({error.strerror or error}): {remedy}") from None
    if digest != build.sha256:
        raise BinaryWrong(
            f"{path} is not bb {PACKAGE_VERSION} for {build.name}, so it will not be run: {remedy} "
            f"(its sha256 is {digest.hex()}, not {build.sha256.hex()})"
        )
    if not os.access(path, os.X_OK):
        raise BinaryMissing(f"{path} may not be executed: set its mode to 755, or {remedy}")
    return Binary(path, digest, build.version)


def insecure_development_binary(path: Path) -> Binary:
    """Any `bb` at all, for tests with a development setup: whoever knows its secret forges proofs that it accepts.

    It works where pytest is loaded and nowhere else; a bench that needs one imports pytest on purpose.
    This keeps accidents out, not attackers.

    Raises:
        NotInTests: pytest is not loaded.
        OSError: The file cannot be read.
    """
    return Binary(path, file_sha256(path), DEVELOPMENT_VERSION)
