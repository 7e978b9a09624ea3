"""What an answer of `bb`, or its absence, means: refused, or not known. Rules in one place, for verifiers and provers.

1. An error that `bb` answers is a refusal of what it was asked if `classify` knows no other meaning of it,
   and if the same process then still answers a good question well (`vetting`).
2. One that says what `bb` itself lacks (memory, threads, descriptors, files, ceremony points) is none.
3. A dead process, a deadline, a queue that is full, bytes that make no sense, a binary that is another one: nothing is known.

A damaged file of ceremony points is answered like a bad proof, or by a plain no. So a process verifies a proof that is known to be good
before its first question, and another one, which needs the Grumpkin points, before its first question that needs them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

from proofplane.barretenberg.errors import CouldNotProve, CouldNotVerify, Doubtful, UnfitVerifier
from proofplane.base.errors import Refused, TryAgain
from proofplane.pool.errors import QueueFull
from proofplane.rpc.errors import BadReply, CallFailed, ConnectionBroken

THREW = " threw: "
"""In an error that `bb` has from deeper within: what comes behind it says what was wrong."""

_MAX_REASON = 200
"""Characters of an error of `bb` that are repeated; some are assertions over many lines."""


class Meaning(Enum):
    """What an error of `bb` is about."""

    CONTENT = "content"
    """What it was asked about: it cannot be read, or breaks a rule."""
    NO_POINTS = "it lacks ceremony points, run `proofplane bb doctor`"
    """It asked the network for points that its directory has not."""
    SHORT = "it is short of memory, threads, descriptors or files"
    """The process, or the machine."""
    BUSY = "it does something else already"
    """The process is in a state in which it was left."""


_BEGINNINGS = (
    ("HTTP request failed", Meaning.NO_POINTS),
    ("std::bad_alloc", Meaning.SHORT),
    ("std::bad_array_new_length", Meaning.SHORT),
    ("Failed to open", Meaning.SHORT),
    ("Failed to read", Meaning.SHORT),
    ("Failed to write", Meaning.SHORT),
    ("thread constructor failed", Meaning.SHORT),
)
"""How errors begin that are not about the content, behind `THREW` if they have it."""

_WITHIN = (
    ("Resource temporarily unavailable", Meaning.SHORT),
    ("Cannot allocate memory", Meaning.SHORT),
    ("Too many open files", Meaning.SHORT),
    ("No space left on device", Meaning.SHORT),
    ("already running", Meaning.BUSY),
)
"""What the system, or the batch verifier, says within such an error."""


def classify(message: str) -> Meaning:
    """What an error of `bb` is about; the one table of this."""
    said = message.rpartition(THREW)[2]
    found = [meaning for beginning, meaning in _BEGINNINGS if said.startswith(beginning)]
    found += [meaning for words, meaning in _WITHIN if words in said]
    return found[0] if found else Meaning.CONTENT


def about_content(failed: CallFailed) -> None:
    """Raises `Doubtful` for an error that says nothing about what `bb` was asked."""
    meaning = classify(failed.message)
    if meaning is not Meaning.CONTENT:
        raise Doubtful(f"bb could not do it, {meaning.value}: {reason(failed)}") from failed


@contextmanager
def unanswered(error: type[CouldNotVerify | CouldNotProve]) -> Iterator[None]:
    """Raises `error` for rules 2 and 3; an error that is about the content is let through as `CallFailed`."""
    try:
        yield
    except (TryAgain, ConnectionBroken, BadReply) as failed:
        raise error(str(failed), failed.retry_after if isinstance(failed, QueueFull) else None) from failed
    except Refused as failed:  # of our own files: says nothing about what was asked
        raise UnfitVerifier(f"no bb can be asked: {failed}") from failed


def reason(failed: CallFailed) -> str:
    """The beginning of what `bb` said, on one line."""
    return " ".join(failed.message.split())[:_MAX_REASON]
