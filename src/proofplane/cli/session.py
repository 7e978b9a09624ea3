"""Runs a node session from the command line: progress on standard error, the summary on standard output."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from proofplane.anchor.ports import L1Source
from proofplane.anchor.types import AnchorParams
from proofplane.cli.display import Display
from proofplane.cli.output import print_fields, print_json
from proofplane.cli.program import program
from proofplane.cli.progress import NodePicture
from proofplane.node.backend import chosen
from proofplane.node.config import Settings
from proofplane.node.data_dir import DataDirectory
from proofplane.node.node import Node
from proofplane.node.session import Drive, Summary, run_session
from proofplane.service.clock import SystemClock


@dataclass(frozen=True, slots=True)
class Output:
    """How a run shows itself."""

    quiet: bool
    """No progress display."""
    as_json: bool
    """The summary as one JSON document."""


async def run(
    settings: Settings,
    params: AnchorParams,
    source: L1Source,
    drive: Drive,
    target_blocks: int | None,
    output: Output,
    retry_failed: bool = False,
) -> None:
    """Runs a node in the settings' data directory to the end of `drive` and of all proofs, and prints the summary.

    Raises what `chosen`, `run_session` and `DataDirectory` do.
    """
    clock = SystemClock()

    def display(node: Node) -> Display:
        return Display([NodePicture(node.progress)], clock, quiet=output.quiet)

    backend = chosen(settings, params)  # whatever it misses is said before anything is written
    with DataDirectory(Path(settings.node.data_dir), params, step_predicate=backend.step_predicate) as directory:
        summary = await run_session(directory, source, drive, settings, clock, display, target_blocks, retry_failed, backend=backend)
    print_summary(summary, output.as_json)


def print_summary(summary: Summary, as_json: bool) -> None:
    """Prints what a run ended with."""
    if as_json:
        print_json(asdict(summary))
        return
    speed = summary.proved / summary.seconds if summary.seconds else 0.0
    rate = f" ({speed:,.0f} blocks a second)" if speed >= 10 else f" ({speed:.2f} blocks a second)" if speed else ""
    times = {} if summary.step_seconds is None else {"step proving": str(summary.step_seconds)}
    print_fields(
        {
            "network": f"{summary.network}, {summary.mode}",
            "backend": summary.backend,
            "anchor": summary.anchor,
            "tip": summary.tip,
            "blocks": f"{summary.blocks:,}",
            "step proofs": f"{summary.step_proofs:,} stored",
            "recursive proofs": f"{summary.recursive_proofs:,} stored",
            **times,
            "reorgs": summary.reorgs,
            "time": f"{summary.seconds:.1f} s{rate}",
            "next": f"{program()} verify-chain --data-dir {summary.data_dir}",
        }
    )
