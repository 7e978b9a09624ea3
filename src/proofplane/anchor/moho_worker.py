"""The Moho worker: folds every block that the anchor worker emitted into its Moho state, and emits it in turn.

Rules:
1. The anchor log is read from a durable position, a page at a time; the subscription only says that there may be more.
   So nothing is lost when the subscription drops items or the process ends.
2. A block is folded from the Moho state of its real parent: of this page, the current one, or from the store after a reorg.
   No such state: `MissingMohoState`, and the service ends, for going on would leave a gap.
3. A page's states, exports, log rows, tip and position are one transaction; emission follows it, oldest first.
   At most `MAX_PAGE_BLOCKS` blocks or `MAX_PAGE_SECONDS` of work share one.
4. A block that is emitted again after a switch back keeps its stored state; the exports are those of its branch again.
5. What is caught up with on launch goes into the log but is not emitted: nobody subscribed then has asked for it.

Invariant: the in-memory tip, state and position change in one step, after their transaction has ended.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from proofplane.anchor.anchor_store import AnchorStore, Emission
from proofplane.anchor.errors import MissingGenesisState
from proofplane.anchor.moho import MohoState, fold, genesis_moho
from proofplane.anchor.moho_store import Folded, MohoRow, MohoStore
from proofplane.anchor.types import Manifest
from proofplane.base.ids import BlockCommitment
from proofplane.base.predicate import Predicate
from proofplane.service.clock import Clock
from proofplane.service.service import Flow, Service
from proofplane.service.subscriptions import Feed, Subscribers

MAX_PAGE_BLOCKS = 64
"""Blocks in one transaction: makes the cost of a sync small and keeps what a crash repeats small too."""

MAX_PAGE_SECONDS = 0.1
"""Work after which a page ends, so that what is done becomes durable and visible soon."""

YIELD_SECONDS = 0.005
"""Work after which other tasks get a turn."""


@dataclass(frozen=True, slots=True)
class MohoStatus:
    """How far the Moho worker is."""

    initialised: bool
    tip: BlockCommitment | None
    """The last block with a durable Moho state on the branch followed."""
    consumed: int
    """Position in the anchor log up to which everything is folded."""
    blocks: int
    """Blocks folded by this process."""


class MohoWorker(Service[BlockCommitment, MohoStatus]):
    """Input: the anchor worker's subscription (a wake-up). Output: `commits`, after the Moho state is durable."""

    name: ClassVar[str] = "moho"

    def __init__(self, anchors: AnchorStore, states: MohoStore, genesis_predicate: Predicate, clock: Clock) -> None:
        """`genesis_predicate` is what the first step is proved under; it matters on the first start only."""
        self._anchors = anchors
        self._states = states
        self._genesis_predicate = genesis_predicate
        self._clock = clock
        self._commits: Subscribers[BlockCommitment] = Subscribers()
        self._tip: BlockCommitment | None = None
        self._state: MohoState | None = None
        """The state at `_tip`."""
        self._consumed = 0
        self._blocks = 0

    def commits(self) -> Feed[BlockCommitment]:
        """The right to subscribe to the blocks whose Moho state has become durable; ends with the worker."""
        return self._commits.feed()

    def status(self) -> MohoStatus:
        return MohoStatus(self._tip is not None, self._tip, self._consumed, self._blocks)

    async def on_launch(self) -> None:
        """Resumes or creates the genesis state, then catches up silently; raises `MissingGenesisState` before the anchor's first start."""
        found = self._states.tip()
        if found is None:
            found = await self._create_genesis()
        self._tip, self._consumed = found
        self._state = MohoState.decode(self._states.get(self._tip).state)
        while await self._next_page():
            pass

    async def process_input(self, message: BlockCommitment) -> Flow:
        while page := await self._next_page():
            for folded in page:
                self._commits.emit(folded.block)
        return Flow.CONTINUE

    def on_exit(self) -> None:
        self._commits.close()

    async def _create_genesis(self) -> tuple[BlockCommitment, int]:
        anchor = self._anchors.genesis()
        if anchor is None:
            raise MissingGenesisState("the store has no state of the anchor: the anchor worker has to start first")
        state = genesis_moho(anchor.commitment, self._genesis_predicate)
        await self._states.create(_row(anchor.block, state), consumed=0)
        return anchor.block, 0

    async def _next_page(self) -> list[Folded]:
        """Folds and stores the next page of the anchor log; returns it, empty if the log has no more."""
        started = yielded = self._clock.now()
        page: list[Folded] = []
        fresh: dict[BlockCommitment, MohoState] = {}
        last: Emission | None = None
        for emission in self._anchors.emissions(self._consumed, MAX_PAGE_BLOCKS):
            state, folded = self._fold(emission, fresh)
            fresh[emission.block] = state
            page.append(folded)
            last = emission
            now = self._clock.now()
            if now - started >= MAX_PAGE_SECONDS:
                break
            if now - yielded >= YIELD_SECONDS:
                await asyncio.sleep(0)
                yielded = self._clock.now()
        if last is not None:
            await self._states.commit(page, consumed=last.seq)
            self._tip, self._state, self._consumed = last.block, fresh[last.block], last.seq
            self._blocks += len(page)
        return page

    def _fold(self, emission: Emission, fresh: dict[BlockCommitment, MohoState]) -> tuple[MohoState, Folded]:
        parent = self._state_of(emission.parent, fresh)
        state, exports = fold(parent, emission.commitment, Manifest.decode(emission.manifest).logs)
        known = emission.block in fresh or self._states.has(emission.block)
        return state, Folded(emission.block, None if known else _row(emission.block, state), exports)

    def _state_of(self, block: BlockCommitment, fresh: dict[BlockCommitment, MohoState]) -> MohoState:
        """The Moho state after `block`; raises `MissingMohoState`."""
        if block in fresh:
            return fresh[block]
        if block == self._tip and self._state is not None:
            return self._state
        return MohoState.decode(self._states.get(block).state)


def _row(block: BlockCommitment, state: MohoState) -> MohoRow:
    _, siblings = state.opening()
    return MohoRow(block, state.encode(), state.commitment(), state.next_predicate, siblings)
