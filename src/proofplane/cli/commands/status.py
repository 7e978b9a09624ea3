"""`proofplane status`: what a data directory holds, also while a node works on it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from proofplane.cli.options import config_option, data_dir_option, json_option, settings_from
from proofplane.cli.output import print_fields, print_json, print_table
from proofplane.node.data_dir import opened_for_reading
from proofplane.node.inspect import MAX_FAILURES_SHOWN, SCHEMAS, read_status
from proofplane.node.kinds import ULTRA_HONK


@click.command(short_help="Show the chain, its proofs and what failed.")
@data_dir_option
@config_option
@json_option
def status(data_dir: Path | None, config: Path | None, as_json: bool) -> None:
    """Show the chain, its proofs, what is waiting and what failed."""
    with opened_for_reading(Path(settings_from(config, data_dir).node.data_dir), SCHEMAS) as (database, trust):
        found = read_status(database, trust)
    recursion = _recursion(found.backend)
    if as_json:
        print_json({**found.to_json(), "recursion": recursion})
        return
    print_fields(
        {
            "chain": found.chain,
            "trust root": found.identity,
            "backend": found.backend,
            **({} if recursion is None else {"recursion": recursion}),
            "tip": found.tip,
            "Moho tip": found.moho_tip,
            "last proven": found.last_proven,
            "blocks": f"{found.blocks:,}",
            "step proofs": f"{found.step_proofs:,}",
            "recursive proofs": f"{found.recursive_proofs:,}",
            "planned": f"{found.planned:,}",
            "handed over": f"{found.in_flight:,}",
            "failed": f"{found.failed:,}",
            "aborted": f"{found.aborted:,}",
        }
    )
    if found.failures:
        click.echo(f"\nfailed for good (lowest {MAX_FAILURES_SHOWN}; --retry-failed asks again):")
        print_table(("proof", "attempt", "reason"), [(one.proof, one.attempt, one.reason) for one in found.failures])


def _recursion(backend: str) -> str | None:
    """How recursive proofs are made where circuits prove the steps; None where everything is native."""
    if backend != ULTRA_HONK.backend:
        return None
    from proofplane.node.circuit_backend import recursion_note  # here, because it loads the circuits and the client of `bb`

    return recursion_note(os.environ)
