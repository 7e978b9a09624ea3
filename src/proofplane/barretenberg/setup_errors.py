"""What can be wrong with Barretenberg's files on this machine, typed by what to do about it; nothing here is a verdict on a proof."""

from __future__ import annotations

from proofplane.base.errors import Broken, CallerMistake, NeverAgain, Refused, TryAgain


class UnsupportedPlatform(NeverAgain):
    """There is no pinned `bb` for this operating system or processor."""


class BinaryMissing(NeverAgain):
    """There is no `bb` where it is looked for: the message has the command that gets it."""


class BinaryWrong(Refused):
    """A file stands in the binary's place and is not the pinned one: it is never run."""


class CrsMissing(NeverAgain):
    """There are no ceremony points where they are looked for: the message has the command that gets them."""


class CrsTooSmall(NeverAgain):
    """The ceremony file has fewer points than a circuit needs; `bb` would ask the network for them and fail late."""

    def __init__(self, message: str, points: int, needed: int) -> None:
        super().__init__(message)
        self.points = points
        """How many there are."""
        self.needed = needed
        """How many the circuit needs."""


class CrsWrong(Refused):
    """A file of ceremony points was checked and is not one, or not of the ceremony whose end `bb` has compiled in."""


class PackageWrong(Refused):
    """A package file was checked and is not the pinned one: nothing of it was unpacked."""


class FetchFailed(TryAgain):
    """npm, or the ceremony's host, did not hand over the whole file; what is here is as it was, or can be resumed."""


class BadDownload(CallerMistake):
    """A number of points that the ceremony does not have, or a URL that is none."""


class NpmMissing(NeverAgain):
    """There is no npm client on this machine: install one, or bring the package's file."""


class FileUnreadable(CallerMistake):
    """A file that was named cannot be read."""


class CacheUnusable(CallerMistake):
    """The cache folder cannot be made, written or locked: name another one by PROOFPLANE_CACHE."""


class CacheFull(Broken):
    """No room for a file in the cache; nothing of it was left behind."""


class CacheBusy(TryAgain):
    """Another process is filling the same part of the cache, for longer than was waited."""


class GrumpkinNotMade(Broken):
    """`bb` did not make the Grumpkin points that it makes everywhere else: see the message."""


class NotInTests(CallerMistake):
    """An insecure development binary was asked for outside of tests."""


class NoAnswer(Broken):
    """A program did not do one simple thing: it does not run on this machine, or something holds it up."""

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(message)
        self.said = said
        """What it wrote on its standard error, if it ended with an error."""


class VerifiesWrongly(Broken):
    """The pinned `bb` refused a proof that is known to be good: its files, the memory or the processor of this machine are not sound."""
