"""Several observers as one, and none: an importer tells a single `Observer`."""

from __future__ import annotations

import logging
from collections.abc import Callable

from proofplane.chain.ports import Observer
from proofplane.chain.types import ImportedBlock, StepTimings
from proofplane.lean.errors import Reason
from proofplane.lean.store import Store
from proofplane.lean.types import Root

_log = logging.getLogger(__name__)


class Observers:
    """Tells each of several observers, in order. One that fails is logged: an import never fails for who watches it."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def imported(self, block: ImportedBlock, timings: StepTimings) -> None:
        self._each(lambda observer: observer.imported(block, timings))

    def rejected(self, root: Root | None, reason: Reason, timings: StepTimings) -> None:
        self._each(lambda observer: observer.rejected(root, reason, timings))

    def store_changed(self, store: Store) -> None:
        self._each(lambda observer: observer.store_changed(store))

    def votes_checked(self, source: str, valid: int, invalid: int) -> None:
        self._each(lambda observer: observer.votes_checked(source, valid, invalid))

    def _each(self, tell: Callable[[Observer], None]) -> None:
        for observer in self._observers:
            try:
                tell(observer)
            except Exception:
                _log.exception("an observer failed: %r", observer)
