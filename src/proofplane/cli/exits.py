"""Exit codes of the command line: one a family of errors, derived here and nowhere else.

0 success; 1 something was checked and is invalid; 2 your mistake (arguments, configuration, files);
3 could not be done now, try again; 4 can never succeed as asked; 5 something under us broke (disk, database);
70 our own bug; 130 interrupted.
"""

from __future__ import annotations

from proofplane.base.errors import Broken, CallerMistake, NeverAgain, Refused, TryAgain
from proofplane.node.errors import StoppedEarly

OK = 0
INTERRUPTED = 130
BUG = 70

_CODES: tuple[tuple[type[Exception], int], ...] = (
    (StoppedEarly, INTERRUPTED),
    (Refused, 1),
    (CallerMistake, 2),
    (TryAgain, 3),
    (NeverAgain, 4),
    (Broken, 5),
)


def exit_code(error: BaseException) -> int:
    """Returns the code for an error that ended a command."""
    return next((code for family, code in _CODES if isinstance(error, family)), BUG)
