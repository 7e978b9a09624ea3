"""Ordered feeds from a producer to any number of subscribers: bounded, without replay, never in the producer's way.

Rules:

1. `emit` gives the item to every subscription that exists at that moment; each sees items in the order of the calls.
2. There is no replay: an item is seen by the subscriptions whose `subscribe` returned before its `emit` was called.
3. `emit` never waits for a subscriber.
   At `capacity` undelivered items the newest replaces them all and `lagged` grows by their number; the consumer then re-reads
   what it missed from the store, which has everything that was emitted.
4. A subscription ends for its owner by `close()` or by being garbage-collected; the next `emit` prunes it.
5. A producer ends by `close()`, by leaving its `with` block or by being garbage-collected. The stream ends with its last producer:
   each subscriber first gets its backlog, then `SubscriptionEnded` for ever.
6. A `Feed` may subscribe but is no producer, so whoever keeps one for others to subscribe never keeps a dead producer's stream open.

Everything may be called from any thread, but one subscription has one receiver: the second concurrent `recv` is refused.
Not guaranteed: an order between items that different threads emit concurrently.

Invariants: a subscription's backlog is at most its capacity; items leave the backlog only in the synchronous step in which `recv`
returns them, so a cancelled `recv` loses none; a waiting `recv` has registered its waiter before it looked at the backlog, so neither
an emission nor the end of the last producer (which the garbage collector may cause at any line) can fall between the two.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from collections import deque
from enum import Enum
from types import TracebackType
from typing import Generic, NamedTuple, TypeVar

from proofplane.base.errors import CallerMistake, NeverAgain

T = TypeVar("T")

DEFAULT_CAPACITY = 4096
"""Undelivered items per subscription: two retarget periods of commitments, under 1 MB; beyond it re-reading the store is cheaper anyway."""


class NoItem(Enum):
    """Why `try_recv` has no item."""

    EMPTY = "empty"
    """Nothing now; a producer lives, so there may be more."""
    DISCONNECTED = "disconnected"
    """Nothing now and never again."""


class SubscriptionEnded(NeverAgain):
    """The stream has ended and its backlog is drained, or the subscription was closed: stop receiving."""


class ProducerClosed(CallerMistake):
    """An emission or a clone was asked of a producer that is closed."""


class AlreadyReceiving(CallerMistake):
    """A second `recv` on a subscription whose first one still waits: give each receiver its own subscription."""


class _Waiter(NamedTuple):
    """A `recv` that waits: the future it awaits and the thread that runs the future's loop."""

    future: asyncio.Future[None]
    thread: int

    def wake(self) -> None:
        # A RuntimeError means that the waiter's loop is closed: nobody waits there any more.
        with contextlib.suppress(RuntimeError):
            if self.thread == threading.get_ident():
                _resolve(self.future)
            else:
                self.future.get_loop().call_soon_threadsafe(_resolve, self.future)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class _Registry(Generic[T]):
    """What the producers, feeds and subscriptions of one stream share."""

    def __init__(self) -> None:
        # Guards every field here and in each subscription.
        # Re-entrant, because the garbage collector may release a producer while its own thread is inside.
        self.lock = threading.RLock()
        self.producers: set[object] = set()
        self.entries: list[weakref.ref[Subscription[T]]] = []

    def subscribe(self, capacity: int) -> Subscription[T]:
        subscription = Subscription(self, capacity)
        with self.lock:
            if self.producers:  # nobody would ever prune the entry of an ended stream
                self.entries.append(weakref.ref(subscription))
        return subscription

    def live(self) -> list[Subscription[T]]:
        with self.lock:
            found = [entry() for entry in self.entries]
            return [one for one in found if one is not None and not one.closed]

    def release(self, producer: object) -> None:
        """Ends one producer; ends the stream if it was the last."""
        with self.lock:
            self.producers.discard(producer)
            waiters = [] if self.producers else [one.detach_waiter() for one in self.live()]
        for waiter in waiters:
            if waiter is not None:
                waiter.wake()


