"""`proofplane chain`: Lean chains, made, imported and looked at."""

from __future__ import annotations

import click

from proofplane.cli.lazy import LazyGroup

_COMMANDS = {
    "generate": ("proofplane.cli.commands.chain_generate", "generate"),
    "import": ("proofplane.cli.commands.chain_import", "import_"),
    "head": ("proofplane.cli.commands.chain_show", "head"),
    "state": ("proofplane.cli.commands.chain_show", "state"),
    "block": ("proofplane.cli.commands.chain_show", "block"),
    "vectors": ("proofplane.cli.commands.chain_vectors", "vectors"),
}


@click.group(cls=LazyGroup, table=_COMMANDS, short_help="Make, import and look at Lean consensus chains.")
def chain() -> None:
    """Import Lean consensus blocks: signatures beside the state transition."""
