"""What an answer of `bb`, or its absence, means: refused, or not known. Rules in one place, for verifiers and provers.

1. An error that `bb` answers is a refusal of what it was asked.
2. One that begins with `HTTP request failed` is not: `bb` lacks ceremony points and asked the network for them.
3. A dead process, a deadline, a queue that is full, bytes that make no sense: nothing is known.

A damaged file of ceremony points is answered like a bad proof; so fresh processes first verify a proof that is known to be good.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from proofplane.barretenberg.errors import CouldNotProve, CouldNotVerify
from proofplane.base.errors import TryAgain
from proofplane.pool.errors import QueueFull
from proofplane.rpc.errors import BadReply, CallFailed, ConnectionBroken

_NO_POINTS = "HTTP request failed"
"""How `bb` begins an error when it needed more ceremony points than its directory has."""

_MAX_REASON = 200
"""Characters of an error of `bb` that are repeated; some are assertions over many lines."""


@contextmanager
def unanswered(error: type[CouldNotVerify | CouldNotProve]) -> Iterator[None]:
    """Raises `error` for rules 2 and 3; an error that is a refusal is let through as `CallFailed`."""
    try:
        yield
    except CallFailed as failed:
        if failed.message.startswith(_NO_POINTS):
            raise error(f"bb lacks ceremony points, run `proofplane bb doctor`: {reason(failed)}") from failed
        raise
    except (TryAgain, ConnectionBroken, BadReply) as failed:
        raise error(str(failed), failed.retry_after if isinstance(failed, QueueFull) else None) from failed


def reason(failed: CallFailed) -> str:
    """The beginning of what `bb` said, on one line."""
    return " ".join(failed.message.split())[:_MAX_REASON]
