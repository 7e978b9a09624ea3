"""The two long works on a Lean chain, making one and importing one, with their progress and what they ended with."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from proofplane.chain.delivery import Comparison, Delivered, deliver
from proofplane.chain.directory import ChainDirectory
from proofplane.chain.errors import OutputLost
from proofplane.chain.generate import ChainPlan
from proofplane.chain.generated import write_chain
from proofplane.chain.metrics import reorg_depth
from proofplane.chain.observers import Observers
from proofplane.chain.options import ImportOptions
from proofplane.chain.step_times import StepTime, StepTimes
from proofplane.chain.types import Outcome
from proofplane.crypto.xmss import Scheme
from proofplane.lean.errors import Reason
from proofplane.lean.store import Store
from proofplane.node.chain_outputs import ImportOutputs
from proofplane.node.chain_progress import ChainProgress
from proofplane.node.chain_session import ChainSession, checked_anchor
from proofplane.node.errors import StoppedEarly
from proofplane.service.clock import Clock


@dataclass(frozen=True, slots=True)
class ChainImported:
    """What importing a directory ended with."""

    scheme: str
    validators: int
    deliveries: tuple[Delivered, ...]
    """A block that came before its parent counts by what became of it later."""
    store: Store
    reorgs: int
    """How often the head left its branch."""
    signatures: int
    """Of proofs that held."""
    steps: tuple[StepTime, ...]
    seconds: float
    lost: tuple[OutputLost, ...] = ()
    """The trace or the metrics could not be written to their end; whoever shows the rest raises it then."""

    def count(self, what: Outcome | Comparison | None) -> int:
        """How many deliveries ended so; None counts the refused ones."""
        outcomes, comparisons = Counter(one.outcome for one in self.deliveries), Counter(one.comparison for one in self.deliveries)
        return comparisons[what] if isinstance(what, Comparison) else outcomes[what]


class ChainRun:
    """Holds the progress while one or both works are done; used from one event loop."""

    def __init__(self, clock: Clock, first: ChainProgress | None = None) -> None:
        """`clock` times the stages; `first` is shown before anything is done."""
        self._clock = clock
        self._progress = first or ChainProgress()
        self._began = ("", 0, 0.0)
        """The stage, how much of it was done when it began, and when that was."""

    def progress(self) -> ChainProgress:
        """How far it is."""
        return self._progress

    async def generate(self, plan: ChainPlan, out: Path) -> int:
        """Makes a chain on another thread and returns how many blocks its directory holds.

        Cancelled: ends after the next key or slot; nothing is left then.

        Raises:
            BadChainDirectory: See `write_chain`.
        """
        stop = threading.Event()
        self._tell(ChainProgress("keys", 0, plan.validators))

        def told(stage: str, done: int, total: int) -> None:
            if stop.is_set():
                raise StoppedEarly("stopped; the chain was not written")
            self._tell(ChainProgress(stage, done, total))

        work = asyncio.ensure_future(asyncio.to_thread(write_chain, plan, out, told))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([work])
            work.exception()  # retrieved: it is our own
            raise

    async def import_directory(
        self,
        chain: ChainDirectory,
        scheme: Scheme,
        data_dir: Path | None = None,
        options: ImportOptions | None = None,
        trace: Path | None = None,
        metrics: Path | None = None,
    ) -> ChainImported:
        """Imports the blocks of a directory, on top of what an earlier run has imported.

        Args:
            chain: The directory.
            scheme: Of its signatures.
            data_dir: Where to store it; None: in memory.
            options: Of the importer.
            trace: Where to write a Chrome trace; None: nowhere.
            metrics: Where to write metrics in Prometheus' text format, now and then and at the end; None: nowhere.

        Raises:
            BadChainDirectory: A directory cannot be used or holds another chain; the trace or the metrics cannot be written.
            ProofplaneError: See `ChainSession` and `Importer.import_block`; a refused block is no error.
        """
        self._progress = ChainProgress("blocks", 0, len(chain.steps))
        anchor, times = checked_anchor(chain.state, chain.anchor, scheme), StepTimes()
        with ImportOutputs(trace, metrics) as outputs:
            async with ChainSession(data_dir, anchor, options, Observers(times, *outputs.observers)) as session:
                outputs.begin(session.found)
                done = await self._import(chain, session, times, outputs)
        return replace(done, lost=outputs.lost())

    async def _import(self, chain: ChainDirectory, session: ChainSession, times: StepTimes, outputs: ImportOutputs) -> ChainImported:
        began = self._clock.now()
        deliveries: list[Delivered] = []
        head, reorgs, refused = session.importer.store.head, 0, 0
        self._show(session, 0, len(chain.steps), refused)
        async for one in deliver(session.importer, session.storage, chain.steps):
            deliveries.append(one)
            store = session.importer.store
            reorgs += reorg_depth(store, head) > 0
            head = store.head
            refused += one.refusal is not None
            self._show(session, len(deliveries), len(chain.steps), refused)
            outputs.refresh(self._clock.now())
        return ChainImported(
            scheme=session.scheme.name,
            validators=len(chain.state.validators),
            deliveries=tuple(_settled(deliveries, session.importer.store)),
            store=session.importer.store,
            reorgs=reorgs,
            signatures=times.signatures,
            steps=tuple(times.table()),
            seconds=self._clock.now() - began,
        )

    def _show(self, session: ChainSession, done: int, total: int, refused: int) -> None:
        store = session.importer.store
        self._tell(ChainProgress("blocks", done, total, store.blocks[store.head].slot, store.latest_finalized.slot, refused))

    def _tell(self, progress: ChainProgress) -> None:
        """Shows a progress with its rate. What follows an end, as in another import, begins anew."""
        now = self._clock.now()
        stage, before, began = self._began
        if stage != progress.stage or progress.done == 0:
            self._began = (progress.stage, progress.done, now)
            self._progress = progress
        else:
            self._progress = replace(progress, rate=(progress.done - before) / (now - began) if now > began else 0.0)


def _settled(deliveries: Sequence[Delivered], store: Store) -> Iterator[Delivered]:
    """The deliveries by what became of them: of those that came before their parent some were imported when it came."""
    imported = {one.root for one in deliveries if one.outcome is Outcome.IMPORTED}
    for one in deliveries:
        early = one.refusal is not None and one.refusal.reason is Reason.UNKNOWN_PARENT_BLOCK
        if early and one.comparison is Comparison.NOT_RECORDED and one.root in store.blocks:
            outcome = Outcome.ALREADY_KNOWN if one.root in imported else Outcome.IMPORTED
            imported.add(one.root)
            yield replace(one, outcome=outcome, refusal=None)
        else:
            yield one
