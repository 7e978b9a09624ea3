"""Addresses of workers: Unix sockets that stand directly in a directory of the system, under names that nobody can guess.

There is no directory of ours, since nobody would remove it after a kill.
"""

from __future__ import annotations

import os
import secrets
import tempfile

from proofplane.base.errors import Broken
from proofplane.pool.guard import PREFIX

_LONGEST = 99
"""Bytes of a socket's path: the system takes 107, and some servers silently cut what is longer."""


class NoSocketPlace(Broken):
    """No directory of the system has a path short enough for a socket in it."""


def directories() -> list[str]:
    """Where sockets can be put, the best first: the user's own runtime directory, then the one for temporary files."""
    places = (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir())
    return [place for place in places if place and os.path.isdir(place) and os.access(place, os.W_OK | os.X_OK)]


def new_address(mark: str) -> str:
    """A path at which nothing is; 128 random bits make it unguessable in a directory that others may write to.

    Args:
        mark: Of this process, see `Spawner.mark`.

    Raises:
        NoSocketPlace: All directories have paths that are too long, or are not ours to write to.
    """
    name = f"{PREFIX}-{mark}-{secrets.token_hex(16)}.sock"
    for place in directories():
        path = os.path.join(place, name)
        if len(os.fsencode(path)) <= _LONGEST:
            return path
    raise NoSocketPlace(
        f"no place for a worker's socket: set XDG_RUNTIME_DIR or TMPDIR to a directory that you may write to, with a path of at most "
        f"{_LONGEST - len(name) - 1} bytes"
    )
