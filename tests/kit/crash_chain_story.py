"""The crash tests' Lean chain: signed blocks with a missed slot, a fork and bad ones, gossiped votes and ticks, as events one by one."""

from __future__ import annotations

import pickle
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from proofplane.chain.generate import ChainPlan, generate, keys_of
from proofplane.chain.importer import Importer
from proofplane.chain.memory import MemoryChainStorage
from proofplane.chain.options import ImportOptions
from proofplane.chain.storage import SqliteChainStorage
from proofplane.chain.workers import ThreadWorkers
from proofplane.crypto.xmss import TEST
from proofplane.lean.blocks import store_from_anchor
from proofplane.lean.codec import attestation_data_root, decode_block, decode_state, encode_block, encode_signed_block, encode_state
from proofplane.lean.errors import Rejected
from proofplane.lean.proof import Component
from proofplane.lean.signature_list import SignatureList
from proofplane.lean.store import Store
from proofplane.lean.types import AggregateProof, AttestationData, Participants, Root, SignedAggregate, SignedAttestation, ValidatorIndex

_PLAN = ChainPlan(TEST, validators=4, slots=9, seed="crash tests", missed=frozenset({5}), forks=frozenset({7}), bad=frozenset({4}))


@dataclass(frozen=True, slots=True)
class Tick:
    """The clock goes on to this interval; the node aggregates."""

    interval: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A SignedBlock arrives."""

    raw: bytes


Event = Tick | Delivery | SignedAttestation | SignedAggregate


@dataclass(frozen=True, slots=True)
class ChainStory:
    """What happens to a node, each event one commit at most, and the store that an uninterrupted one has after each."""

    state: bytes
    anchor: bytes
    events: tuple[Event, ...]
    stores: tuple[Store, ...]
    """The first is the anchor's, the others follow their events."""

    def write(self, file: Path) -> None:
        """For `read`, in another process."""
        file.write_bytes(pickle.dumps(self))

    @classmethod
    def read(cls, file: Path) -> ChainStory:
        """Reads `write`."""
        found: ChainStory = pickle.loads(file.read_bytes())
        return found

    def done(self, store: Store) -> int:
        """How many events have happened to a node with this store; fails if no uninterrupted one ever has it."""
        places = [place for place, one in enumerate(self.stores) if one == store]
        assert places, "a restarted node has a store that an uninterrupted one never has"
        return places[-1]


async def chain_story() -> ChainStory:
    """Makes the chain; a fraction of a second."""
    with keys_of(_PLAN, _quiet) as keys:
        chain = generate(_PLAN, keys, _quiet)
        blocks = list(chain.blocks)
        gossip: dict[Root, AttestationData] = {}
        for block in blocks:
            for attestation in block.signed.block.attestations:
                gossip[block.signed.block.parent_root] = attestation.data
        events: list[Event] = []
        for delivered in blocks:
            signed = delivered.signed
            events += [Tick(5 * signed.block.slot), Delivery(encode_signed_block(signed))]
            data = gossip.get(signed.block.root)
            if data is not None and delivered.recorded.rejection is None:
                del gossip[signed.block.root]
                events += _votes(data, keys.attest([ValidatorIndex(n) for n in range(4)], data.slot, attestation_data_root(data)))
    empty = ChainStory(encode_state(chain.state), encode_block(chain.anchor), tuple(events), ())
    stores: list[Store] = []
    async with _importer(empty, MemoryChainStorage()) as importer:
        stores.append(importer.store)
        for event in events:
            await _happen(importer, event)
            stores.append(importer.store)
    return replace(empty, stores=tuple(stores))


async def finish(story: ChainStory, storage: SqliteChainStorage) -> Store:
    """Runs a node from where its storage has come to up to the story's end, and returns its store."""
    async with _importer(story, storage) as importer:
        for event in story.events[story.done(importer.store) :]:
            await _happen(importer, event)
        return importer.store


@asynccontextmanager
async def _importer(story: ChainStory, storage: MemoryChainStorage | SqliteChainStorage) -> AsyncIterator[Importer]:
    store = storage.load()
    if store is None:
        state, anchor = decode_state(story.state), decode_block(story.anchor)
        store = store_from_anchor(state, anchor)
        await storage.begin(state, anchor, store)
    with ThreadWorkers() as workers:
        importer = Importer(storage, SignatureList(TEST), workers, store, ImportOptions(threads=1))
        try:
            yield importer
        finally:
            await importer.aclose()


async def _happen(importer: Importer, event: Event) -> None:
    match event:
        case Tick():
            await importer.tick(event.interval, has_proposal=True, is_aggregator=True)
        case Delivery():
            with suppress(Rejected):
                await importer.import_block(event.raw)
        case SignedAttestation():
            await importer.attestation(event, is_aggregator=True)
        case SignedAggregate():
            await importer.aggregate(event)


def _votes(data: AttestationData, signed: Sequence[tuple[bytes, bytes]]) -> list[Event]:
    """All four validators vote: one alone, two in an aggregate, the last one alone again; then an aggregation round, and they count."""
    (_, first), *pair, (_, last) = signed
    component = Component(tuple([key for key, _ in pair]), attestation_data_root(data), data.slot)
    proof = AggregateProof(Participants.of((1, 2), 4), SignatureList(TEST).merge(component, [], pair))
    return [
        Tick(5 * data.slot + 1),
        SignedAttestation(ValidatorIndex(0), data, first),
        SignedAggregate(data, proof),
        SignedAttestation(ValidatorIndex(3), data, last),
        Tick(5 * data.slot + 2),
        Tick(5 * data.slot + 4),
    ]


def _quiet(what: str, done: int, of: int) -> None:
    pass
