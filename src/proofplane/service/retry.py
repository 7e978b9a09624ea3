"""Whether, when and how often to try again: the one place that derives it from an error.

Rules:

1. Only the error's family decides: `TryAgain` is `TRANSIENT`; `Refused` is `ATTEMPT` (a peer's answer was invalid: a new attempt
   asks for a new answer); `CallerMistake`, `NeverAgain`, `Broken` and whatever is not ours (then it is our bug) are not retried.
2. A tier's budget bounds the retries, and in `retrying` its span bounds the time as well, since a call that times out costs more than
   the wait before it; when either is used up the answer is "never again".
3. Delays grow by a factor up to a cap, with jitter that the seed determines: a restart computes the same times,
   different seeds do not come back all at once.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from proofplane.base.errors import CallerMistake, NeverAgain, Refused, TryAgain
from proofplane.service.clock import Clock

R = TypeVar("R")

JITTER = 0.25
"""A delay differs from its nominal value by at most this part of it, either way."""


@dataclass(frozen=True, slots=True)
class RetryTier:
    """How a kind of failure is retried."""

    name: str
    first_delay: float
    """Seconds before the first retry, without jitter."""
    factor: float
    """By how much each delay is longer than the one before."""
    cap: float
    """Seconds; no delay is longer, without jitter."""
    budget: int
    """Retries after the first try."""
    span: float = math.inf
    """Seconds from its first failure within which `retrying` begins a retry; unlimited for those who count tries only."""


TRANSIENT = RetryTier("transient", first_delay=0.2, factor=1.5, cap=10.0, budget=100, span=1200.0)
"""Network, busy, timeout: soon and often; long enough for a node's restart, short enough to notice.

Calls that fail at once use up the budget, about a quarter of an hour of waits (the span is above their sum with any jitter);
slow ones, such as those that time out, use up the span of 20 minutes first.
"""

ATTEMPT = RetryTier("attempt", first_delay=5.0, factor=3.0, cap=120.0, budget=4, span=3600.0)
"""A whole new attempt at a failed job: each may cost a proof, so few and far apart, about 3 minutes of waits.

The span of an hour is for whoever is held up by `retrying`; the attempts at a stored job are bounded by the budget alone.
"""


class BudgetSpent(NeverAgain):
    """A tier's retries or its time were used up; `last` is the error of the last try, whose cause should be removed first."""

    def __init__(self, tier: RetryTier, retries: int, seconds: float, last: BaseException) -> None:
        """`retries` were made in the `seconds` since the tier's first failure."""
        super().__init__(f"gave up after {retries} retries in {seconds:.0f} s ({tier.name}): {last}")
        self.tier = tier
        self.retries = retries
        self.seconds = seconds
        self.last = last


def classify(error: BaseException) -> RetryTier | None:
    """Returns how to retry after `error`; None: not at all."""
    if isinstance(error, TryAgain):
        return TRANSIENT
    if isinstance(error, Refused):
        return ATTEMPT
    return None


def delay(tier: RetryTier, tries_so_far: int, seed: bytes) -> float | None:
    """Returns the seconds to wait before the next retry, or None when the budget is spent.

    `tries_so_far` counts the retries already made, from 0; `seed` names what is retried (a job's id).
    Raises `CallerMistake` if `tries_so_far` is negative.
    """
    if tries_so_far < 0:
        raise CallerMistake(f"a number of tries is at least 0, not {tries_so_far}")
    if tries_so_far >= tier.budget:
        return None
    nominal = min(tier.cap, tier.first_delay * tier.factor**tries_so_far)
    digest = hashlib.sha256(seed + tries_so_far.to_bytes(4, "big")).digest()
    fraction = int.from_bytes(digest[:4], "big") / (2**32 - 1)
    return nominal * (1 + JITTER * (2 * fraction - 1))


async def retrying(
    operation: Callable[[], Awaitable[R]],
    clock: Clock,
    seed: bytes,
    on_retry: Callable[[Exception, int, float], None] | None = None,
) -> R:
    """Runs `operation` until it succeeds, with a budget and a span for each tier; returns its result.

    A call under way is not cut off: the time in all is at most the span, the call before it and the one that it ends with.

    `on_retry(error, number, seconds)` is called before each wait: what failed, which retry of its tier comes (from 1) and in how long.

    Raises:
        BudgetSpent: An error could have been retried, but its tier's budget is used up, or the next retry would begin after its span.
        Exception: Whatever `operation` raised that is not to be retried.
    """
    retries: Counter[RetryTier] = Counter()
    first_failed: dict[RetryTier, float] = {}
    while True:
        try:
            return await operation()
        except Exception as error:
            tier = classify(error)
            if tier is None:
                raise
            seconds = clock.now() - first_failed.setdefault(tier, clock.now())
            wait = delay(tier, retries[tier], seed)
            if wait is None or seconds + wait > tier.span:
                raise BudgetSpent(tier, retries[tier], seconds, error) from error
            retries[tier] += 1
            if on_retry is not None:
                on_retry(error, retries[tier], wait)
        await clock.sleep_until(clock.now() + wait)