class Subscription(Generic[T]):
    """One receiver of a stream; made by `subscribe`, ends by `close` or when it is dropped. Also an async iterator."""

    def __init__(self, registry: _Registry[T], capacity: int) -> None:
        """Raises `CallerMistake` if `capacity` is below 1. Use `Subscribers.subscribe` or `Feed.subscribe`."""
        if capacity < 1:
            raise CallerMistake(f"a subscription holds at least 1 item, not {capacity}")
        self._registry = registry
        self._capacity = capacity
        self._items: deque[T] = deque()
        self._lagged = 0
        self._closed = False
        self._waiter: _Waiter | None = None

    async def recv(self) -> T:
        """Returns the next item, waiting for it; a cancelled call loses none.

        Raises:
            SubscriptionEnded: The last producer is gone and the backlog is drained, or the subscription is closed.
            AlreadyReceiving: Another `recv` of this subscription waits.
        """
        while (got := self.try_recv()) is NoItem.EMPTY:
            await self._arrival()
        if got is NoItem.DISCONNECTED:
            raise SubscriptionEnded("the stream has ended")
        return got

    def try_recv(self) -> T | NoItem:
        """Returns the next item, or why there is none: `DISCONNECTED` only once the backlog is drained."""
        with self._registry.lock:
            if self._items:
                return self._items.popleft()
            return NoItem.DISCONNECTED if self._ended() else NoItem.EMPTY

    def backlog(self) -> int:
        """How many items wait to be received; at most the capacity."""
        return len(self._items)

    @property
    def lagged(self) -> int:
        """How many items were dropped so far because the receiver fell behind; when it has grown, re-read the store."""
        return self._lagged

    @property
    def closed(self) -> bool:
        """Whether its owner has closed it (not whether the stream has ended)."""
        return self._closed

    def close(self) -> None:
        """Ends the subscription and drops its backlog; a waiting `recv` raises `SubscriptionEnded`. Idempotent."""
        with self._registry.lock:
            self._closed = True
            self._items.clear()
            waiter = self.detach_waiter()
        if waiter is not None:
            waiter.wake()

    def accept(self, item: T) -> _Waiter | None:
        """Takes an emitted item and returns the receiver to wake, if any; for the registry, under its lock."""
        if len(self._items) >= self._capacity:
            self._lagged += len(self._items)
            self._items.clear()
        self._items.append(item)
        return self.detach_waiter()

    def detach_waiter(self) -> _Waiter | None:
        """Hands the waiting receiver, if any, to the caller, who must wake it; for the registry, under its lock."""
        waiter, self._waiter = self._waiter, None
        return waiter

    def __aiter__(self) -> Subscription[T]:
        return self

    async def __anext__(self) -> T:
        try:
            return await self.recv()
        except SubscriptionEnded:
            raise StopAsyncIteration from None

    def _ended(self) -> bool:
        return self._closed or not self._registry.producers

    async def _arrival(self) -> None:
        """Returns when there may be something to take or the stream may have ended."""
        waiter = _Waiter(asyncio.get_running_loop().create_future(), threading.get_ident())
        with self._registry.lock:
            if self._waiter is not None:
                raise AlreadyReceiving("this subscription has a receiver that waits already: subscribe once for each receiver")
            self._waiter = waiter
        try:
            if not self._items and not self._ended():
                await waiter.future
        finally:
            with self._registry.lock:
                if self._waiter is waiter:
                    self._waiter = None


class Feed(Generic[T]):
    """The right to subscribe to a stream; not a producer, so keeping it keeps no stream open."""

    def __init__(self, registry: _Registry[T]) -> None:
        """Use `Subscribers.feed`."""
        self._registry = registry

    def subscribe(self, capacity: int = DEFAULT_CAPACITY) -> Subscription[T]:
        """Returns a subscription to everything emitted from now on; one that ends at once if the stream has ended.

        Raises `CallerMistake` if `capacity` (items) is below 1.
        """
        return self._registry.subscribe(capacity)


class Subscribers(Generic[T]):
    """A producer's end of a stream: emits to all who subscribed. A context manager that closes this producer."""

    def __init__(self, _registry: _Registry[T] | None = None) -> None:
        """Begins a stream of which this is the only producer; `clone` makes further ones."""
        self._registry: _Registry[T] = _Registry() if _registry is None else _registry
        token = object()
        with self._registry.lock:
            self._registry.producers.add(token)
        self._finalizer = weakref.finalize(self, self._registry.release, token)
        self._finalizer.atexit = False  # at interpreter exit no receiver is left to be told

    def subscribe(self, capacity: int = DEFAULT_CAPACITY) -> Subscription[T]:
        """Returns a subscription to everything emitted from now on, holding at most `capacity` undelivered items.

        Raises `CallerMistake` if `capacity` is below 1.
        """
        return self._registry.subscribe(capacity)

    def feed(self) -> Feed[T]:
        """Returns the right to subscribe, for whoever must not keep the stream open."""
        return Feed(self._registry)

    def clone(self) -> Subscribers[T]:
        """Returns a further producer of the same stream; raises `ProducerClosed` if this one is closed."""
        with self._registry.lock:
            self._require_open()
            return Subscribers(self._registry)

    def emit(self, item: T) -> None:
        """Gives `item` to every live subscription and prunes the others; never waits. Raises `ProducerClosed`.

        Call it after what the item stands for is durable: a subscriber may look it up at once.
        """
        registry = self._registry
        waiters: list[_Waiter] = []
        with registry.lock:
            self._require_open()
            kept: list[weakref.ref[Subscription[T]]] = []
            for entry in registry.entries:
                subscription = entry()
                if subscription is None or subscription.closed:
                    continue
                kept.append(entry)
                if (waiter := subscription.accept(item)) is not None:
                    waiters.append(waiter)
            registry.entries = kept
        for waiter in waiters:
            waiter.wake()

    def close(self) -> None:
        """Ends this producer; with the last one the stream ends for all subscribers, after their backlog. Idempotent."""
        self._finalizer()

    def registered(self) -> int:
        """Entries in the registry: live subscriptions and those that ended since the last `emit`."""
        return len(self._registry.entries)

    def __len__(self) -> int:
        """Live subscriptions."""
        return len(self._registry.live())

    def __bool__(self) -> bool:
        """Always true: a producer without subscribers is still a producer."""
        return True

    def __enter__(self) -> Subscribers[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _require_open(self) -> None:
        if not self._finalizer.alive:
            raise ProducerClosed("this producer is closed: emit before closing it, or make a new stream")
