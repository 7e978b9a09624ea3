"""`proofplane demo`: mines a regtest chain with a reorg in this process, proves every block, and has another process verify it all."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from proofplane.base.errors import Broken
from proofplane.cli.options import config_option, json_option, run_async, settings_from
from proofplane.cli.output import print_json, print_table
from proofplane.cli.progress import ProgressDisplay
from proofplane.node.config import Settings
from proofplane.node.data_dir import DataDirectory
from proofplane.node.demo import ABANDONED, MIN_BLOCKS, REPLACING, DemoChain, DemoPlan, demo_params
from proofplane.node.errors import StoppedEarly
from proofplane.node.session import Summary, run_session
from proofplane.service.clock import SystemClock

_VERIFY_SECONDS = 600.0
"""Bound on the verification by another process; it takes a few seconds a thousand blocks."""


class VerificationFailed(Broken):
    """The other process does not accept what this one proved: a bug, or a damaged disk."""


@click.command()
@click.option("--blocks", type=click.IntRange(min=MIN_BLOCKS, max=100_000), default=1000, show_default=True, help="Length of the chain.")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), default=Path(".proofplane/demo"), show_default=True, help="Made anew each time."
)
@click.option("--quiet", "-q", is_flag=True, help="No progress display.")
@config_option
@json_option
def demo(blocks: int, data_dir: Path, quiet: bool, config: Path | None, as_json: bool) -> None:
    """Mine a chain with tagged transactions, a predicate upgrade and a reorg; prove and verify every block."""
    settings = settings_from(config, data_dir)
    plan = DemoPlan(blocks)
    if not as_json:
        click.echo(
            f"Mining {blocks:,} regtest blocks: a new step key at {plan.upgrade_at:,}, and at {plan.fork_at:,} a reorg "
            f"of {ABANDONED} blocks by {REPLACING}."
        )
    try:
        summary = _prove(settings, plan, quiet)
    except StoppedEarly:
        raise StoppedEarly("stopped; the demo begins anew the next time") from None
    verified = _verify(data_dir, summary.blocks, summary.tip)
    if as_json:
        print_json({"blocks": summary.blocks, "reorgs": summary.reorgs, "seconds": summary.seconds, "verified": verified})
        return
    rows = [(one.what, one.count, one.checked) for one in _table(summary, verified)]
    click.echo()
    print_table(("", "count", "verified by another process"), rows)
    click.echo(f"\n{summary.seconds:.1f} s for mining and proving. Everything is in {data_dir}; look at it with")
    click.echo(f"  proofplane status --data-dir {data_dir}\n  proofplane verify-chain --data-dir {data_dir}")


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the demo's table."""

    what: str
    count: int
    checked: str


def _prove(settings: Settings, plan: DemoPlan, quiet: bool) -> Summary:
    clock = SystemClock()
    directory = Path(settings.node.data_dir)
    with DataDirectory(directory, demo_params(), fresh=True) as opened:
        chain = DemoChain(plan, opened.add_key("step-2"))
        return run_async(
            run_session(
                opened,
                chain.source,
                chain.run,
                settings,
                clock,
                lambda node: ProgressDisplay(node.progress, clock, quiet=quiet),
                target_blocks=plan.blocks,
            )
        )


def _verify(data_dir: Path, blocks: int, tip: str) -> dict[str, Any]:
    arguments = [sys.executable, "-P", "-m", "proofplane", "verify-chain", "--json", "--data-dir", str(data_dir)]
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=_VERIFY_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise VerificationFailed(f"verify-chain did not end within {_VERIFY_SECONDS:.0f} s") from None
    if done.returncode != 0:
        raise VerificationFailed(f"verify-chain ended with {done.returncode}: {done.stderr.strip()}")
    report: dict[str, Any] = json.loads(done.stdout)
    if (report["blocks"], report["tip"]) != (blocks, tip):
        raise VerificationFailed(f"verify-chain saw {report['blocks']} blocks up to {report['tip']}, proved were {blocks} up to {tip}")
    return report


def _table(summary: Summary, verified: dict[str, Any]) -> list[_Line]:
    steps, recursives = sum(verified["step_proofs"].values()), sum(verified["recursive_proofs"].values())
    return [
        _Line("blocks of the chain", summary.blocks, "all"),
        _Line("reorgs handled", summary.reorgs, "tip and states right"),
        _Line("step proofs", steps, "all"),
        _Line("recursive proofs", recursives, "all"),
        _Line("proofs of orphans", verified["orphan_proofs"], "they hold, and are not the chain's"),
    ]
