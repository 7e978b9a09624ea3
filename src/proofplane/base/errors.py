"""The five families of errors, by what the caller should do next.

An exception's family says whose mistake it is and whether to ask again; the concrete class and its fields say what was wrong.
"Invalid" (`Refused`) and "could not check" (`TryAgain`, `Broken`) are different families and never stand in for each other.
The retry decision is derived from the family in exactly one place, `proofplane.service.retry`.
"""


class ProofplaneError(Exception):
    """Root of everything proofplane raises on purpose."""


class CallerMistake(ProofplaneError):
    """The caller asked for something wrong (argument, configuration, file): correct it and call again."""


class Refused(ProofplaneError):
    """Content from a peer or a file was checked and is invalid: asking again for the same content changes nothing."""


class TryAgain(ProofplaneError):
    """It could not be done now (network, busy, timeout): the same call may succeed later."""


class NeverAgain(ProofplaneError):
    """It can never succeed as asked, though nobody's input is malformed (aborted program, exhausted budget, no key)."""


class Broken(ProofplaneError):
    """Something we rely on failed under us (disk, database, our own bug): stop, look, restart."""
