"""Runner of the fork_choice family: steps go through a real importer, the whole store is compared after each (reference section 15.2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from proofplane.chain.importer import Importer
from proofplane.chain.memory import MemoryChainStorage
from proofplane.chain.options import ImportOptions
from proofplane.chain.vectors.checks import StepView, run_checks
from proofplane.chain.vectors.fields import Fields, hex_bytes
from proofplane.chain.vectors.json_forms import block_of, ssz_bytes, state_of
from proofplane.chain.vectors.seed import SeededBackend, seeded
from proofplane.chain.vectors.snapshot import UNLISTED_VOTES_SHOW_IN, compare_snapshot, lists_unknown_votes, participant_sets, snapshot
from proofplane.chain.vectors.types import Case, VectorFailed, verdict_of
from proofplane.chain.workers import ThreadWorkers
from proofplane.lean import ssz
from proofplane.lean.blocks import store_from_anchor
from proofplane.lean.clock import first_interval, total_intervals
from proofplane.lean.codec import attestation_data_root, decode_signed_aggregate, decode_signed_attestation
from proofplane.lean.signature_list import SignatureList
from proofplane.lean.store import Store
from proofplane.lean.types import AttestationData, Block, Root, SignedBlock, Slot

GENESIS_LABEL = "genesis"
"""What vectors call the anchor."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A vector that held."""

    steps: tuple[tuple[str | None, dict[str, Any]], ...]
    """Of each step the reason, if it was rejected, and the store after it as `snapshot` writes it."""
    unlisted_votes_from: int | None
    """The step from which on the recorder counted votes that nothing lists, so that weights and known votes could not be compared."""


async def replay_fork_choice(vector: Fields, case: Case, workers: ThreadWorkers) -> Replayed:
    """Replays a vector.

    Raises:
        VectorFailed: A step, a snapshot or a check does not hold, or cannot be read.
    """
    state, block = state_of(vector.take("anchorState"), "anchorState"), block_of(vector.take("anchorBlock"), "anchorBlock")
    steps = vector.items("steps")
    vector.number("maxSlot")  # how far the recorder's keys reached
    with verdict_of(case.reason, "the anchor is "):
        store = store_from_anchor(state, block)
    if case.reason is not None:
        return Replayed((), None)
    storage = MemoryChainStorage()
    await storage.begin(state, block, store)
    replay = _Replay(case, workers, storage, store, block)
    try:
        done = [await replay.step(step, at) for at, step in enumerate(steps)]
    finally:
        await replay.importer.aclose()
    return Replayed(tuple(done), replay.unlisted_votes_from)


@dataclass(frozen=True, slots=True)
class _Action:
    """A step that was read and can be done."""

    do: Callable[[], Awaitable[object]]
    shows: tuple[AttestationData, ...] = ()
    """The data of the votes that it brings."""
    block: Block | None = None


