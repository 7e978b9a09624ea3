"""A stand-in for a pool of `bb` processes that answers as it is told, for tests of what an answer means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from proofplane.barretenberg.generated.barretenberg import CONTRACT
from proofplane.rpc.codec import Codec
from proofplane.wire import Command, Message

R = TypeVar("R", bound=Message)


_CODEC = Codec(CONTRACT)


class ScriptedBb:
    """Answers each class of request with a message, an exception, or what a function of the request gives."""

    def __init__(self, answers: dict[type[Command[Any]], Message | Exception | Callable[[Any], Message]]) -> None:
        self._answers = answers
        self.asked: list[Command[Any]] = []
        """Requests, in their order."""
        self.timeouts: list[float] = []
        """Of each, seconds."""

    async def call(self, request: Command[R], *, timeout: float) -> R:
        """The answer that was prepared."""
        _CODEC.encode(request)  # raises for what the wire cannot carry
        self.asked.append(request)
        self.timeouts.append(timeout)
        answer: Any = self._answers[type(request)]
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if not isinstance(answer, Message) and callable(answer) else answer
