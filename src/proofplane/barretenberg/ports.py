"""What verifiers, provers and the typed client need beneath them: something that sends requests to a `bb`, or lends one."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from proofplane.wire import Command, Message, Request

R = TypeVar("R", bound=Message)


class Asked(Protocol):
    """A pool of `bb` processes, a worker that a pool lends, or a connected client."""

    async def call(self, request: Command[R], *, timeout: float) -> R:
        """Sends a request and returns its reply.

        Raises:
            CallFailed: `bb` answered with an error.
            TryAgain, Broken: There is no answer, whose reason the type has.
        """
        ...


class Lent(Protocol):
    """One process of a pool, for as long as a lease."""

    @property
    def number(self) -> int:
        """Its number in the pool, never used again."""

    async def call(self, request: Request[R], *, timeout: float | None = None) -> R:
        """As `Asked.call`; without a timeout the lease bounds it."""
        ...

    def condemn(self) -> None:
        """Has it replaced when the lease is over."""


class Lender(Protocol):
    """A pool of `bb` processes."""

    def lease(self, timeout: float) -> AbstractAsyncContextManager[Lent]:
        """A process for so many seconds at most; raises `TryAgain`, `Broken` or `NeverAgain` where there is none."""
        ...
