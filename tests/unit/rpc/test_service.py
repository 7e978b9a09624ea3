"""What a service accepts as its handlers."""

from __future__ import annotations

from typing import Any

import pytest

from kit.rpc_service import CONTRACT, Data, Echo, Fail, Hold, Large
from proofplane import rpc
from proofplane.wire import Command


class Implementation:
    """Handlers by name."""

    async def echo(self, request: Echo) -> Data:
        return Data(request.data)

    def large(self, request: Large) -> Data:
        return Data(bytes(request.size))

    async def hold(self, request: Hold, responder: rpc.Responder[Data]) -> None:
        responder.reply(Data(b""))

    async def fail(self, request: Fail) -> Data:
        return Data(b"")


class Foreign(Command[Data], frozen=True):
    """Of no contract."""


def test_the_methods_of_an_object_are_found_by_their_commands_names() -> None:
    routes = rpc.Service.of(CONTRACT, Implementation()).routes()

    assert [(route.method.name, route.runs.name, route.responds) for route in routes] == [
        ("Echo", "LOOP", False),
        ("Large", "THREAD", False),
        ("Hold", "LOOP", True),
        ("Fail", "LOOP", False),
    ]


def test_a_missing_handler_is_told_before_serving() -> None:
    made = rpc.Service(CONTRACT)
    made.handle(Echo, Implementation().echo)

    with pytest.raises(rpc.BadService, match="no handler for Large, Hold, Fail"):
        made.routes()
    with pytest.raises(rpc.BadService, match="no handler for Echo, Large, Hold, Fail"):
        rpc.Service.of(CONTRACT, object())


def test_a_partial_service_may_lack_handlers() -> None:
    assert len(rpc.Service.of(CONTRACT, object(), partial=True).routes()) == 4


def test_a_method_has_one_handler() -> None:
    made = rpc.Service(CONTRACT)
    made.handle(Echo, Implementation().echo)

    with pytest.raises(rpc.BadService, match="Echo has a handler already"):
        made.handle(Echo, Implementation().echo)


def test_a_handler_of_a_foreign_request_is_refused() -> None:
    with pytest.raises(rpc.BadService, match="Foreign is no request of Test"):
        rpc.Service(CONTRACT).handle(Foreign, Implementation().echo)


async def none() -> Data:
    return Data(b"")


async def three(a: Any, b: Any, c: Any) -> Data:
    return Data(b"")


@pytest.mark.parametrize("handler", [none, three])
def test_a_handler_takes_a_request_or_a_request_and_a_responder(handler: Any) -> None:
    with pytest.raises(rpc.BadService, match="a handler takes"):
        rpc.Service(CONTRACT).handle(Echo, handler)


class Callable:
    """An object that is called."""

    async def __call__(self, request: Echo, unused: int = 0) -> Data:
        return Data(request.data)


def test_an_object_that_is_called_is_a_handler_and_defaults_are_no_responder() -> None:
    made = rpc.Service(CONTRACT, partial=True)
    made.handle(Echo, Callable())

    route = made.routes()[0]
    assert (route.runs.name, route.responds) == ("LOOP", False)