class _Replay:
    """One vector under way."""

    def __init__(self, case: Case, workers: ThreadWorkers, storage: MemoryChainStorage, store: Store, anchor: Block) -> None:
        self._scheme = case.scheme
        self._backend = SeededBackend(SignatureList(case.scheme))
        self._options = ImportOptions(parallel=case.mode.parallel, threads=case.mode.threads, waiting_blocks=0)
        self._workers = workers
        self._storage = storage
        self._labels = {GENESIS_LABEL: anchor.root}
        self._met: set[Root] = set()
        self.unlisted_votes_from: int | None = None
        self.importer = self._importer(store)

    async def step(self, step: object, at: int) -> tuple[str | None, dict[str, Any]]:
        """Does a step and compares its verdict, the store and the checks."""
        where, old_head = f"steps[{at}]", self.importer.store.head
        with Fields(step, where) as fields:
            kind, reason = fields.text("stepType"), fields.reason()
            if fields.flag("valid") != (reason is None):
                raise VectorFailed(f"{where}: valid and rejectionReason contradict each other")
            recorded = fields.take("storeSnapshot")
            checks = fields.take("checks") if "checks" in fields else {}
            action = self._read(kind, fields, recorded, where)
        self._met.update(map(attestation_data_root, action.shows))
        with verdict_of(reason, f"{where} ({kind}) is "):
            await action.do()
        if self.unlisted_votes_from is None and lists_unknown_votes(recorded, self._met, f"{where}.storeSnapshot"):
            self.unlisted_votes_from = at
        left_out = () if self.unlisted_votes_from is None else UNLISTED_VOTES_SHOW_IN
        store = self.importer.store
        compare_snapshot(store, recorded, f"{where}.storeSnapshot", left_out)
        run_checks(checks, StepView(store, old_head, action.block, self._labels), f"{where}.checks")
        return reason, snapshot(store)

    def _read(self, kind: str, fields: Fields, recorded: object, where: str) -> _Action:
        match kind:
            case "tick":
                return self._read_tick(fields)
            case "block":
                return self._read_block(fields, recorded, where)
            case "attestation":
                return self._read_attestation(fields, where)
            case "gossipAggregatedAttestation":
                raw = ssz_bytes(ssz.SignedAggregatedAttestation, fields.take("attestation"), f"{where}.attestation")
                aggregate = decode_signed_aggregate(raw)
                return _Action(lambda: self.importer.aggregate(aggregate), (aggregate.data,))
            case _:
                raise VectorFailed(f"{where}.stepType {kind!r} is not known")

    def _read_tick(self, fields: Fields) -> _Action:
        if "interval" in fields:
            target = fields.number("interval")
        else:
            target = total_intervals(self.importer.store.genesis_time, 1000 * fields.number("time"))
        has_proposal = fields.flag("hasProposal")
        return _Action(lambda: self.importer.tick(target, has_proposal, is_aggregator=True))

    def _read_attestation(self, fields: Fields, where: str) -> _Action:
        is_aggregator = fields.flag("isAggregator")
        with Fields(fields.take("attestation"), f"{where}.attestation") as parts:
            unsigned = {name: parts.take(name) for name in ("validatorIndex", "data")}
            signature = hex_bytes(parts.take("signature"), f"{where}.attestation.signature")
        raw = ssz_bytes(ssz.Attestation, unsigned, f"{where}.attestation") + signature
        signed = decode_signed_attestation(raw, self._scheme)
        return _Action(lambda: self.importer.attestation(signed, is_aggregator), (signed.data,))

    def _read_block(self, fields: Fields, recorded: object, where: str) -> _Action:
        tick_to_slot, content = fields.flag("tickToSlot"), fields.take("block")
        label = content.pop("blockRootLabel", None) if isinstance(content, dict) else None
        block = block_of(content, f"{where}.block")
        if label is not None and self._labels.setdefault(str(label), block.root) != block.root:
            raise VectorFailed(f"{where}: two blocks have the label {label!r}")
        data = tuple([attestation.data for attestation in block.attestations])
        listed = participant_sets(recorded, {attestation_data_root(one) for one in data}, f"{where}.storeSnapshot")

        async def deliver() -> None:
            await self._seed(block, listed)
            if tick_to_slot:
                await self.importer.tick(first_interval(Slot(block.slot)), has_proposal=True, is_aggregator=True)
            await self.importer.import_signed(SignedBlock(block, b""), trusted=True)

        return _Action(deliver, data, block)

    async def _seed(self, block: Block, listed: dict[Root, list[tuple[int, ...]]]) -> None:
        """Puts the recorder's votes into the store. The importer has no door for that, so another one goes on from the changed store."""
        before = self.importer.store
        after = seeded(before, block, listed)
        if after is not before:
            await self.importer.aclose()
            await self._storage.commit(before, after)
            self.importer = self._importer(after)

    def _importer(self, store: Store) -> Importer:
        return Importer(self._storage, self._backend, self._workers, store, self._options)
