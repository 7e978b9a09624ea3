"""Keeps what an import writes away from what it reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from proofplane.base.errors import CallerMistake


class PathsOverlap(CallerMistake):
    """A file or directory to be written lies inside one that is read, or that something else is written to."""


def check_paths(place: Path, data_dir: Path | None, outputs: Mapping[str, Path | None]) -> None:
    """Checks where an import is to write.

    Args:
        place: The directory of the chain.
        data_dir: Where the chain is to be kept, if anywhere.
        outputs: Files to be written beside, by option.

    Raises:
        PathsOverlap: The data directory is `place` or inside it, or an output is inside one of the two.
    """
    if data_dir is not None and _inside(data_dir, place):
        raise PathsOverlap(f"--data-dir {data_dir} is inside {place}, which is only read: name a directory outside it")
    for option, path in outputs.items():
        for directory in (place, data_dir):
            if path is not None and directory is not None and _inside(path, directory):
                raise PathsOverlap(f"{option} {path} is inside {directory}, where it might overwrite a file: name one outside it")


def _inside(path: Path, directory: Path) -> bool:
    """Whether a path is a directory or below it, wherever links lead."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(directory))
