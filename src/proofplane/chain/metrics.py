"""Metrics of imports under the names that Lean clients share, rendered as Prometheus text.

Source: leanEthereum/leanMetrics, `metrics.md` (names, types, buckets, labels), the part that import and fork choice can know.
Of a block's time and a transition's only imported blocks are counted, so that cheap refusals do not hide how long a real one takes.
"""

from __future__ import annotations

from proofplane.chain.prometheus import Counter, Gauge, Histogram, Metric, text
from proofplane.chain.types import ImportedBlock, Step, StepTimings
from proofplane.lean.config import INTERVALS_PER_SLOT
from proofplane.lean.errors import Reason
from proofplane.lean.store import Store
from proofplane.lean.types import Root

_NANOSECONDS = 1_000_000_000

_BLOCK_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 1, 1.25, 1.5, 2, 4)
_AGGREGATE_SECONDS = (0.1, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 4)
_TRANSITION_SECONDS = (0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4)
_REORG_BLOCKS = (1, 2, 3, 5, 7, 10, 20, 30, 50, 100)
"""Upper bounds of the buckets, as the source lists them."""


class LeanMetrics:
    """An observer that counts; `render` gives what a scrape returns."""

    def __init__(self) -> None:
        self._head_slot = Gauge("lean_head_slot", "Latest slot of the lean chain")
        self._current_slot = Gauge("lean_current_slot", "Current slot of the lean chain")
        self._safe_target_slot = Gauge("lean_safe_target_slot", "Safe target slot")
        self._justified_slot = Gauge("lean_latest_justified_slot", "Latest justified slot")
        self._finalized_slot = Gauge("lean_latest_finalized_slot", "Latest finalized slot")
        self._signatures = Gauge("lean_gossip_signatures", "Number of gossip signatures in fork-choice store")
        self._new = Gauge("lean_latest_new_aggregated_payloads", "Number of new aggregated payload items")
        self._known = Gauge("lean_latest_known_aggregated_payloads", "Number of known aggregated payload items")
        self._block_time = Histogram("lean_fork_choice_block_processing_time_seconds", "Time taken to process block", _BLOCK_SECONDS)
        self._valid = Counter("lean_attestations_valid_total", "Total number of valid attestations")
        self._invalid = Counter("lean_attestations_invalid_total", "Total number of invalid attestations")
        self._reorgs = Counter("lean_fork_choice_reorgs_total", "Total number of fork choice reorgs")
        self._reorg_depth = Histogram("lean_fork_choice_reorg_depth", "Depth of fork choice reorgs (in blocks)", _REORG_BLOCKS)
        self._proofs_valid = Counter("lean_pq_sig_aggregated_signatures_valid_total", "Total number of valid aggregated signatures")
        self._proofs_invalid = Counter("lean_pq_sig_aggregated_signatures_invalid_total", "Total number of invalid aggregated signatures")
        self._proof_time = Histogram(
            "lean_pq_sig_aggregated_signatures_verification_time_seconds",
            "Time taken to verify an aggregated attestation signature",
            _AGGREGATE_SECONDS,
        )
        self._transition_time = Histogram("lean_state_transition_time_seconds", "Time to process state transition", _TRANSITION_SECONDS)
        self._slots = Counter("lean_state_transition_slots_processed_total", "Total number of processed slots")
        self._attestations = Counter("lean_state_transition_attestations_processed_total", "Total number of processed attestations")
        self._store: Store | None = None

    def imported(self, block: ImportedBlock, timings: StepTimings) -> None:
        """Counts a block that went through."""
        self._proof(timings)
        steps = timings.steps.values()
        self._block_time.observe((max(span.end for span in steps) - min(span.start for span in steps)) / _NANOSECONDS)
        transition = timings.steps[Step.TRANSITION]
        self._transition_time.observe((transition.end - transition.start) / _NANOSECONDS)
        self._slots.add(timings.slots)
        self._attestations.add(timings.attestations)

    def rejected(self, root: Root | None, reason: Reason, timings: StepTimings) -> None:
        """Counts the proof of a refused block: valid if the refusal came after it."""
        if reason is Reason.INVALID_BLOCK_PROOF:
            self._proofs_invalid.add(1)
        self._proof(timings)

    def store_changed(self, store: Store) -> None:
        """Takes the gauges from the store, and sees whether the head has left its branch."""
        before, self._store = self._store, store
        self._head_slot.set(store.blocks[store.head].slot)
        self._current_slot.set(store.time // INTERVALS_PER_SLOT)
        self._safe_target_slot.set(store.blocks[store.safe_target].slot)
        self._justified_slot.set(store.latest_justified.slot)
        self._finalized_slot.set(store.latest_finalized.slot)
        self._signatures.set(sum(map(len, store.attestation_signatures.values())))
        self._new.set(sum(map(len, store.new_payloads.values())))
        self._known.set(sum(map(len, store.known_payloads.values())))
        if before is not None and (depth := reorg_depth(store, before.head)):
            self._reorgs.add(1)
            self._reorg_depth.observe(depth)

    def votes_checked(self, source: str, valid: int, invalid: int) -> None:
        """Counts votes; all sources together, as the source of these names has no label for them."""
        self._valid.add(valid)
        self._invalid.add(invalid)

    def render(self) -> str:
        """All metrics in Prometheus' text format, version 0.0.4."""
        return text([metric for metric in vars(self).values() if isinstance(metric, Metric)])

    def _proof(self, timings: StepTimings) -> None:
        if timings.signatures:
            self._proofs_valid.add(1)
            span = timings.steps[Step.SIGNATURES]
            self._proof_time.observe((span.end - span.start) / _NANOSECONDS)


def reorg_depth(store: Store, old_head: Root) -> int:
    """How many blocks of the old head's branch the head's branch does not have; 0 if the old head is an ancestor of the head, or the
    head."""
    old, new, depth = old_head, store.head, 0
    while old != new:
        # Whichever stands higher steps down, so the two meet at the last block that both branches have.
        if store.blocks[new].slot >= store.blocks[old].slot:
            new = store.blocks[new].parent_root
        else:
            old, depth = store.blocks[old].parent_root, depth + 1
    return depth
