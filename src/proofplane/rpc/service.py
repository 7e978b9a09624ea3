"""A service: a contract and who handles each of its methods."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from proofplane.rpc.codec import decoder, encoder
from proofplane.rpc.errors import BadService, NotServed
from proofplane.rpc.types import Handler, NativeEcho
from proofplane.wire import Command, Contract, Message, Method
from proofplane.wire.names import snake

R = TypeVar("R", bound=Message)
H = TypeVar("H", bound=Callable[..., Any])


class Runs(Enum):
    """Where a handler runs."""

    LOOP = "loop"
    THREAD = "thread"
    NATIVE = "native"


@dataclass(frozen=True, slots=True)
class Route:
    """How one method is handled."""

    method: Method
    runs: Runs
    handler: Callable[..., Any]
    responds: bool
    """Whether the handler takes a responder."""
    decode: Callable[[bytes], Message]
    """Reads the request's fields."""
    encode: Callable[[Any], bytes]
    """Packs the response's fields; raises `TypeError` for anything that is no response of the method."""
    plain: bool
    """Whether it is a coroutine function of the request alone."""


class Service:
    """Handlers by method. Build one, give it to `serve`; it may serve several times."""

    def __init__(self, contract: Contract, *, partial: bool = False) -> None:
        """`partial` allows methods without a handler: requests for them are answered with an error."""
        self.contract = contract
        self._partial = partial
        self._handlers: dict[type[Command[Any]], Handler[Any] | NativeEcho] = {}

    @classmethod
    def of(cls, contract: Contract, implementation: object, *, partial: bool = False) -> Service:
        """A service whose handlers are the methods of `implementation`, named as the commands, in snake case.

        Raises:
            BadService: A method is missing (and not `partial`) or cannot be called as a handler.
        """
        service = cls(contract, partial=partial)
        for method in contract.methods:
            handler = getattr(implementation, snake(method.name), None)
            if handler is not None:
                service.handle(method.request, handler)
        service.routes()
        return service

    def handle(self, request: type[Command[R]], handler: Handler[R] | NativeEcho) -> None:
        """Says who handles a method, by its request's class.

        Raises:
            BadService: The class is not of the contract, has a handler already, or the handler takes neither one nor two arguments.
        """
        if request not in self.contract.by_request:
            raise BadService(f"{request.__name__} is no request of {self.contract.service}")
        if request in self._handlers:
            raise BadService(f"{request.__name__} has a handler already")
        if not isinstance(handler, NativeEcho):
            _takes_responder(handler)
        self._handlers[request] = handler

    def handles(self, request: type[Command[Any]]) -> Callable[[H], H]:
        """The same as a decorator: `@service.handles(EchoBytes)`."""

        def register(handler: H) -> H:
            self.handle(request, handler)
            return handler

        return register

    def routes(self) -> tuple[Route, ...]:
        """How each method is handled, by number.

        Raises:
            BadService: A method has no handler, and the service is not `partial`.
        """
        missing = [method.name for method in self.contract.methods if method.request not in self._handlers]
        if missing and not self._partial:
            raise BadService(f"{self.contract.service} has no handler for {', '.join(missing)}: add them, or make it partial")
        return tuple(self._route(method) for method in self.contract.methods)

    def _route(self, method: Method) -> Route:
        handler = self._handlers.get(method.request)
        decode, encode = decoder(method.request), _checked_encoder(method)
        if handler is None:
            return Route(method, Runs.LOOP, _not_served, False, decode, encode, True)
        if isinstance(handler, NativeEcho):
            return Route(method, Runs.NATIVE, _not_served, False, decode, encode, True)
        runs = Runs.LOOP if _is_coroutine_function(handler) else Runs.THREAD
        responds = _takes_responder(handler)
        return Route(method, runs, handler, responds, decode, encode, runs is Runs.LOOP and not responds)


async def _not_served(request: Message) -> None:
    """Stands where a method has no Python handler."""
    raise NotServed(f"{type(request).__name__} is not served here")


def _is_coroutine_function(handler: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(getattr(handler, "__call__", None))  # noqa: B004 - asks how, not whether, it is called


def _takes_responder(handler: Callable[..., Any]) -> bool:
    """Whether a handler has a second parameter without a default."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = [one for one in inspect.signature(handler).parameters.values() if one.kind in positional]
    needed = [one for one in parameters if one.default is inspect.Parameter.empty]
    if len(needed) > 2 or not parameters:
        raise BadService(f"{handler!r} takes {len(needed)} arguments: a handler takes a request, or a request and a responder")
    return len(needed) == 2


def _checked_encoder(method: Method) -> Callable[[Any], bytes]:
    encode, expected = encoder().encode, method.response

    def checked(response: Any) -> bytes:
        if type(response) is not expected:
            raise TypeError(f"{method.name} is answered by {expected.__name__}, not {type(response).__name__}")
        return encode(response)

    return checked
