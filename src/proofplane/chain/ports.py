"""What the importer needs from outside: threads to work on, a place to keep things, somebody to tell."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, TypeVar

from proofplane.chain.types import ImportedBlock, StepTimings
from proofplane.lean.errors import Reason
from proofplane.lean.ssz import State
from proofplane.lean.store import Store
from proofplane.lean.types import Root, SignedBlock

T = TypeVar("T")


class Workers(Protocol):
    """Threads for the two tasks of an import."""

    def submit(self, name: str, task: Callable[[], T]) -> Future[T]:
        """Starts `task` on a thread of its own.

        Raises:
            WorkersUnavailable: Nobody can take it (all busy, closed, no thread can be started); the caller runs it in place.
        """


class ChainStorage(Protocol):
    """Durable blocks, states and store. Everything of one change is one transaction; nothing is visible before it is durable."""

    def state(self, root: Root) -> State | None:
        """The post-state of an imported block, a view of which the caller may change only a copy; None if the block is not imported.

        A state that is no longer kept is computed again from the nearest snapshot, which takes a transition for each block between.
        May be called from any thread.
        """

    def state_at_hand(self, root: Root) -> State | None:
        """The same if it is in memory, so that it costs nothing; None if it is not, or the block is not imported."""

    async def commit(self, before: Store, after: Store, imported: SignedBlock | None = None, state: State | None = None) -> None:
        """Makes the step from `before` to `after` durable, with the block and the post-state that caused it, if one did.

        Cancelled: waits until the transaction has ended and then raises; whoever called finds out by `load`.

        Raises:
            StorageFull, StorageBroken, StorageBusy: See `storage.Database.write`; nothing was written.
        """


class Observer(Protocol):
    """Sees what importing does; must not fail or take long. Metrics and traces are observers."""

    def imported(self, block: ImportedBlock, timings: StepTimings) -> None:
        """A block is durable and part of the store."""

    def rejected(self, root: Root | None, reason: Reason, timings: StepTimings) -> None:
        """A block was refused; `root` is None if not even that could be read."""

    def store_changed(self, store: Store) -> None:
        """Something changed the store: a block, a tick, a vote."""

    def votes_checked(self, source: str, valid: int, invalid: int) -> None:
        """Signatures of votes were checked; `source` is "block" or "gossip"."""
