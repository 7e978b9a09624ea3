"""The importer: takes blocks, time and votes into the store; signatures beside the transition, one barrier, one writer.

Stages: bytes -> SignedBlock -> GuardedBlock -> (SignaturesVerified, PostState) -> ImportableBlock -> ImportedBlock.

Rules:
1. Guards come first and cost next to nothing (`guards`). An already imported block is accepted, whatever proof came with it.
2. A and B run beside each other and the barrier makes one verdict of them (`barrier`), the same as the sequential order: A, then B.
   A parent's state that is not in memory may take hundreds of transitions to make again, and whoever sends a block chooses its parent:
   such a block takes the sequential order itself, on a worker.
   A trusted block has no A. Only blocks that this node or a test made are trusted: nothing that came from a network may be.
3. Only reasons of B are remembered, by block root, and looked up only once A has passed, where they save B (`invalid_roots`).
   A child of a remembered block gets UNKNOWN_PARENT_BLOCK, as any block whose parent has no state, and is not kept.
4. The one writer (`writer`) checks again what may have changed (block known by now? parent still there?), runs fork choice, commits, and
   shows the new store; the commit stream gets the block after that, exactly once. Ticks and votes pass the same writer.
5. A block without its parent gets UNKNOWN_PARENT_BLOCK and is kept (`waiting`). When the parent is imported, a task of the importer
   imports it: a new event, whose success is on the commit stream and whose failure only observers see.
6. At most `BLOCKS_IN_FLIGHT` deliveries are worked on at a time; the others wait in `import_block`, before their bytes are decoded.
7. Whoever opened the workers and the storage closes them, after `aclose`.

Invariants: a refused, unchecked or cancelled delivery leaves the store as it was or, if its commit had begun and succeeded, as it is
after the block. No task outlives the call or the importer that owns it, save one that never answers (`barrier` rule 6). Guard and keeping
are one step of the event loop, as are the new store and the release of who waits for it: no child can fall between the two.
Not guaranteed: an order among blocks that are delivered at the same time; whoever needs one awaits each.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from proofplane.chain.barrier import passed, run_all, verdict
from proofplane.chain.errors import ImporterClosed, MissingState, ParentGone
from proofplane.chain.guards import check_data_distinct, check_slot_has_come, is_news
from proofplane.chain.invalid_roots import InvalidRoots
from proofplane.chain.key_cache import KeyCache
from proofplane.chain.observers import Observers
from proofplane.chain.options import BLOCKS_IN_FLIGHT, ImportOptions
from proofplane.chain.ports import ChainStorage, Observer, Workers
from proofplane.chain.tasks import Failed, Passed, Task, Unknown, signatures_task, transition_task
from proofplane.chain.timings import Stopwatch
from proofplane.chain.types import (
    GuardedBlock,
    ImportableBlock,
    ImportedBlock,
    ImportResult,
    Outcome,
    SignaturesVerified,
    Step,
)
from proofplane.chain.votes import VoteIntake
from proofplane.chain.waiting import WaitingBlocks
from proofplane.chain.writer import StoreWriter
from proofplane.lean.aggregation import aggregate
from proofplane.lean.blocks import accept_block, node_of
from proofplane.lean.codec import decode_signed_block, size_without_proof
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.proof import ProofBackend
from proofplane.lean.ssz import State
from proofplane.lean.store import Store
from proofplane.lean.ticks import on_tick
from proofplane.lean.types import Registry, Root, SignedAggregate, SignedAttestation, SignedBlock
from proofplane.service.subscriptions import Feed, Subscribers

SMALL_BLOCK_BYTES = 32 << 10
"""Up to this size without its proof a block is decoded on the event loop. Decoding includes the block's root, 0.1 ms for each attestation
of the body: 30 ms at most here, half a second for a body full of them. A proof is only copied."""

_log = logging.getLogger(__name__)


class Importer:
    """One store and everything that changes it; used from one event loop, ended by `aclose`."""

    def __init__(
        self,
        storage: ChainStorage,
        backend: ProofBackend,
        workers: Workers,
        store: Store,
        options: ImportOptions | None = None,
        observer: Observer | None = None,
    ) -> None:
        """`store` must be what `storage` holds; `backend` checks the proofs of its chain."""
        self._storage = storage
        self._backend = backend
        self._workers = workers
        self._options = options or ImportOptions()
        self._observer = Observers(*([] if observer is None else [observer]))
        self._writer = StoreWriter(storage, store, self._observer)
        self._keys = KeyCache()
        self._heads_registry: Registry | None = None
        self._invalid = InvalidRoots()
        self._waiting = WaitingBlocks(self._options.waiting_blocks, self._options.waiting_bytes)
        self._commits: Subscribers[ImportedBlock] = Subscribers()
        self._slots = asyncio.Semaphore(BLOCKS_IN_FLIGHT)
        self._ready: deque[Root] = deque()
        """Imported blocks whose waiting children are due."""
        self._later: asyncio.Task[None] | None = None
        """Imports waiting children; ends when none is due."""
        self._closed = False
        self._entered = 0
        self._left = asyncio.Event()

    @property
    def store(self) -> Store:
        """The current store, durable and whole."""
        return self._writer.store

    @property
    def commits(self) -> Feed[ImportedBlock]:
        """The stream of imported blocks, each after it is durable and in the store; ends with the importer."""
        return self._commits.feed()

    async def import_block(self, raw: bytes) -> ImportResult:
        """Imports a block from the bytes of a SignedBlock.

        Cancelled: returns when both tasks, or the commit, have ended; see the invariants.

        Raises:
            Rejected: The block is invalid, or cannot be imported as things are (UNKNOWN_PARENT_BLOCK, BLOCK_SLOT_IN_FUTURE).
            CouldNotCheck, ParentGone, StorageBusy: Says nothing about the block; send it again.
            StorageFull, StorageBroken, MissingState: The storage fails; the first leaves the importer usable.
            ImporterClosed: `aclose` was called.
        """
        async with self._slot():
            watch = Stopwatch()
            try:
                signed = await self._decoded(raw, watch)
            except Rejected as refusal:
                self._observer.rejected(None, refusal.reason, watch.timings())
                raise
            return await self._import(signed, watch, trusted=False)

    async def import_signed(self, signed: SignedBlock, trusted: bool = False) -> ImportResult:
        """Imports a decoded block; a trusted one without looking at its proof, which nothing from a network may be. Raises as
        `import_block`."""
        async with self._slot():
            return await self._import(signed, Stopwatch(), trusted=trusted)

    async def tick(self, target_interval: int, has_proposal: bool, is_aggregator: bool) -> None:
        """Moves the store's clock to so many intervals after genesis, with each interval's duty; raises what a commit raises."""

        def aggregated(store: Store) -> Store:
            return aggregate(store, self._backend, self._registry(store))

        def moved(store: Store) -> Store:
            return on_tick(store, target_interval, has_proposal, is_aggregator, aggregated)

        async with self._open():
            await self._writer.change(moved)

    async def attestation(self, signed: SignedAttestation, is_aggregator: bool) -> None:
        """Checks one validator's vote, and keeps it if this node aggregates.

        Raises:
            Rejected: The vote is refused.
            CouldNotCheck, PoolFull: Says nothing about the vote.
            StorageFull, StorageBroken, StorageBusy, MissingState, ImporterClosed: As `import_block`.
        """
        async with self._slot():
            await self._intake().attestation(signed, is_aggregator)

    async def aggregate(self, signed: SignedAggregate) -> None:
        """Checks an aggregated vote and keeps it as pending; raises as `attestation`."""
        async with self._slot():
            await self._intake().aggregate(signed)

    async def settled(self) -> None:
        """Returns when no child of an imported block is left to be imported."""
        while self._later is not None and not self._later.done():
            await asyncio.wait([self._later])

    async def aclose(self) -> None:
        """Takes nothing more, drops who waits for a parent, lets what was begun end, and ends the commit stream. Idempotent."""
        self._closed = True
        if self._later is not None:
            self._later.cancel()
            await self.settled()
        while self._entered:
            self._left.clear()
            await self._left.wait()
        self._commits.close()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        """Counts a call in and out, so that `aclose` waits for it; raises `ImporterClosed`."""
        if self._closed:
            raise ImporterClosed("the importer is closed: open another one")
        self._entered += 1
        try:
            yield
        finally:
            self._entered -= 1
            self._left.set()

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """A call that checks signatures: one of `BLOCKS_IN_FLIGHT`."""
        async with self._open(), self._slots:
            yield

    async def _decoded(self, raw: bytes, watch: Stopwatch) -> SignedBlock:
        if size_without_proof(raw) <= SMALL_BLOCK_BYTES:
            with watch.step(Step.DECODE):
                return decode_signed_block(raw)
        stop = threading.Event()
        task = Task("decoding", lambda: decode_signed_block(raw), stop, stops_others=False)
        await run_all(self._workers, [task], stop, parallel=True, seconds=self._options.task_seconds)
        watch.add(Step.DECODE, task.span)
        return passed("the bytes of the block", task.end())

    async def _import(self, signed: SignedBlock, watch: Stopwatch, *, trusted: bool) -> ImportResult:
        root = signed.block.root
        watch.attestations = len(signed.block.attestations)
        try:
            with watch.step(Step.GUARDS):
                guarded = self._guarded(signed, watch, trusted=trusted)
            if guarded is None:
                return ImportResult(Outcome.ALREADY_KNOWN, root)
            importable = await self._checked(guarded, watch, trusted=trusted)
        except Rejected as refusal:
            self._observer.rejected(root, refusal.reason, watch.timings())
            raise
        return await self._commit(importable, watch)

    def _guarded(self, signed: SignedBlock, watch: Stopwatch, *, trusted: bool) -> GuardedBlock | None:
        """Applies the guards; None for a block that is in the store. Keeps a block whose parent may still come."""
        block, store = signed.block, self.store
        try:
            if not is_news(store, block):
                return None
        except Rejected as refusal:
            if refusal.reason is Reason.UNKNOWN_PARENT_BLOCK and not trusted:
                self._keep(signed)
            raise
        watch.slots = block.slot - store.blocks[block.parent_root].slot
        state = self._storage.state_at_hand(block.parent_root)
        registry = self._registry(store) if state is None else self._keys.registry(state)
        return GuardedBlock(signed, registry, state)

    def _keep(self, signed: SignedBlock) -> None:
        """Keeps a block for its parent, unless a guard would refuse it then anyway, or the parent will never come."""
        if signed.block.parent_root in self._invalid:
            return
        try:
            check_data_distinct(signed.block)
            check_slot_has_come(self.store, signed.block)
        except Rejected:
            return
        self._waiting.keep(signed, self.store.blocks[self.store.head].slot)

    async def _checked(self, guarded: GuardedBlock, watch: Stopwatch, *, trusted: bool) -> ImportableBlock:
        """Runs A beside B; raises by their precedence."""
        root = guarded.signed.block.root
        remembered = self._invalid.refusal(root)
        stop = threading.Event()
        threads = self._options.threads if self._options.parallel else 1
        a = signatures_task(guarded, self._backend, threads, stop)
        b = transition_task(guarded, self._state, stop)
        tasks: list[Task[Any]] = ([] if trusted else [a]) + ([b] if remembered is None else [])
        parallel = self._options.parallel and guarded.parent_state is not None
        await run_all(self._workers, tasks, stop, parallel=parallel, seconds=self._options.task_seconds)
        watch.add(Step.SIGNATURES, a.span)
        watch.add(Step.TRANSITION, b.span)
        watch.add_barrier()
        a_end = Passed(SignaturesVerified(root, None)) if trusted else a.end()
        b_end = b.end() if remembered is None else Failed(remembered)
        self._note_votes(guarded.signed, a_end, watch)
        if isinstance(a_end, Passed) and isinstance(b_end, Failed):
            self._invalid.remember(root, b_end.refusal)
            self._waiting.drop_descendants(root)
        signatures, post = verdict(a_end, b_end)
        return ImportableBlock(guarded, signatures, post)

    async def _commit(self, importable: ImportableBlock, watch: Stopwatch) -> ImportResult:
        block = importable.guarded.signed.block
        node = node_of(block, importable.post.state)

        def accepted(store: Store) -> Store:
            if block.root not in store.blocks and block.parent_root not in store.blocks:
                raise ParentGone(f"block {block.root.hex()} lost its parent {block.parent_root.hex()} while it was checked: send it again")
            return accept_block(store, block, node)

        def committed(store: Store) -> None:
            head = store.blocks[store.head]
            event = ImportedBlock(
                block.slot, block.root, block.parent_root, store.head, head.slot, store.latest_justified, store.latest_finalized
            )
            self._commits.emit(event)
            self._observer.imported(event, watch.timings())
            self._release_children(block.root)

        news = await self._writer.change(accepted, importable, committed, watch)
        return ImportResult(Outcome.IMPORTED if news else Outcome.ALREADY_KNOWN, block.root)

    def _release_children(self, parent: Root) -> None:
        if self._closed or not self._waiting.waits_for(parent):
            return
        self._ready.append(parent)
        if self._later is None or self._later.done():
            self._later = asyncio.create_task(self._import_children(), name="children of imported blocks")

    async def _import_children(self) -> None:
        while self._ready:
            signed = self._waiting.take_child(self._ready[0])
            if signed is None:
                self._ready.popleft()
                continue
            try:
                async with self._slots:
                    await self._import(signed, Stopwatch(), trusted=False)
            except Rejected:
                pass  # observers were told; whoever sent it has had an answer
            except Exception as error:
                _log.warning("block %s had waited for its parent and could not be imported: %s", signed.block.root.hex(), error)

    def _note_votes(self, signed: SignedBlock, end: Passed[SignaturesVerified] | Failed | Unknown, watch: Stopwatch) -> None:
        """Tells observers about the votes of a block's body: all hold, or the proof does not and none counts."""
        votes = sum(attestation.participants.count() for attestation in signed.block.attestations)
        if isinstance(end, Passed) and end.value.witness is not None:
            watch.signatures, watch.verifiers = end.value.witness.signatures, end.value.witness.spans
            self._observer.votes_checked("block", votes, 0)
        elif isinstance(end, Failed) and end.refusal.reason is Reason.INVALID_BLOCK_PROOF:
            self._observer.votes_checked("block", 0, votes)

    def _state(self, root: Root) -> State:
        state = self._storage.state(root)
        if state is None:
            raise MissingState(f"the storage lacks the state after block {root.hex()}, which the store has: it is damaged")
        return state

    def _registry(self, store: Store) -> Registry:
        """The registry of the head's state, which is that of every state of the store: no block can change it.

        Asked for once, because after a start that state has to be made again, which the event loop waits for.
        """
        if self._heads_registry is None:
            self._heads_registry = self._keys.registry(self._state(store.head))
        return self._heads_registry

    def _intake(self) -> VoteIntake:
        registry = self._registry(self.store)
        return VoteIntake(self._writer, self._workers, self._backend, self._observer, registry, self._options)
