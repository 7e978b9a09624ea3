"""One lease: a worker from its lender, an alarm at the deadline, and the worker handed back with the error that ended the lease."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from proofplane.pool.decisions import Ticket
from proofplane.pool.errors import LeaseOver, LeaseTimeout
from proofplane.pool.life import Life
from proofplane.pool.worker import Worker


@dataclass(frozen=True, slots=True)
class Wait:
    """Somebody waits for a worker."""

    ticket: Ticket
    life: asyncio.Future[Life]
    """Of the worker, once it is lent."""

    @property
    def lent(self) -> Life | None:
        """What was lent, also if it was not looked at yet."""
        life = self.life
        return life.result() if life.done() and not life.cancelled() and life.exception() is None else None


class Lender(Protocol):
    """The pool, as a lease sees it; nothing here is waited for but the future of a `Wait`, so no cancellation can come in between."""

    def ask(self) -> Wait:
        """Begins to wait."""

    def give_up(self, wait: Wait) -> None:
        """Waits no longer; a worker that was lent and not taken is the next one's."""

    def too_late(self) -> LeaseTimeout:
        """Why there is no worker although the deadline has passed."""

    def overdue(self, life: Life) -> None:
        """The deadline has passed and the lease is not over."""

    def hand_back(self, worker: Worker, error: BaseException | None) -> bool:
        """The end of the lease, with the error that ended it; returns whether the next lease has the worker."""


class Lease(AbstractAsyncContextManager[Worker]):
    """See `WorkerPool.lease`."""

    __slots__ = ("_alarm", "_lender", "_timeout", "_wait", "_worker")

    def __init__(self, lender: Lender, timeout: float) -> None:
        """`timeout` in seconds from entering on."""
        self._lender = lender
        self._timeout = timeout
        self._wait: Wait | None = None

    async def __aenter__(self) -> Worker:
        if self._wait is not None:
            raise LeaseOver("a lease is entered once: take a new one")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout
        self._wait = wait = self._lender.ask()
        self._alarm = loop.call_at(deadline, self._ring, wait)
        try:
            life = await wait.life
        except BaseException:
            self._alarm.cancel()
            self._lender.give_up(wait)
            raise
        self._worker = Worker(life, deadline)
        return self._worker

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._alarm.cancel()
        if self._lender.hand_back(self._worker, error):
            # The next lessee goes first: what follows here can be done while the worker computes.
            # Who is cancelled here has lost its answer; the worker is the next one's already.
            await asyncio.sleep(0)

    def _ring(self, wait: Wait) -> None:
        """One alarm for all of it: it ends the wait, or the worker and with it every call that the lessee waits for."""
        if (life := wait.lent) is not None:
            self._lender.overdue(life)
        elif not wait.life.done():
            wait.life.set_exception(self._lender.too_late())
