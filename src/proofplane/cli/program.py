"""How a user types the name of this program, for commands that are suggested."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

_NAME = "proofplane"


def program() -> str:
    """The name alone if a shell finds it; otherwise the program as it was started."""
    if shutil.which(_NAME) is not None:
        return _NAME
    if Path(sys.argv[0]).name == _NAME:
        return _shown(sys.argv[0])
    return f"{_shown(sys.executable)} -m {_NAME}"


def _shown(path: str) -> str:
    """Relative to the current directory if it is below; links are kept: a virtual environment's interpreter is one."""
    whole = os.path.abspath(path)
    relative = os.path.relpath(whole)
    return whole if relative.startswith(os.pardir) else relative
