"""`proofplane demo`: a regtest chain with a reorg is mined and proved, a Lean chain with a fork imported; another process checks it all."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from proofplane.base.errors import Broken
from proofplane.chain.types import Outcome
from proofplane.cli.chain_progress import ChainPicture
from proofplane.cli.display import Display
from proofplane.cli.options import config_option, json_option, run_async, settings_from
from proofplane.cli.output import print_json, print_table
from proofplane.cli.program import program
from proofplane.cli.progress import NodePicture
from proofplane.node import chain_demo
from proofplane.node.chain_demo import ChainDemo
from proofplane.node.chain_runs import ChainImported
from proofplane.node.config import BadConfig, Settings
from proofplane.node.data_dir import DataDirectory
from proofplane.node.demo import ABANDONED, MIN_BLOCKS, REPLACING, DemoChain, DemoPlan, demo_params
from proofplane.node.errors import StoppedEarly
from proofplane.node.kinds import NATIVE
from proofplane.node.node import Node
from proofplane.node.session import Summary, run_session
from proofplane.service.clock import SystemClock

_VERIFY_SECONDS = 600.0
"""Bound on the verification by another process; it takes a few seconds a thousand blocks."""


class VerificationFailed(Broken):
    """The other process does not accept what this one proved: a bug, or a damaged disk."""


@click.command(short_help="Prove a mined chain, import a Lean one, verify all.")
@click.option("--blocks", type=click.IntRange(min=MIN_BLOCKS, max=100_000), default=1000, show_default=True, help="Length of the chain.")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), default=Path(".proofplane/demo"), show_default=True, help="Made anew each time."
)
@click.option("--quiet", "-q", is_flag=True, help="No progress display.")
@config_option
@json_option
def demo(blocks: int, data_dir: Path, quiet: bool, config: Path | None, as_json: bool) -> None:
    """Mine a chain with tagged transactions, a predicate upgrade and a reorg; prove and verify every block.

    Beside it, a Lean chain with a fork is made and imported.
    """
    settings = settings_from(config, data_dir)
    if settings.prover.backend != NATIVE.backend:
        raise BadConfig(
            f"the demo mines whole regtest blocks, which backend {settings.prover.backend} does not prove: "
            f"unset [prover] backend (PROOFPLANE_PROVER_BACKEND), or make it {NATIVE.backend}"
        )
    plan = DemoPlan(blocks)
    if not as_json:
        lean = chain_demo.PLAN
        click.echo(
            f"Mining {blocks:,} regtest blocks: a new step key at {plan.upgrade_at:,}, and at {plan.fork_at:,} a reorg "
            f"of {ABANDONED} blocks by {REPLACING}.\n"
            f"Importing a Lean chain of {lean.validators} validators: slot {chain_demo.MISSED} is missed, at {chain_demo.FORK} it forks."
        )
    try:
        summary, lean_chain = _run(settings, plan, quiet)
    except StoppedEarly:
        raise StoppedEarly("stopped; the demo begins anew the next time") from None
    verified = _verify(data_dir, summary.blocks, summary.tip)
    imported = lean_chain.imported
    if imported is None:
        raise VerificationFailed("the Lean chain was not imported to its end")
    checked = _verify_lean(lean_chain, imported)
    if as_json:
        lean_part = {name: checked[name] for name in ("imported", "reorgs", "signatures", "head", "head_slot", "finalized_slot")}
        counts = {"blocks": summary.blocks, "reorgs": summary.reorgs, "seconds": summary.seconds}
        print_json({**counts, "verified": verified, "lean": {**lean_part, "seconds": round(imported.seconds, 3)}})
        return
    rows = [(one.what, one.count, one.checked) for one in _table(summary, verified, imported)]
    click.echo()
    print_table(("", "count", "verified by another process"), rows)
    click.echo(
        f"\n{summary.seconds:.1f} s in all, {imported.seconds:.1f} s of it for importing. Everything is in {data_dir}; look at it with"
    )
    for command in (f"status --data-dir {data_dir}", f"verify-chain --data-dir {data_dir}", f"chain head --data-dir {lean_chain.data}"):
        click.echo(f"  {program()} {command}")


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the demo's table."""

    what: str
    count: int
    checked: str


def _run(settings: Settings, plan: DemoPlan, quiet: bool) -> tuple[Summary, ChainDemo]:
    clock = SystemClock()
    directory = Path(settings.node.data_dir)
    with DataDirectory(directory, demo_params(), fresh=True) as opened:
        chain, lean = DemoChain(plan, opened.add_key("step-2")), ChainDemo(directory / "lean", settings.node.cores, clock)

        async def drive(node: Node) -> None:
            importing = asyncio.create_task(lean.work(), name="lean chain")
            try:
                await chain.run(node)
                await importing
            finally:
                importing.cancel()
                await asyncio.gather(importing, return_exceptions=True)

        def display(node: Node) -> Display:
            return Display([NodePicture(node.progress), ChainPicture(lean.progress)], clock, quiet=quiet)

        summary = run_async(run_session(opened, chain.source, drive, settings, clock, display, target_blocks=plan.blocks))
    return summary, lean


def _verify(data_dir: Path, blocks: int, tip: str) -> dict[str, Any]:
    report = _other_process("verify-chain", "--data-dir", data_dir)
    if (report["blocks"], report["tip"]) != (blocks, tip):
        raise VerificationFailed(f"verify-chain saw {report['blocks']} blocks up to {report['tip']}, proved were {blocks} up to {tip}")
    return report


def _verify_lean(chain: ChainDemo, imported: ChainImported) -> dict[str, Any]:
    """Another process imports the same blocks one step after the other and must come to the same head."""
    report = _other_process("chain", "import", chain.blocks, "--sequential", "--quiet")
    if report["head"] != imported.store.head.hex():
        raise VerificationFailed(
            f"imported one step after the other, the Lean chain ends at {report['head']}, not {imported.store.head.hex()}"
        )
    return report


def _other_process(*command: object) -> dict[str, Any]:
    arguments = [sys.executable, "-P", "-m", "proofplane", *map(str, command), "--json"]
    name = " ".join(map(str, command))
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=_VERIFY_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise VerificationFailed(f"{name} did not end within {_VERIFY_SECONDS:.0f} s") from None
    if done.returncode != 0:
        raise VerificationFailed(f"{name} ended with {done.returncode}: {done.stderr.strip()}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _table(summary: Summary, verified: dict[str, Any], imported: ChainImported) -> list[_Line]:
    steps, recursives = sum(verified["step_proofs"].values()), sum(verified["recursive_proofs"].values())
    return [
        _Line("blocks of the chain", summary.blocks, "all"),
        _Line("reorgs handled", summary.reorgs, "tip and states right"),
        _Line("step proofs", steps, "all"),
        _Line("recursive proofs", recursives, "all"),
        _Line("proofs of orphans", verified["orphan_proofs"], "they hold, and are not the chain's"),
        _Line("Lean blocks imported", imported.count(Outcome.IMPORTED), "all, the same head without the overlap"),
        _Line("Lean reorgs handled", imported.reorgs, "head and checkpoints right after every block"),
        _Line("XMSS signatures", imported.signatures, "all"),
    ]
