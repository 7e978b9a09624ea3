"""Plays a case on an importer and on the straight line at once, and compares them after every event."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from kit.lean_chains_cases import Case, Delivery, Event, Tick, Together
from kit.lean_chains_line import Answer, Checked, StraightLine
from kit.lean_imports import Notes
from proofplane.base.errors import TryAgain
from proofplane.chain.importer import Importer
from proofplane.chain.memory import MemoryChainStorage
from proofplane.chain.options import ImportOptions
from proofplane.chain.ports import Workers
from proofplane.chain.types import ImportedBlock
from proofplane.lean.codec import encode_signed_block
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.proof import ProofBackend
from proofplane.lean.ssz import State
from proofplane.lean.store import Store
from proofplane.lean.types import Root, SignedAggregate

Said = tuple[Answer, str]
"""An answer and the words that came with it."""


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that a run lets others see."""

    said: tuple[Said, ...]
    store: Store
    pools: tuple[tuple[object, ...], ...]
    """The keys of the three pools in their order, which a comparison of stores leaves out."""
    emitted: tuple[ImportedBlock, ...]
    refusals: tuple[tuple[Root | None, Reason], ...]


class ForgetfulStorage(MemoryChainStorage):
    """Has half of the states at hand, by their block's root; the others have to be asked for on a worker."""

    def state_at_hand(self, root: Root) -> State | None:
        return super().state_at_hand(root) if root[-1] % 2 else None


class Played:
    """An importer that plays one case."""

    def __init__(self, case: Case, workers: Workers, backend: ProofBackend, options: ImportOptions, checked: Checked) -> None:
        self._case = case
        self._storage, self._notes = ForgetfulStorage(), Notes()
        self._importer = Importer(self._storage, backend, workers, case.store, options, self._notes)
        self._stream = self._importer.commits.subscribe()
        self._line = StraightLine(case, backend, checked)
        self._said: list[Said] = []
        self._emitted: list[ImportedBlock] = []

    async def play(self) -> Told:
        """Plays the case; raises `AssertionError` where importer and line part."""
        await self._storage.begin(self._case.anchor_state, self._case.anchor, self._case.store)
        for event in self._case.events:
            said, already = await self._happen(event), len(self._emitted)
            await self._importer.settled()
            while isinstance(item := self._stream.try_recv(), ImportedBlock):
                self._emitted.append(item)
            self._compare(event, [answer for answer, _ in said], [item.root for item in self._emitted[already:]])
            self._said += said
        await self._importer.aclose()
        store = self._importer.store
        return Told(tuple(self._said), store, _pools(store), tuple(self._emitted), tuple(self._notes.refusals))

    async def _happen(self, event: Event) -> list[Said]:
        if isinstance(event, Together):
            parts: list[Event] = [*event.deliveries, *([] if event.vote is None else [event.vote])]
            return list(await asyncio.gather(*[self._said_to(part) for part in parts]))
        return [await self._said_to(event)]

    async def _said_to(self, event: Event) -> Said:
        importer = self._importer
        try:
            match event:
                case Delivery(signed, "bytes"):
                    return (await importer.import_block(encode_signed_block(signed))).outcome, ""
                case Delivery(signed, "cut"):
                    return (await importer.import_block(encode_signed_block(signed)[:7])).outcome, ""
                case Delivery(signed, form):
                    return (await importer.import_signed(signed, trusted=form == "trusted")).outcome, ""
                case Tick(intervals, has_proposal, is_aggregator):
                    await importer.tick(importer.store.time + intervals, has_proposal, is_aggregator)
                case SignedAggregate():
                    await importer.aggregate(event)
                case Together():
                    raise TypeError("one at a time")
                case _:
                    await importer.attestation(event.signed, event.is_aggregator)
        except Rejected as refusal:
            return refusal.reason, refusal.detail
        except TryAgain as error:
            return type(error).__name__, str(error)
        return None, ""

    def _compare(self, event: Event, answers: Sequence[Answer], emitted: Sequence[Root]) -> None:
        line = self._line
        if isinstance(event, Together):
            self._line = line = line.at_once(event, answers, emitted, self._importer.store)
            line.refusals = list(self._notes.refusals)  # theirs have no order of their own
        else:
            wanted = (
                line.deliver(event) if isinstance(event, Delivery) else line.tick(event) if isinstance(event, Tick) else line.vote(event)
            )
            assert answers[0] == wanted, f"{answers[0]} for {event}, not {wanted}"
            assert self._notes.refusals == line.refusals
        assert self._emitted == line.emitted
        assert self._importer.store == line.store
        assert _pools(self._importer.store) == _pools(line.store)
        assert self._storage.load() is self._importer.store


def _pools(store: Store) -> tuple[tuple[object, ...], ...]:
    return tuple(store.attestation_signatures), tuple(store.new_payloads), tuple(store.known_payloads)
