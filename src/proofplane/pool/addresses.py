"""Addresses of workers: Unix sockets that stand directly in a directory of the system, under names that nobody can guess.

There is no directory of ours, since nobody would remove it after a kill. The name carries our process id for whoever looks.
"""

from __future__ import annotations

import os
import secrets
import tempfile

from proofplane.base.errors import Broken

_PREFIX = "proofplane-pool"

_LONGEST = 100
"""Characters of a socket's path: the system takes 107, and some servers silently cut what is longer."""


class NoSocketPlace(Broken):
    """No directory of the system has a path short enough for a socket in it."""


def new_address() -> str:
    """A path of fewer than 100 characters at which nothing is; 128 random bits make it unguessable in a directory that others may write.

    Raises:
        NoSocketPlace: XDG_RUNTIME_DIR and the directory for temporary files are both too long.
    """
    name = f"{_PREFIX}-{os.getpid()}-{secrets.token_hex(16)}.sock"
    for place in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir()):
        if place and os.path.isdir(place) and len(path := os.path.join(place, name)) < _LONGEST:
            return path
    raise NoSocketPlace(
        f"no place for a worker's socket: set XDG_RUNTIME_DIR or TMPDIR to a path of at most {_LONGEST - len(name) - 2} bytes"
    )
