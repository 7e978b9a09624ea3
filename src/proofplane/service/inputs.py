"""What services read from: one protocol, and adapters for streams, commands, ticks, iterators and pairs of inputs.

Rules:

1. `recv_next` returns the next message, or None when there will be none; once ended it stays ended. So None is never a message.
2. Cancelling `recv_next` loses no message: what was under way is delivered by the next call.
3. A ticking input gives its first tick at once. When a tick and a message are both ready the tick goes first.
   A tick that falls due before the previous one was worked off (that is, before the next call) is skipped, not made up:
   no burst after a stall, and a tick handler slower than the interval still lets messages through.
4. A pair ends when either side ends, after delivering what it has received already. When both have a message they take turns.
5. `close_input` ends an input that has something to release, with the inputs inside it. Whoever reads an input closes it.

Invariants: an adapter has at most one `recv_next` of each inner input in flight. That one belongs to a task of the adapter, survives the
adapter's own cancellation, and is cancelled and awaited by `aclose` only; so an inner input that takes long is never begun again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from proofplane.base.errors import CallerMistake
from proofplane.service.clock import Clock
from proofplane.service.commands import ChannelEnded, CommandChannel
from proofplane.service.subscriptions import Subscription, SubscriptionEnded

M = TypeVar("M")
A = TypeVar("A")
B = TypeVar("B")
R = TypeVar("R")
M_co = TypeVar("M_co", covariant=True)


class Input(Protocol[M_co]):
    """A source of messages with one reader."""

    async def recv_next(self) -> M_co | None:
        """Returns the next message, waiting for it; None means ended, and stays so."""


@runtime_checkable
class ClosableInput(Protocol):
    """An input that holds something to release."""

    async def aclose(self) -> None:
        """Releases it; no `recv_next` may follow. Idempotent."""


async def close_input(source: Input[object]) -> None:
    """Closes `source` if it has something to close."""
    if isinstance(source, ClosableInput):
        await source.aclose()


class StreamInput(Input[M]):
    """The items of a subscription; ends with it. `subscription.lagged` says whether some were dropped."""

    def __init__(self, subscription: Subscription[M]) -> None:
        """Owns `subscription` from now on."""
        self.subscription = subscription

    async def recv_next(self) -> M | None:
        """Returns the next item, or None when the stream has ended."""
        try:
            return await self.subscription.recv()
        except SubscriptionEnded:
            return None

    async def aclose(self) -> None:
        """Closes the subscription."""
        self.subscription.close()


class ChannelInput(Input[M]):
    """The commands of a channel; ends when it is finished. Closing it tells the callers that the service is gone."""

    def __init__(self, channel: CommandChannel[M]) -> None:
        """Owns `channel` from now on."""
        self._channel = channel

    async def recv_next(self) -> M | None:
        """Returns the next command, or None when there will be none."""
        try:
            return await self._channel.recv()
        except ChannelEnded:
            return None

    async def aclose(self) -> None:
        """Closes the channel: waiting and later calls fail."""
        self._channel.close()


class IteratorInput(Input[M]):
    """The elements of an iterable, none of them None; its own errors are raised by `recv_next`."""

    def __init__(self, messages: Iterable[M]) -> None:
        """The iterable is advanced by one element a call, on the event loop: it must not block."""
        self._messages = iter(messages)
        self._ended = False

    async def recv_next(self) -> M | None:
        """Returns the next element, or None after the last one."""
        if self._ended:
            return None
        message = next(self._messages, None)
        self._ended = message is None
        return message


class _Kept(Generic[R]):
    """At most one coroutine in flight, whose outcome is kept until it is taken."""

    def __init__(self, begin: Callable[[], Coroutine[Any, Any, R]]) -> None:
        self._begin = begin
        self._task: asyncio.Task[R] | None = None

    def task(self) -> asyncio.Task[R]:
        """The one in flight or kept; begins one if there is none."""
        if self._task is None:
            self._task = asyncio.create_task(self._begin())
        return self._task

    def begun(self) -> bool:
        return self._task is not None

    def ready(self) -> bool:
        return self._task is not None and self._task.done()

    def peek(self) -> R:
        """The outcome of the one that is ready, which stays; raises its error, which does not."""
        task = self.task()
        if task.cancelled() or task.exception() is not None:
            self._task = None
        return task.result()

    def take(self) -> R:
        """The outcome of the one that is ready; raises its error."""
        task, self._task = self.task(), None
        return task.result()

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            if not self._task.cancelled():
                self._task.exception()  # looked at, so that nobody reports it as never retrieved
            self._task = None


@dataclass(frozen=True, slots=True)
class Tick:
    """It is time; all ticks are equal."""


TICK = Tick()


class TickingInput(Input[Tick | M], Generic[M]):
    """The messages of an inner input with a `Tick` every interval between them (rule 3); ends with the inner input."""

    def __init__(self, inner: Input[M], interval: float, clock: Clock) -> None:
        """Owns `inner` from now on. Ticks fall on whole multiples of `interval` (seconds) after the first call.

        Raises `CallerMistake` unless `interval` is positive.
        """
        if interval <= 0:
            raise CallerMistake(f"a tick interval is a positive number of seconds, not {interval}")
        self._source = inner
        self._interval = interval
        self._clock = clock
        self._inner = _Kept(lambda: _next_of(inner))
        self._timer = _Kept(lambda: clock.sleep_until(self._due))
        self._start: float | None = None
        self._number = 0
        """Which multiple of the interval `_due` is."""
        self._due = 0.0
        self._ticked = False
        """Whether `_due` was delivered, so that the next one has to be worked out."""
        self._ended = False

    async def recv_next(self) -> Tick | M | None:
        """Returns a tick if one is due, else what comes first: a message, a tick or the inner end."""
        if self._ended:
            return None
        self._plan()
        while self._clock.now() < self._due:
            if self._inner.ready():
                message = self._inner.take()
                self._ended = message is None
                return message
            await asyncio.wait({self._inner.task(), self._timer.task()}, return_when=asyncio.FIRST_COMPLETED)
        if self._timer.begun():
            await asyncio.wait({self._timer.task()})  # due, so it ends at once
            self._timer.take()
        self._ticked = True
        return TICK

    async def aclose(self) -> None:
        """Stops the timer and closes the inner input."""
        self._ended = True
        await self._timer.aclose()
        await self._inner.aclose()
        await close_input(self._source)

    def _plan(self) -> None:
        """Works out the next due time, if the last one was delivered."""
        now = self._clock.now()
        if self._start is None:
            self._start = self._due = now
        elif self._ticked:
            # At least one further, because the division may round an exact multiple down.
            self._number = max(self._number, int((now - self._start) / self._interval)) + 1
            self._due = self._start + self._number * self._interval
            self._ticked = False


class SelectInput(Input[A | B], Generic[A, B]):
    """The messages of two inputs, in turns when both have some; ends when either ends (rule 4)."""

    def __init__(self, first: Input[A], second: Input[B]) -> None:
        """Owns both from now on; use `select`."""
        self._sources: tuple[Input[A], Input[B]] = (first, second)
        self._inner: list[_Kept[A | B | None]] = [_Kept(lambda: _next_of(first)), _Kept(lambda: _next_of(second))]
        self._ended = False

    async def recv_next(self) -> A | B | None:
        """Returns the next message of either side, or None when one of them has ended."""
        while not self._ended:
            # Taking turns needs no memory: a side is begun again only when the other has nothing ready.
            ready = [one for one in self._inner if one.ready()]
            for one in ready:
                if one.peek() is not None:
                    return one.take()
            if ready:
                self._ended = True
            else:
                await asyncio.wait({one.task() for one in self._inner}, return_when=asyncio.FIRST_COMPLETED)
        return None

    async def aclose(self) -> None:
        """Stops both receives and closes both inputs."""
        self._ended = True
        for one in self._inner:
            await one.aclose()
        for source in self._sources:
            await close_input(source)


def select(first: Input[A], second: Input[B]) -> SelectInput[A, B]:
    """Merges two inputs into one that ends when either ends."""
    return SelectInput(first, second)


async def _next_of(source: Input[M]) -> M | None:
    """`recv_next` as a coroutine, which a task needs and the protocol does not promise."""
    return await source.recv_next()
