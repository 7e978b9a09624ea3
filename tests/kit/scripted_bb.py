"""A stand-in for a pool of `bb` processes that answers as it is told, for tests of what an answer means."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias, TypeVar

from proofplane.barretenberg.generated.barretenberg import CONTRACT
from proofplane.rpc.codec import Codec, decoder
from proofplane.wire import Command, Message, Request, command_of

R = TypeVar("R", bound=Message)


Answer: TypeAlias = Message | Exception

_CODEC = Codec(CONTRACT)


class ScriptedBb:
    """Answers each class of request with a message, an exception, those of a list in turn, or what a function of the request gives."""

    def __init__(self, answers: dict[type[Command[Any]], Answer | list[Answer] | Callable[[Any], Message]]) -> None:
        self.answers = dict(answers)
        """May be changed."""
        self.asked: list[Command[Any]] = []
        """Requests, in their order."""
        self.timeouts: list[float] = []
        """Of each lease, and each call outside of one, seconds."""
        self.condemned = 0
        """Processes that were."""
        self.number = 1
        """Of the process that is lent; it goes on when one is condemned."""

    @asynccontextmanager
    async def lease(self, timeout: float) -> AsyncIterator[ScriptedBb]:
        """Lends its only process, which it is itself."""
        self.timeouts.append(timeout)
        yield self

    def condemn(self) -> None:
        """As a worker's."""
        self.condemned += 1
        self.number += 1

    async def call(self, request: Request[R], *, timeout: float | None = None) -> R:
        """The answer that was prepared; a list's are given one by one, its last one for all further requests."""
        command = command_of(request)
        _, payload = _CODEC.pack(request)  # raises for what the wire cannot carry
        asked = decoder(command)(payload)
        self.asked.append(asked)
        if timeout is not None:
            self.timeouts.append(timeout)
        answer: Any = self.answers[command]
        if isinstance(answer, list):
            answer = answer[0] if len(answer) == 1 else answer.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer(asked) if not isinstance(answer, Message) and callable(answer) else answer
