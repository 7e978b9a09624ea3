"""What verifiers, provers and the typed client need beneath them: something that sends a request to a `bb` and waits for the answer."""

from __future__ import annotations

from typing import Protocol, TypeVar

from proofplane.wire import Command, Message

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
