"""What a run of vectors is made of: a vector, how to run it, its verdict, and how one fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from proofplane.base.errors import CallerMistake, Refused
from proofplane.crypto.xmss import Scheme
from proofplane.lean.errors import Rejected


class NoVectors(CallerMistake):
    """There is nothing to run at the place that was named."""


class VectorFailed(Refused):
    """A vector that does not hold, or that says something which its runner does not know: both count as failed."""


class VectorSkipped(Refused):
    """A vector that nobody can check, for a known reason."""


@dataclass(frozen=True, slots=True)
class Mode:
    """How blocks are imported and proofs are checked; no verdict may depend on it."""

    parallel: bool = True
    """Signatures beside the transition, or one after the other."""
    threads: int = 1
    """Native threads that check signatures."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One vector as read, or why it cannot be read."""

    family: str
    """The folder that it lies in, which decides what to do with it."""
    name: str
    content: object
    """The JSON value; an error message if `readable` is false."""
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Case:
    """What a runner is told besides the vector's own fields."""

    reason: str | None
    """Why the input must be rejected; None if it must be accepted."""
    scheme: Scheme
    """XMSS parameters of the recording."""
    mode: Mode


class Verdict(Enum):
    """How a vector ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class VectorResult:
    """A vector's verdict; `detail` says what is wrong with it, or which part of it could not be compared."""

    family: str
    name: str
    verdict: Verdict
    detail: str = ""


@contextmanager
def verdict_of(expected: str | None, where: str = "") -> Iterator[None]:
    """Runs what is inside and holds its verdict against the recorded one.

    Args:
        expected: The recorded reason; None if the input must be accepted.
        where: Begins the message, if something is wrong.

    Raises:
        VectorFailed: Accepted against the record, or rejected for another reason than recorded.
    """
    try:
        yield
    except Rejected as error:
        if error.reason.name != expected:
            raise VectorFailed(f"{where}rejected ({error}), recorded is {expected or 'that it is accepted'}") from error
    else:
        if expected is not None:
            raise VectorFailed(f"{where}accepted, recorded is {expected}")


def compare(what: str, found: object, expected: object) -> None:
    """Raises `VectorFailed` unless both are equal; naming `what` and, shortened, both values."""
    if found != expected or type(found) is not type(expected):
        raise VectorFailed(f"{what} is {_short(found)}, recorded is {_short(expected)}")


_SHOWN = 160
"""Characters of a value in a message."""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} characters)"
