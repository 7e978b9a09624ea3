"""`proofplane bb`: the real Barretenberg, fetched, looked over and asked."""

from __future__ import annotations

import click

from proofplane.cli.lazy import LazyGroup

_COMMANDS = {
    "setup": ("proofplane.cli.commands.bb_setup", "setup"),
    "doctor": ("proofplane.cli.commands.bb_doctor", "doctor"),
    "verify": ("proofplane.cli.commands.bb_verify", "verify"),
}


@click.group(cls=LazyGroup, table=_COMMANDS, short_help="Fetch Barretenberg, check what is there, verify a proof.")
def bb() -> None:
    """The real Barretenberg `bb`, pinned, pooled and typed."""
