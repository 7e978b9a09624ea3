"""When workers may be started after starts have failed: one at a time, with growing pauses, and after how many all who wait are told.

Failures of starts that ran side by side count once: a cause that passes (memory, a full process table) meets all of them together.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofplane.base.errors import ProofplaneError, TryAgain
from proofplane.pool.types import PoolOptions


def backoff(options: PoolOptions, failures: int) -> float:
    """Seconds to wait after a failed round of starts when `failures` had failed before it."""
    return min(options.max_backoff, options.first_backoff * 2.0 ** min(failures, 60))


@dataclass(slots=True)
class Starts:
    """The failures since a start last succeeded, or since those who waited were told."""

    options: PoolOptions
    round: int = 0
    """Of starts: those of one round ran side by side."""
    last_failure: ProofplaneError | None = None
    not_before: float = float("-inf")
    """When the next one may come."""
    _failures: int = 0
    _useless: bool = False
    """Whether trying again would change nothing, by the last error's family."""

    def succeeded(self) -> None:
        """A worker became ready: everything is as at the beginning."""
        self._failures, self._useless, self.last_failure, self.not_before = 0, False, None, float("-inf")

    told = succeeded
    """Those who waited were told of `last_failure`; whoever comes next finds everything as at the beginning."""

    def failed(self, number: int, now: float, error: ProofplaneError) -> None:
        """A start of round `number` failed."""
        self.last_failure = error
        self._useless = not isinstance(error, TryAgain)
        if number == self.round:
            self.not_before = now + backoff(self.options, self._failures)
            self.round += 1
            self._failures += 1

    @property
    def hopeless(self) -> bool:
        """Whether those who wait are to be told, unless somebody serves them."""
        return self._useless or self._failures > self.options.start_retries

    def allowed(self, now: float, wanted: int, under_way: int) -> int:
        """How many of the `wanted` may be started now, besides those under way."""
        if self._failures == 0:
            return wanted
        return 0 if under_way or now < self.not_before else min(1, wanted)
