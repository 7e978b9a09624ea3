"""`proofplane verifier`: the verifier service."""

from __future__ import annotations

import click

from proofplane.cli.lazy import LazyGroup

_COMMANDS = {
    "serve": ("proofplane.cli.commands.verifier_serve", "serve"),
}


@click.group(cls=LazyGroup, table=_COMMANDS, short_help="Verify proofs for other processes.")
def verifier() -> None:
    """One front over a low-latency queue and a batching one, on every core."""
