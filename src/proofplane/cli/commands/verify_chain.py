"""`proofplane verify-chain`: an independent check of a data directory, from anchor to tip."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from proofplane.anchor.anchor_store import ANCHOR_SCHEMA
from proofplane.anchor.moho_store import MOHO_SCHEMA
from proofplane.base.cores import usable_cores
from proofplane.cli.options import config_option, data_dir_option, json_option, settings_from
from proofplane.cli.output import print_fields, print_json
from proofplane.crypto.predicates import Check
from proofplane.node.checks import Checks
from proofplane.node.data_dir import TrustRoot, opened_for_reading
from proofplane.node.kinds import label_of
from proofplane.node.verify_chain import ChainReport, verify_chain
from proofplane.storage.database import ReadOnlyDatabase

_SHOW_EVERY = 50
"""Blocks between two updates of the progress bar."""


@click.command("verify-chain", short_help="Check all blocks, states and proofs again.")
@data_dir_option
@click.option("--trust", type=click.Path(path_type=Path), help="Believe this trust file instead of the data directory's own.")
@config_option
@json_option
def command(data_dir: Path | None, trust: Path | None, config: Path | None, as_json: bool) -> None:
    """Check every block, state and proof from the anchor to the tip, believing only the anchor and the predicate keys.

    Exit codes: 0 all hold, 1 one byte is wrong or one proof is missing, 2 your mistake (a file, an option), 3 a proof could not be checked
    (no bb).
    """
    settings = settings_from(config, data_dir)
    cores = usable_cores(settings.node.cores)
    with opened_for_reading(Path(settings.node.data_dir), (ANCHOR_SCHEMA, MOHO_SCHEMA), trust) as (database, root), Checks(cores) as checks:
        report = _with_progress(database, root, checks.check, cores)
    if as_json:
        print_json({"anchor": str(root.params.block), "identity": root.identity().hex(), **report.to_json()})
        return
    print_fields(
        {
            "chain": root.params.describe(),
            "trust root": root.identity().hex(),
            "tip": report.tip,
            "blocks": f"{report.blocks:,} checked and computed again",
            "step proofs": _counts(report.step_proofs),
            "recursive proofs": _counts(report.recursive_proofs),
            "orphan proofs": f"{report.orphan_proofs:,}",
            "result": "everything holds",
        }
    )


def _with_progress(database: ReadOnlyDatabase, root: TrustRoot, check: Check, threads: int) -> ChainReport:
    console = Console(stderr=True)
    columns = (TextColumn("verifying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("verifying", total=None)

        def show(blocks: int, total: int) -> None:
            if blocks % _SHOW_EVERY == 0:
                progress.update(task, completed=blocks, total=total)

        return verify_chain(database, root, show, check, threads)


def _counts(by_kind: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {label_of(kind)}" for kind, count in sorted(by_kind.items())) or "0"
