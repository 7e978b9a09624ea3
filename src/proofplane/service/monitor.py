"""Watching a service's status: the service publishes, any number of monitors read the newest or wait for changes."""

from __future__ import annotations

from typing import Generic, TypeVar

from proofplane.service.inputs import StreamInput
from proofplane.service.subscriptions import Subscribers

S = TypeVar("S")

LISTENER_CAPACITY = 100
"""Undelivered statuses per listener; a status says everything, so beyond it the newest replaces them all."""


class StatusCell(Generic[S]):
    """The publisher's side: the newest status and who waits for the next."""

    def __init__(self, initial: S) -> None:
        """`initial` is the status until the first `publish`; frozen values only, as readers share them."""
        self._current = initial
        self._changes: Subscribers[S] = Subscribers()

    def current(self) -> S:
        """The newest status."""
        return self._current

    def publish(self, status: S) -> None:
        """Replaces the status and wakes the monitors; never waits. Nothing may be published after `close`."""
        self._current = status
        self._changes.emit(status)

    def close(self) -> None:
        """Says that no status will follow: the last one stays readable. Idempotent."""
        self._changes.close()

    def monitor(self) -> Monitor[S]:
        """Returns a fresh monitor, for which everything published so far is old."""
        return Monitor(self)

    def listen(self, capacity: int = LISTENER_CAPACITY) -> StreamInput[S]:
        """Returns an input of the statuses published from now on; beyond `capacity` unread ones the newest replaces them."""
        return StreamInput(self._changes.subscribe(capacity))


class Monitor(Generic[S]):
    """A reader's side; each reader that waits for changes has its own."""

    def __init__(self, cell: StatusCell[S]) -> None:
        """Use `StatusCell.monitor`."""
        self._cell = cell
        self._changes = cell.listen(capacity=1).subscription

    def current(self) -> S:
        """The newest status; the last one when the service has ended."""
        return self._cell.current()

    async def changed(self) -> S:
        """Waits for a status newer than the last one this returned and returns the newest; intermediate ones are merged.

        Raises `SubscriptionEnded` when the service has ended and its last status was returned.
        """
        return await self._changes.recv()

    def listen(self, capacity: int = LISTENER_CAPACITY) -> StreamInput[S]:
        """Returns an input of the statuses published from now on, for another service; ends with the watched one."""
        return self._cell.listen(capacity)

    def fresh(self) -> Monitor[S]:
        """Returns another monitor of the same service, for another reader."""
        return Monitor(self._cell)
