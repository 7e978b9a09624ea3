"""What can go wrong while code is generated, by what the caller should do."""

from proofplane.base.errors import Broken, CallerMistake


class FormatterMissing(CallerMistake):
    """The language's own formatter is not installed; the message says how to install it."""


class NotOurs(CallerMistake):
    """A file in the way was not generated, and is not overwritten."""


class OutputUnusable(CallerMistake):
    """The output directory cannot be made or written."""


class UnknownLanguage(CallerMistake):
    """No such target language."""


class BadTemplate(Broken):
    """Our own template gave text that the language's formatter does not accept: a bug, please report it."""
