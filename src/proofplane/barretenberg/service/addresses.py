"""Where the verifier service of this user is, if nobody says otherwise."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from proofplane.barretenberg.service.errors import NoService


def default_address() -> str:
    """Where the service listens: in the user's runtime directory, else in the temporary one.

    In the latter another user may have taken the name first. Then starting a service fails, and `default_service` finds none.
    """
    return str(Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / "proofplane-verifier.sock")


def default_service() -> str:
    """The default address, if this user serves there; a name that another user has taken in a shared directory is not asked.

    Raises:
        NoService: Nobody serves there, or somebody else does.
    """
    address = default_address()
    try:
        owner = os.stat(address, follow_symlinks=False).st_uid
    except OSError:
        raise NoService(f"there is no verifier service at {address}: start one by `proofplane verifier serve`") from None
    if owner != os.getuid():
        raise NoService(f"the verifier service at {address} is another user's, whose word is none: name its address to ask it all the same")
    return address
