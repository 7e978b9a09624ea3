"""The logs that subprotocols emit (SPS-52): built here, read here, folded into the Moho state."""

from __future__ import annotations

from dataclasses import dataclass

from proofplane.anchor.types import Log
from proofplane.base.errors import Refused
from proofplane.base.ids import HASH_SIZE, Hash32
from proofplane.base.predicate import MalformedPredicate, Predicate

NEW_PREDICATE = 5
"""Type of the log that replaces the step predicate; body: predicate SSZ."""

NEW_EXPORT = 6
"""Type of the log that exports an entry; body: container u8, entry (32)."""


class MalformedLog(Refused):
    """A log of a known type whose body is not what the type demands."""


@dataclass(frozen=True, slots=True)
class NewPredicate:
    """From this block on, steps are proved under `predicate`."""

    predicate: Predicate

    def encode(self) -> Log:
        """The log."""
        return Log(bytes([NEW_PREDICATE]) + self.predicate.encode())


@dataclass(frozen=True, slots=True)
class NewExport:
    """`entry` is appended to the entries of `container`."""

    container: int
    """u8."""
    entry: Hash32

    def encode(self) -> Log:
        """The log, 34 bytes."""
        return Log(bytes([NEW_EXPORT, self.container]) + self.entry)


def read_log(log: Log) -> NewPredicate | NewExport | None:
    """What `log` says; None for a type that means nothing here, `MalformedLog` for a known type with a wrong body."""
    kind, body = log[:1], log[1:]
    if kind == bytes([NEW_PREDICATE]):
        try:
            return NewPredicate(Predicate.decode(body))
        except MalformedPredicate as error:
            raise MalformedLog(f"a log of a new predicate with {error}") from None
    if kind == bytes([NEW_EXPORT]):
        if len(body) != 1 + HASH_SIZE:
            raise MalformedLog(f"a log of an export has {1 + HASH_SIZE} bytes of body, not {len(body)}")
        return NewExport(body[0], Hash32(body[1:]))
    return None
