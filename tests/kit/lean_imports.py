"""Importers for tests: proofs that say what they are, workers that wait to be told, a storage that fails when asked, an observer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from kit.lean_branches import Branches
from proofplane.chain.errors import WorkersUnavailable
from proofplane.chain.importer import Importer
from proofplane.chain.memory import MemoryChainStorage
from proofplane.chain.options import ImportOptions
from proofplane.chain.ports import Workers
from proofplane.chain.types import ImportedBlock, StepTimings
from proofplane.lean.codec import make_block
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.proof import Component, ProofInvalid, ProofVerified
from proofplane.lean.ssz import State
from proofplane.lean.store import Store
from proofplane.lean.types import Root, SignedBlock, Slot

T = TypeVar("T")

GOOD = b"good"
BAD = b"bad"


class FlagBackend:
    """A proof holds unless it begins with `BAD`; one in `errors` cannot be checked at all."""

    capacity = 1 << 30

    def __init__(self) -> None:
        self.checked: list[bytes] = []
        """Proofs and signatures in the order of the calls."""
        self.errors: dict[bytes, BaseException] = {}

    def verify_multi(self, components: Sequence[Component], proof: bytes, threads: int) -> ProofVerified:
        self._check(proof)
        return ProofVerified(sum(len(component.keys) for component in components), ())

    def verify_single(self, component: Component, proof: bytes, threads: int) -> ProofVerified:
        return self.verify_multi([component], proof, threads)

    def verify_signature(self, key: bytes, slot: Slot, message: Root, signature: bytes) -> None:
        self._check(signature)

    def merge(self, component: Component, children: Sequence[bytes], votes: Sequence[tuple[bytes, bytes]]) -> bytes:
        return GOOD + b" merged"

    def join(self, proofs: Sequence[bytes]) -> bytes:
        return GOOD + b" joined"

    def _check(self, proof: bytes) -> None:
        self.checked.append(proof)
        if proof in self.errors:
            raise self.errors[proof]
        if proof.startswith(BAD):
            raise ProofInvalid("it says so itself")


class HeldWorkers:
    """Takes every task and runs none until told, in the test's own thread: any order of ends, without a sleep."""

    def __init__(self) -> None:
        self.held: list[tuple[str, Callable[[], Any], Future[Any]]] = []

    def submit(self, name: str, task: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        self.held.append((name, task, future))
        return future

    def names(self) -> list[str]:
        """What is held, oldest first."""
        return [name for name, _, _ in self.held]

    def run(self, name: str) -> None:
        """Runs the oldest held task of that name to its end."""
        _, task, future = self._take(name)
        try:
            future.set_result(task())
        except BaseException as error:
            future.set_exception(error)

    def die(self, name: str, error: BaseException) -> None:
        """Ends the task of that name without running it, as an executor does whose thread died."""
        self._take(name)[2].set_exception(error)

    def run_all(self) -> None:
        """Runs whatever is held, oldest first."""
        while self.held:
            self.run(self.held[0][0])

    def _take(self, name: str) -> tuple[str, Callable[[], Any], Future[Any]]:
        place = self.names().index(name)
        return self.held.pop(place)


class LoopWorkers:
    """Runs every task on the event loop, a turn after it was submitted: each of an import's awaits takes a known number of turns."""

    def submit(self, name: str, task: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        asyncio.get_running_loop().call_soon(lambda: future.set_result(task()))
        return future


class NoWorkers:
    """Refuses every task whose name is in `refused`, or all; the others run at once."""

    def __init__(self, *refused: str) -> None:
        self._refused = refused

    def submit(self, name: str, task: Callable[[], T]) -> Future[T]:
        if not self._refused or name in self._refused:
            raise WorkersUnavailable("nobody is there")
        future: Future[T] = Future()
        future.set_result(task())
        return future


class FaultyStorage(MemoryChainStorage):
    """A storage in memory whose commits can be held and made to fail, and which counts."""

    def __init__(self) -> None:
        super().__init__()
        self.failure: BaseException | None = None
        """Raised by every commit while it is set; nothing is written then."""
        self.gate: asyncio.Event | None = None
        """A commit waits for it, if it is set."""
        self.began = asyncio.Event()
        """Set once a commit has begun."""
        self.commits = 0
        self.forgotten = False
        """No state is at hand: each has to be made again."""
        self.replays: list[tuple[Root, threading.Thread]] = []
        """Which were, and on which thread."""

    def state(self, root: Root) -> State | None:
        if self.forgotten:
            self.replays.append((root, threading.current_thread()))
        return super().state(root)

    def state_at_hand(self, root: Root) -> State | None:
        return None if self.forgotten else super().state_at_hand(root)

    async def commit(self, before: Store, after: Store, imported: SignedBlock | None = None, state: State | None = None) -> None:
        self.began.set()
        if self.gate is not None:
            await self.gate.wait()
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        await super().commit(before, after, imported, state)
        self.commits += 1


@dataclass
class Notes:
    """An observer that keeps what it is told."""

    blocks: list[tuple[ImportedBlock, StepTimings]] = field(default_factory=list)
    refusals: list[tuple[Root | None, Reason]] = field(default_factory=list)
    votes: list[tuple[str, int, int]] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)

    def imported(self, block: ImportedBlock, timings: StepTimings) -> None:
        self.blocks.append((block, timings))

    def rejected(self, root: Root | None, reason: Reason, timings: StepTimings) -> None:
        self.refusals.append((root, reason))

    def store_changed(self, store: Store) -> None:
        self.stores.append(store)

    def votes_checked(self, source: str, valid: int, invalid: int) -> None:
        self.votes.append((source, valid, invalid))


class Rig:
    """An importer at slot 1,000 of an empty chain, with all that it stands on in reach."""

    def __init__(self, workers: Workers | None = None, **options: Any) -> None:
        """`options` are those of `ImportOptions`; `open` comes next."""
        self.branches = Branches()
        self.backend = FlagBackend()
        self.workers: Any = workers if workers is not None else HeldWorkers()
        self.storage = FaultyStorage()
        self.notes = Notes()
        self._options = ImportOptions(**{"threads": 1, **options})

    async def open(self) -> Rig:
        """Begins the chain; returns the rig."""
        store = replace(self.branches.store(), time=5 * 1000)
        await self.storage.begin(self.branches.anchor_state, self.branches.anchor, store)
        self.importer = Importer(self.storage, self.backend, self.workers, store, self._options, self.notes)
        self.events = self.importer.commits.subscribe()
        self.anchor = self.branches.anchor.root
        return self

    def child(self, parent: Root, slot: int, proof: bytes = GOOD) -> SignedBlock:
        """A block on `parent` that the transition accepts."""
        return replace(self.branches.child(parent, slot), proof=proof)

    def bad_state(self, parent: Root, slot: int, proof: bytes = GOOD) -> SignedBlock:
        """A block on `parent` that the transition refuses with STATE_ROOT_MISMATCH."""
        good = self.branches.child(parent, slot).block
        bad = make_block(good.slot, good.proposer_index, good.parent_root, Root(bytes([7]) * 32), good.attestations)
        return SignedBlock(bad, proof)

    async def reason(self, signed: SignedBlock) -> Reason | None:
        """Imports a block; why it was refused, None if it was not."""
        try:
            await self.importer.import_signed(signed)
        except Rejected as refusal:
            return refusal.reason
        return None

    def emitted(self) -> list[Root]:
        """Roots on the commit stream that were not taken yet."""
        found = []
        while isinstance(item := self.events.try_recv(), ImportedBlock):
            found.append(item.root)
        return found
