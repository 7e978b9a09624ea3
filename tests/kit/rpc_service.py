"""A small service for the rpc tests: an echo, a request that is held until the test releases it, and one that fails."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from proofplane import rpc
from proofplane.wire import Command, Contract, ErrorMessage, Message, Method

PATIENCE = 20.0
"""Seconds after which what does not come is a failure and not slowness."""


class Data(Message, frozen=True):
    """Some bytes."""

    data: bytes


class Echo(Command[Data], frozen=True):
    """Answered by the same bytes."""

    data: bytes


class Large(Command[Data], frozen=True):
    """Answered by so many bytes."""

    size: int


class Hold(Command[Data], frozen=True):
    """Answered by its number once the test has released it."""

    number: int


class Fail(Command[Data], frozen=True):
    """Answered by an error."""

    message: str


CONTRACT = Contract(
    service="Test",
    schema_hash=bytes(range(32)),
    methods=tuple(Method(command, Data, command.__name__, f"{command.__name__}Response") for command in (Echo, Large, Hold, Fail)),
    error=ErrorMessage,
    error_name="ErrorResponse",
)


@dataclass(slots=True)
class Held:
    """What the service saw, and what it holds."""

    arrived: list[int] = field(default_factory=list)
    gates: dict[int, asyncio.Event] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    tell: Callable[[int], None] | None = None
    """Called with the number of each request that arrives to be held."""

    def gate(self, number: int) -> asyncio.Event:
        """The gate of one held request."""
        return self.gates.setdefault(number, asyncio.Event())

    async def until(self, count: int) -> None:
        """Waits until so many held requests have arrived; raises `TimeoutError` if they do not."""
        async with asyncio.timeout(PATIENCE):
            while len(self.arrived) < count:
                self.news.clear()
                await self.news.wait()


def service() -> tuple[rpc.Service, Held]:
    """The service and the test's hand on it."""
    made = rpc.Service(CONTRACT)
    held = Held()

    @made.handles(Echo)
    async def on_echo(request: Echo) -> Data:
        return Data(request.data)

    @made.handles(Large)
    async def on_large(request: Large) -> Data:
        return Data(bytes(request.size))

    @made.handles(Hold)
    async def on_hold(request: Hold) -> Data:
        held.arrived.append(request.number)
        held.news.set()
        if held.tell is not None:
            held.tell(request.number)
        await held.gate(request.number).wait()
        return Data(str(request.number).encode())

    @made.handles(Fail)
    async def on_fail(request: Fail) -> Data:
        raise ValueError(request.message)

    return made, held
