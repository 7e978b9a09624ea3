"""The one-shot right and duty to answer one request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from proofplane.rpc.errors import AlreadyAnswered
from proofplane.wire import Message

R = TypeVar("R", bound=Message)


class Responder(Generic[R]):
    """Answers one request, now or later, from any thread.

    A handler that got one may return before it is used, as long as it is kept somewhere.
    One that is dropped unanswered answers an error: every request gets exactly one reply.
    """

    __slots__ = ("_answer", "_encode", "_method", "_ticket")

    def __init__(self, answer: Callable[[int, bytes | str], None], ticket: int, method: str, encode: Callable[[Any], bytes]) -> None:
        self._answer: Callable[[int, bytes | str], None] | None = answer
        self._ticket = ticket
        self._method = method
        self._encode = encode

    @property
    def answered(self) -> bool:
        """Whether it was used."""
        return self._answer is None

    def reply(self, response: R) -> None:
        """Answers with a response.

        Raises:
            AlreadyAnswered: It was used before.
            TypeError: `response` is not of the method's response class; the responder is still unused.
        """
        self._take_with(self._encode(response))

    def error(self, message: str) -> None:
        """Answers with an error; raises `AlreadyAnswered` if it was used before."""
        self._take_with(message)

    def _take_with(self, reply: bytes | str) -> None:
        answer, self._answer = self._answer, None
        if answer is None:
            raise AlreadyAnswered(f"this request for {self._method} was answered before: a responder answers once")
        answer(self._ticket, reply)

    def __del__(self) -> None:
        if getattr(self, "_answer", None) is not None:
            self._take_with(f"{self._method}: the handler left without a reply")
