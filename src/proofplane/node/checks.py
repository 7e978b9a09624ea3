"""Everything that a node's data can be proved by, as one check; what needs `bb` is loaded and started with the first such proof."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from types import TracebackType

from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.crypto.predicates import Check, CheckKind, CheckUnavailable, checker


class Checks:
    """Holds the check and what it has started; a context manager that ends it. Its check may be called from any thread."""

    def __init__(self, processes: int = 1) -> None:
        """`processes` of `bb` verify at a time, once there is something for them; calls beyond that wait for each other."""
        self.check: Check = checker({PredicateKind.ULTRA_HONK: self._header_step})
        self._processes = processes
        self._started = ExitStack()
        self._starting = threading.Lock()
        self._closed = False
        """Set under `_starting`, so that nothing is started that nobody would end."""
        self._by_bb: CheckKind | None = None

    def _header_step(self, predicate: Predicate, claim: bytes, witness: bytes) -> None:
        with self._starting:
            if self._closed:
                raise CheckUnavailable("the check was closed, since the node is ending: start again to have the proof checked")
            if self._by_bb is None:
                # Here, because it loads the circuits, the pool and the client of `bb`, which most runs have no use for.
                from proofplane.barretenberg.blocking import BlockingVerifier
                from proofplane.node.header_check import HeaderCheck

                self._by_bb = HeaderCheck(self._started.enter_context(BlockingVerifier(processes=self._processes)))
            by_bb = self._by_bb
        by_bb(predicate, claim, witness)

    def close(self) -> None:
        """Ends what was started, once calls of other threads are answered; later ones raise `CheckUnavailable`."""
        with self._starting:
            self._closed = True
            self._by_bb = None
        self._started.close()

    def __enter__(self) -> Checks:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
