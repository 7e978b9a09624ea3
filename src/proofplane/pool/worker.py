"""A worker as its lessee has it: calls that are bounded by the lease's deadline, and a verdict for the pool."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from proofplane import rpc
from proofplane.pool.errors import LeaseOver, PoolClosed, WorkerDied, WorkerWedged
from proofplane.pool.exits import Recycle
from proofplane.pool.life import Life
from proofplane.rpc.options import seconds
from proofplane.wire import Message, Request, command_of

R = TypeVar("R", bound=Message)

HARMLESS = (rpc.CallFailed, rpc.BadRequest, rpc.UnknownRequest, rpc.BadOptions, rpc.FrameTooLarge, LeaseOver)
"""Errors after which a worker is as before: it has answered, or nothing was sent to it."""


class Worker:
    """One lease's worker; not to be used after the lease."""

    __slots__ = ("_life", "_over", "broken", "client", "deadline", "generation", "number", "pid")

    def __init__(self, life: Life, deadline: float) -> None:
        """`deadline` on the loop's clock."""
        assert life.client is not None
        self.client = life.client
        """Its connection, for what `call` cannot do: bound each call yourself, and `condemn` the worker unless it went well."""
        self.pid = life.pid
        """Its process id."""
        self.generation = life.generation
        """In which it was started."""
        self.number = life.number
        """Its number in the pool."""
        self.deadline = deadline
        """Of the lease, on the loop's clock."""
        self.broken: Recycle | None = None
        """Why it must not go back to the pool."""
        self._life = life
        self._over = False

    async def call(self, request: Request[R], *, timeout: float | None = None) -> R:
        """Sends a request and returns its reply.

        Args:
            request: Of the contract of the worker's specification.
            timeout: Seconds; None: until the lease's deadline, which bounds it in any case.

        Raises:
            CallFailed: The worker answered with an error; it can be used on.
            WorkerDied: Its process ended, or closed the connection.
            WorkerWedged: It did not answer in time, and is killed.
            PoolClosed: The pool was closed under the call.
            LeaseOver: The lease is over; nothing was sent.
            BadReply: The reply is not what the contract promises; the worker is not used again.
            BadRequest, UnknownRequest, FrameTooLarge, BadOptions: The caller's mistake; nothing was sent.
        """
        self._require_lease()
        left = self.deadline - asyncio.get_running_loop().time()
        limit = left if timeout is None else min(left, seconds(timeout))
        try:
            return await self.client.call(request, timeout=limit if limit < left else None)  # the lease has an alarm of its own
        except HARMLESS:
            raise
        except rpc.DeadlinePassed as error:
            self._break(Recycle.TIMED_OUT)
            raise self._wedged(command_of(request).__name__, limit) from error
        except (rpc.Ended, rpc.ConnectionBroken, rpc.Closed) as error:
            self._break(Recycle.DIED)
            raise await self._died(command_of(request).__name__, left) from error
        except asyncio.CancelledError:
            self._break(Recycle.CANCELLED)
            raise
        except BaseException:
            self._break(Recycle.FAILED)
            raise

    def condemn(self) -> None:
        """Has the worker replaced when the lease is over, sound as it may be (it holds much memory, or state of ours)."""
        self._break(Recycle.CONDEMNED)

    def resident(self) -> int:
        """Bytes of its resident memory; 0 if it has ended."""
        return 0 if self._life.process is None else self._life.process.resident()

    def leave(self) -> None:
        """The lease is over."""
        self._over = True

    def _require_lease(self) -> None:
        if self._over:
            raise LeaseOver("this worker's lease is over: take a new one")

    def _break(self, why: Recycle) -> None:
        if self.broken is None or self.broken is Recycle.CONDEMNED:
            self.broken = why

    def _wedged(self, name: str, limit: float) -> WorkerWedged:
        life = self._life
        log = () if life.process is None else life.process.log
        return WorkerWedged(f"{name} was not answered within {max(0.0, limit):.3g} s by process {self.pid}", self.pid, life.exit_cause, log)

    async def _died(self, name: str, left: float) -> WorkerDied | WorkerWedged | PoolClosed:
        life = self._life
        if life.recycled is Recycle.CUT_OFF:
            return PoolClosed(f"the pool was closed during {name}")
        if life.recycled is Recycle.OVERDUE:
            return self._wedged(name, left)
        log = await life.last_words()
        return WorkerDied(f"process {self.pid} {life.exit_cause} during {name}", self.pid, life.exit_cause, log)
