"""Metrics: the field's names, and what each event counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kit.lean_branches import Branches
from proofplane.chain.metrics import LeanMetrics, reorg_depth
from proofplane.chain.types import ImportedBlock, Step, StepTimings
from proofplane.crypto.xmss import Span
from proofplane.lean.errors import Reason
from proofplane.lean.types import ZERO_ROOT, Checkpoint, Slot

MILLISECOND = 1_000_000

NAMES = {
    "lean_head_slot": "gauge",
    "lean_current_slot": "gauge",
    "lean_safe_target_slot": "gauge",
    "lean_latest_justified_slot": "gauge",
    "lean_latest_finalized_slot": "gauge",
    "lean_gossip_signatures": "gauge",
    "lean_latest_new_aggregated_payloads": "gauge",
    "lean_latest_known_aggregated_payloads": "gauge",
    "lean_fork_choice_block_processing_time_seconds": "histogram",
    "lean_attestations_valid_total": "counter",
    "lean_attestations_invalid_total": "counter",
    "lean_fork_choice_reorgs_total": "counter",
    "lean_fork_choice_reorg_depth": "histogram",
    "lean_pq_sig_aggregated_signatures_valid_total": "counter",
    "lean_pq_sig_aggregated_signatures_invalid_total": "counter",
    "lean_pq_sig_aggregated_signatures_verification_time_seconds": "histogram",
    "lean_state_transition_time_seconds": "histogram",
    "lean_state_transition_slots_processed_total": "counter",
    "lean_state_transition_attestations_processed_total": "counter",
}


def values(metrics: LeanMetrics) -> dict[str, float]:
    lines = [line.rsplit(" ", 1) for line in metrics.render().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def timings(signatures: int = 5) -> StepTimings:
    steps = {
        Step.GUARDS: Span(0, 0, MILLISECOND),
        Step.SIGNATURES: Span(0, MILLISECOND, 31 * MILLISECOND),
        Step.TRANSITION: Span(0, MILLISECOND, 3 * MILLISECOND),
        Step.COMMIT: Span(0, 31 * MILLISECOND, 60 * MILLISECOND),
    }
    return StepTimings(steps, (), signatures, attestations=1, slots=2)


def imported() -> ImportedBlock:
    nowhere = Checkpoint(ZERO_ROOT, Slot(0))
    return ImportedBlock(Slot(2), ZERO_ROOT, ZERO_ROOT, ZERO_ROOT, Slot(2), nowhere, nowhere)


def test_names_and_types_are_those_of_the_field() -> None:
    kinds = [line.split()[2:] for line in LeanMetrics().render().splitlines() if line.startswith("# TYPE")]
    assert dict(kinds) == NAMES


def test_an_imported_block_counts_its_time_its_proof_and_its_transition() -> None:
    metrics = LeanMetrics()
    metrics.imported(imported(), timings())
    found = values(metrics)
    assert found["lean_fork_choice_block_processing_time_seconds_sum"] == pytest.approx(0.060)
    assert found["lean_state_transition_time_seconds_sum"] == pytest.approx(0.002)
    assert found["lean_pq_sig_aggregated_signatures_verification_time_seconds_sum"] == pytest.approx(0.030)
    assert found["lean_pq_sig_aggregated_signatures_valid_total"] == 1
    assert found["lean_state_transition_slots_processed_total"] == 2
    assert found["lean_state_transition_attestations_processed_total"] == 1


@pytest.mark.parametrize(
    ("reason", "signatures", "valid", "invalid"),
    [
        (Reason.INVALID_BLOCK_PROOF, 0, 0, 1),
        (Reason.STATE_ROOT_MISMATCH, 5, 1, 0),
        (Reason.UNKNOWN_PARENT_BLOCK, 0, 0, 0),
    ],
)
def test_a_refused_block_counts_only_its_proof(reason: Reason, signatures: int, valid: int, invalid: int) -> None:
    metrics = LeanMetrics()
    metrics.rejected(ZERO_ROOT, reason, timings(signatures))
    found = values(metrics)
    assert found["lean_pq_sig_aggregated_signatures_valid_total"] == valid
    assert found["lean_pq_sig_aggregated_signatures_invalid_total"] == invalid
    assert found["lean_fork_choice_block_processing_time_seconds_count"] == 0


def test_votes_add_up_over_all_sources() -> None:
    metrics = LeanMetrics()
    metrics.votes_checked("block", 4, 0)
    metrics.votes_checked("gossip", 0, 1)
    metrics.votes_checked("gossip", 1, 0)
    found = values(metrics)
    assert (found["lean_attestations_valid_total"], found["lean_attestations_invalid_total"]) == (5, 1)


def test_gauges_follow_the_store_and_a_reorg_counts_what_was_left() -> None:
    branches, metrics = Branches(), LeanMetrics()
    store = branches.store()
    left = branches.line(branches.anchor.root, 1, 3)
    right = branches.line(left[0].block.root, 4, 2, voters=0)
    for signed in (*left, *right):
        store = branches.accept(store, signed)
    on_left = replace(store, head=left[-1].block.root, time=5 * 7 + 4)
    on_right = replace(store, head=right[-1].block.root)
    assert reorg_depth(on_right, on_left.head) == 2
    assert reorg_depth(on_left, left[0].block.root) == 0
    assert reorg_depth(on_left, on_left.head) == 0
    metrics.store_changed(on_left)
    assert values(metrics)["lean_head_slot"] == 3
    assert values(metrics)["lean_current_slot"] == 7
    metrics.store_changed(on_right)
    found = values(metrics)
    assert found["lean_head_slot"] == 5
    assert found["lean_fork_choice_reorgs_total"] == 1
    assert found["lean_fork_choice_reorg_depth_sum"] == 2
