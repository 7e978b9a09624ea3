"""What takes seconds to make is made once and kept under `target/`, by what it is made from; test processes side by side wait for one."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from kit.generated import ROOT

PLACE = ROOT / "target" / "test-artefacts"
"""Where all of it lies; `make clean` removes it."""


def kept(name: str, contents: tuple[bytes, ...], make: Callable[[Path], None]) -> Path:
    """The folder that `make` filled.

    Args:
        name: Of the artefact; of one name only the newest is kept.
        contents: All that the artefact depends on; another value makes it anew.
        make: Fills the empty folder that it is given. If it raises, nothing is kept.
    """
    PLACE.mkdir(parents=True, exist_ok=True)
    parts = b"".join(hashlib.sha256(part).digest() for part in contents)
    folder = PLACE / f"{name}.{hashlib.sha256(parts).hexdigest()[:16]}"
    if folder.is_dir():
        return folder
    with (PLACE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():
            return folder
        for old in PLACE.glob(f"{name}.*"):
            if old.is_dir():
                shutil.rmtree(old)
        with tempfile.TemporaryDirectory(prefix="making.", dir=PLACE) as place:
            made = Path(place) / name
            made.mkdir()
            make(made)
            made.rename(folder)
    return folder
