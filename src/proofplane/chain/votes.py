"""A gossiped vote is checked outside the writer's turn and applied inside it, without paying for its signatures twice.

The rules for a vote check and apply it in one pure step. Run under the writer's lock that step would keep blocks waiting for signatures;
run before it, its result would belong to a store that may have changed. So it runs twice: on a worker against a snapshot, and again in
the writer's turn against the current store, where a signature that has just been verified is recognised.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from proofplane.base.errors import ProofplaneError
from proofplane.chain.barrier import passed, run_all
from proofplane.chain.options import ImportOptions
from proofplane.chain.ports import Observer, Workers
from proofplane.chain.tasks import Failed, Task, Unknown
from proofplane.chain.writer import StoreWriter
from proofplane.lean.errors import Reason
from proofplane.lean.gossip import accept_aggregate, accept_attestation
from proofplane.lean.proof import Component, ProofBackend, ProofVerified
from proofplane.lean.store import Store
from proofplane.lean.types import Registry, Root, SignedAggregate, SignedAttestation, Slot


class VerifiedOnce:
    """A backend that remembers what it has verified, for one vote; everything else it asks of the backend behind it."""

    def __init__(self, backend: ProofBackend) -> None:
        self._backend = backend
        self._proof: tuple[Component, bytes, ProofVerified] | None = None
        self._signature: tuple[bytes, Slot, Root, bytes] | None = None

    @property
    def capacity(self) -> int:
        return self._backend.capacity

    def verify_multi(self, components: Sequence[Component], proof: bytes, threads: int) -> ProofVerified:
        return self._backend.verify_multi(components, proof, threads)

    def verify_single(self, component: Component, proof: bytes, threads: int) -> ProofVerified:
        """Checks a proof, unless it is the one that was found valid last for an equal component; raises `ProofInvalid`."""
        if self._proof is not None and self._proof[:2] == (component, proof):
            return self._proof[2]
        verified = self._backend.verify_single(component, proof, threads)
        self._proof = (component, proof, verified)
        return verified

    def verify_signature(self, key: bytes, slot: Slot, message: Root, signature: bytes) -> None:
        """Checks a signature, unless it is the one that was found valid last; raises `ProofInvalid`."""
        claim = (key, slot, message, signature)
        if self._signature != claim:
            self._backend.verify_signature(key, slot, message, signature)
            self._signature = claim

    def merge(self, component: Component, children: Sequence[bytes], votes: Sequence[tuple[bytes, bytes]]) -> bytes:
        return self._backend.merge(component, children, votes)

    def join(self, proofs: Sequence[bytes]) -> bytes:
        return self._backend.join(proofs)


class VoteIntake:
    """Takes one gossiped vote into the store."""

    def __init__(
        self,
        writer: StoreWriter,
        workers: Workers,
        backend: ProofBackend,
        observer: Observer,
        registry: Registry,
        options: ImportOptions,
    ) -> None:
        """`registry` is that of every state of the store: no block can change it."""
        self._writer = writer
        self._workers = workers
        self._backend = VerifiedOnce(backend)
        self._observer = observer
        self._registry = registry
        self._options = options

    async def attestation(self, signed: SignedAttestation, is_aggregator: bool) -> None:
        """Takes one validator's vote; raises as `Importer.attestation`."""
        await self._take(lambda store: accept_attestation(store, signed, self._registry_of, self._backend, is_aggregator), 1)

    async def aggregate(self, signed: SignedAggregate) -> None:
        """Takes an aggregated vote; raises as `Importer.attestation`."""
        threads = self._options.threads if self._options.parallel else 1
        voters = signed.proof.participants.count()
        await self._take(lambda store: accept_aggregate(store, signed, self._registry_of, self._backend, threads), voters)

    async def _take(self, accept: Callable[[Store], Store], voters: int) -> None:
        snapshot, stop = self._writer.store, threading.Event()
        task = Task("vote", lambda: accept(snapshot), stop, stops_others=False)
        await run_all(self._workers, [task], stop, parallel=True, seconds=self._options.task_seconds)
        end = task.end()
        if isinstance(end, Failed) and end.refusal.reason is Reason.INVALID_SIGNATURE:
            self._observer.votes_checked("gossip", 0, voters)
        if isinstance(end, Unknown) and isinstance(end.cause, ProofplaneError):
            raise end.cause  # the rules' own word for why they could not check: a full pool, a lost state
        passed("the signatures of the vote", end)
        self._observer.votes_checked("gossip", voters, 0)
        await self._writer.change(accept)

    def _registry_of(self, root: Root) -> Registry:
        return self._registry
