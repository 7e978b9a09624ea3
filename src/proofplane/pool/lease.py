"""One lease: a worker from its lender, an alarm at the deadline, and the worker handed back with the error that ended the lease."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Protocol

from proofplane.pool.worker import Worker


class Lender(Protocol):
    """The pool, as a lease sees it."""

    async def acquire(self, deadline: float) -> Worker:
        """A worker, before `deadline` on the loop's clock."""

    def overdue(self, worker: Worker) -> None:
        """The deadline has passed and the lease is not over."""

    def hand_back(self, worker: Worker, error: BaseException | None) -> None:
        """The end of the lease, with the error that ended it; waits for nothing, so that no cancellation can come between."""


class Lease(AbstractAsyncContextManager[Worker]):
    """See `WorkerPool.lease`."""

    __slots__ = ("_alarm", "_lender", "_timeout", "_worker")

    def __init__(self, lender: Lender, timeout: float) -> None:
        """`timeout` in seconds from entering on."""
        self._lender = lender
        self._timeout = timeout

    async def __aenter__(self) -> Worker:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout
        self._worker = await self._lender.acquire(deadline)
        self._alarm = loop.call_at(deadline, self._lender.overdue, self._worker)
        return self._worker

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._alarm.cancel()
        self._lender.hand_back(self._worker, error)
