"""What an import of a chain ended with, as a document for programs or as text for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from proofplane.chain.delivery import Comparison, Delivered
from proofplane.chain.types import Outcome
from proofplane.cli.output import print_fields, print_table
from proofplane.cli.program import program
from proofplane.lean.store import Store
from proofplane.node.chain_runs import ChainImported


def outcome(one: Delivered) -> str:
    """The reason of a refusal, or what became of the block."""
    if one.refusal is not None:
        return one.refusal.reason.name
    return "" if one.outcome is None else one.outcome.value


def head_of(store: Store) -> dict[str, Any]:
    """Where the store stands."""
    return {
        "head": store.head.hex(),
        "head_slot": store.blocks[store.head].slot,
        "justified_slot": store.latest_justified.slot,
        "finalized_slot": store.latest_finalized.slot,
    }


def _counts(done: ChainImported) -> dict[str, Any]:
    return {
        "imported": done.count(Outcome.IMPORTED),
        "already_known": done.count(Outcome.ALREADY_KNOWN),
        "refused": done.count(None),
        "as_recorded": done.count(Comparison.AS_RECORDED),
        "verdict_as_recorded": done.count(Comparison.VERDICT_AS_RECORDED),
        "not_as_recorded": done.count(Comparison.NOT_AS_RECORDED),
        "reorgs": done.reorgs,
        "signatures": done.signatures,
    }


def document(done: ChainImported) -> dict[str, Any]:
    """Everything, for programs."""
    return {
        "scheme": done.scheme,
        "validators": done.validators,
        **_counts(done),
        **head_of(done.store),
        "seconds": round(done.seconds, 6),
        "steps_ms": {time.step.value: {"count": time.count, "mean": time.mean, "longest": time.longest} for time in done.steps},
        "blocks": [
            {
                "file": one.step.path.name,
                "note": one.step.note,
                "slot": one.slot,
                "root": one.root and one.root.hex(),
                "outcome": outcome(one),
                "comparison": one.comparison.value,
                "difference": one.difference,
            }
            for one in done.deliveries
        ],
    }


def print_summary(done: ChainImported, data_dir: Path | None, trace: Path | None) -> None:
    """Prints refusals and differences, a summary, and how long the steps took if there were any.

    Args:
        done: What to print.
        data_dir: Where the chain is kept; None: nowhere.
        trace: The trace that was asked for.
    """
    for one in done.deliveries:
        if one.refusal is not None or one.comparison is Comparison.NOT_AS_RECORDED:
            difference = f": {one.difference}" if one.difference else ""
            note = "" if one.step.recorded is None else f" ({one.step.note})"
            click.echo(f"{one.step.path.name}{note}: {outcome(one)}, {one.comparison.value}{difference}")
    counts, store = _counts(done), head_of(done.store)
    recorded = any(one.step.recorded is not None for one in done.deliveries)
    verdicts = f"{counts['as_recorded'] + counts['verdict_as_recorded']} as recorded, {counts['not_as_recorded']} not"
    shown_trace = {} if trace is None else {"trace": str(trace) if done.steps else f"{trace} is empty: no block was new"}
    kept = (
        {"kept": "in memory only; --data-dir keeps it"}
        if data_dir is None
        else {"kept": f"in {data_dir}", "next": f"{program()} chain head --data-dir {data_dir}"}
    )
    rate = f" ({counts['imported'] / done.seconds:,.1f} blocks a second)" if done.seconds and counts["imported"] else ""
    print_fields(
        {
            "chain": f"{done.validators} validators, {done.scheme} signatures",
            "blocks": f"{counts['imported']} imported, {counts['already_known']} known already, {counts['refused']} refused",
            "verdicts": verdicts if recorded else "nothing recorded to compare with (no steps.json)",
            "signatures": f"{done.signatures:,} verified",
            "head": f"{store['head']} at slot {store['head_slot']}",
            "checkpoints": f"justified {store['justified_slot']}, finalized {store['finalized_slot']}",
            "reorgs": done.reorgs,
            "time": f"{done.seconds:.3f} s{rate}",
            **shown_trace,
            **kept,
        }
    )
    if not done.steps:
        return
    click.echo()
    print_table(
        ("step", "times", "mean ms", "longest ms"),
        [(one.step.value, one.count, f"{one.mean:.3f}", f"{one.longest:.3f}") for one in done.steps],
    )
