"""The one writer of a store: decides on the current store, makes the step durable, then shows it.

Rules:
1. One change at a time: decide (pure, on the current store) -> storage commit -> replace the store -> tell. Nothing awaits between the
   decision and the hand-over to the storage, nor between the commit's end and the last of the telling.
2. A change that leaves the store as it is costs no commit and tells nobody.
3. Cancelled before the hand-over: nothing has changed. Cancelled after it, once or more often: the transaction ends first, and its
   outcome decides; if it is durable, the store is replaced and everybody told, exactly once, and only then the caller learns of its
   cancellation.
4. `StorageFull` and `StorageBusy` say that nothing was written, so the store stays and the next change may be tried.
   After any other error of a commit nobody knows what is durable: every further change is refused until a restart has looked.

Invariant: outside of a commit that runs, the store equals what is durable.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from proofplane.base.errors import ProofplaneError
from proofplane.chain.ports import ChainStorage, Observer
from proofplane.chain.timings import Stopwatch
from proofplane.chain.types import ImportableBlock, Step
from proofplane.lean.store import Store
from proofplane.storage.errors import StorageBroken, StorageBusy, StorageFull

_log = logging.getLogger(__name__)

Decide = Callable[[Store], Store]
"""The store after a change, or the very same object if there is nothing to change; raises to refuse."""


class StoreWriter:
    """Holds the current store; used from one event loop."""

    def __init__(self, storage: ChainStorage, store: Store, observer: Observer) -> None:
        """`store` must be what `storage` holds."""
        self._storage = storage
        self._observer = observer
        self._store = store
        self._turn = asyncio.Lock()
        self._broken: BaseException | None = None

    @property
    def store(self) -> Store:
        """The current store: durable, and whole."""
        return self._store

    async def change(
        self,
        decide: Decide,
        block: ImportableBlock | None = None,
        committed: Callable[[Store], None] | None = None,
        watch: Stopwatch | None = None,
    ) -> bool:
        """Changes the store, and returns whether there was anything to change.

        Args:
            decide: Gives the next store; must not await nor fail halfway.
            block: What the change stands for, to be stored with its post-state: there is no other way for a block to be stored.
            committed: Called with the new store when it is current, before anybody else can change it.
            watch: Times fork choice and commit.

        Raises:
            StorageFull, StorageBusy: Nothing was written.
            StorageBroken: The database failed, now or before: restart.
            Exception: What `decide` raised; the store is as it was.
        """
        async with self._turn:
            if self._broken is not None:
                raise StorageBroken(f"an earlier commit failed and may or may not be durable: restart ({self._broken})") from self._broken
            before = self._store
            with _timed(watch, Step.FORK_CHOICE):
                after = decide(before)
            if after is before:
                return False
            cancelled = await self._commit(before, after, block, watch)
            self._store = after
            if committed is not None:
                committed(after)
            self._observer.store_changed(after)
            if cancelled:
                raise asyncio.CancelledError
            return True

    async def _commit(self, before: Store, after: Store, block: ImportableBlock | None, watch: Stopwatch | None) -> bool:
        """Returns once the step is durable, and whether the caller was cancelled meanwhile; raises if it is not durable."""
        signed, state = (None, None) if block is None else (block.guarded.signed, block.post.state)
        with _timed(watch, Step.COMMIT):
            # A task of its own, so that a cancelled caller does not cancel it: its outcome has to be known.
            commit = asyncio.ensure_future(self._storage.commit(before, after, signed, state))
            cancelled = False
            while not commit.done():
                try:
                    await asyncio.wait([commit])
                except asyncio.CancelledError:
                    cancelled = True
        failure = asyncio.CancelledError() if commit.cancelled() else commit.exception()
        if failure is None:
            return cancelled
        if not isinstance(failure, StorageFull | StorageBusy):
            self._broken = failure
            _log.error("a commit failed and may or may not be durable, the store takes no further change", exc_info=failure)
        if cancelled:
            raise asyncio.CancelledError from failure
        if isinstance(failure, ProofplaneError):
            raise failure
        raise StorageBroken(f"the commit failed: {type(failure).__name__}: {failure}; restart") from failure


def _timed(watch: Stopwatch | None, step: Step) -> AbstractContextManager[None]:
    return nullcontext() if watch is None else watch.step(step)
