"""Options that several commands share, and the settings that result from them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from proofplane.node.config import Settings, load_settings
from proofplane.node.errors import StoppedEarly

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)

data_dir_option = click.option(
    "--data-dir", type=PATH, default=None, help="Where everything is stored. [default: .proofplane, or [node] data_dir]"
)
config_option = click.option("--config", type=PATH, default=None, help="TOML file with settings; flags and environment win over it.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")


def node_options(command: F) -> F:
    """Adds the options of every command that runs a node."""
    for option in (
        click.option("--quiet", "-q", is_flag=True, help="No progress display."),
        json_option,
        click.option("--retry-failed", is_flag=True, help="Ask again for proofs that failed for good."),
        click.option("--cores", type=click.IntRange(min=1), default=None, help="Use at most this many cores."),
        click.option("--processes", type=click.IntRange(min=1), default=None, help="Prover processes. [default: cores - 1, at least 1]"),
        config_option,
        data_dir_option,
    ):
        command = option(command)
    return command


def settings_from(config: Path | None, data_dir: Path | None = None, **flags: dict[str, Any]) -> Settings:
    """Merges flags (section -> key -> value), environment and file; raises `BadConfig`."""
    node = {**flags.pop("node", {}), "data_dir": str(data_dir) if data_dir is not None else None}
    return load_settings(config, os.environ, {"node": node, **flags})


def run_async(work: Coroutine[Any, Any, T], stopped: str | None = None) -> T:
    """Runs a coroutine on the fastest event loop that is installed.

    Args:
        work: The coroutine.
        stopped: What to say if it is interrupted; None: nothing.

    Raises:
        StoppedEarly: It was interrupted, and there is something to say.
    """
    try:
        import uvloop
    except ImportError:
        start = asyncio.run
    else:
        start = uvloop.run
    try:
        return start(work)
    except KeyboardInterrupt:
        if stopped is None:
            raise
        raise StoppedEarly(stopped) from None
