"""Ends a process at one of its durable writes, as the power going off would."""

from __future__ import annotations

import os
import signal
from collections import Counter

BEFORE, AFTER = "before", "after"


class Killer:
    """A `WriteObserver` that counts commit points and ends the process at one of them, by a signal that nothing can catch."""

    def __init__(self, site: str | None, phase: str, number: int) -> None:
        """Kills at the `number`-th point, from 1, of this site and phase; without a site, at the `number`-th of all. 0: never."""
        self._site = site
        self._phase = phase
        self._number = number
        self.points: Counter[tuple[str, str]] = Counter()

    def before_commit(self, site: str) -> None:
        self._pass(site, BEFORE)

    def after_commit(self, site: str) -> None:
        self._pass(site, AFTER)

    def _pass(self, site: str, phase: str) -> None:
        self.points[site, phase] += 1
        passed = self.points.total() if self._site is None else self.points[self._site, self._phase]
        if passed == self._number and self._site in (None, site):
            os.kill(os.getpid(), signal.SIGKILL)
