"""`proofplane bb setup`: the pinned `bb` and its points, brought into the cache, checked."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from proofplane.barretenberg.ceremony import Placed, look_over, place_file, with_grumpkin
from proofplane.barretenberg.crs import crs_dir, verification_crs, verification_dir, verification_ready
from proofplane.barretenberg.doctor import largest_circuit
from proofplane.barretenberg.download import HOSTS, download
from proofplane.barretenberg.install import install
from proofplane.barretenberg.points import DEFAULT_POINTS, MAX_POINTS
from proofplane.cli.options import PATH


@click.command(short_help="Fetch the pinned bb and its points.")
@click.option("--tarball", type=PATH, default=None, help="The npm package as a file, for machines without npm.")
@click.option(
    "--crs-file", type=PATH, default=None, help="Ceremony points that you have (bn254_g1.dat): copied, checked, nothing is downloaded."
)
@click.option(
    "--points", type=click.IntRange(2, MAX_POINTS), default=None, help=f"How many points to download. [default: {DEFAULT_POINTS}, 2 MiB]"
)
@click.option("--crs-url", default=None, help="Download the points (uncompressed) from here instead of the ceremony's hosts.")
@click.option("--verify-only", is_flag=True, help="No points for proving.")
@click.option("--quiet", "-q", is_flag=True, help="No progress display.")
def setup(tarball: Path | None, crs_file: Path | None, points: int | None, crs_url: str | None, verify_only: bool, quiet: bool) -> None:
    """Bring the pinned Barretenberg `bb` and its points into the cache; what is there already stays.

    The binary comes from the npm package by npm's own client. Verifying needs nothing else from the network.
    For proving, ceremony points come from --crs-file or from the ceremony's host; an interrupted download is resumed.

    PROOFPLANE_CACHE names another cache, PROOFPLANE_BB a binary outside of it, CRS_PATH a directory for the points.
    """
    if verify_only and (crs_file or points or crs_url):
        raise click.UsageError("--verify-only brings no points for proving: leave the other options away")
    if crs_file and (points or crs_url):
        raise click.UsageError("--crs-file downloads nothing: leave --points and --crs-url away")
    if crs_file is not None:
        look_over(crs_file)  # before 50 MB are fetched
    installed = install(os.environ, tarball, lambda what: None if quiet else click.echo(what, err=True))
    _say("binary", installed.fresh, f"{installed.binary.path} ({installed.binary.version})")
    made = not verification_ready(verification_dir(os.environ))
    verification = verification_crs(os.environ, installed.binary)
    _say("verifying", made, str(verification.directory))
    if verify_only:
        return
    directory = crs_dir(os.environ)
    with _Bar(quiet) as bar:
        if crs_file is not None:
            placed = place_file(crs_file, directory, bar.show)
        else:
            placed = download(directory, points or DEFAULT_POINTS, [crs_url] if crs_url else HOSTS, bar.show)
    with_grumpkin(directory, verification)
    _say("proving", placed.fresh, _proving(placed))


def _say(name: str, fresh: bool, text: str) -> None:
    click.echo(f"{name:9}  {'installed' if fresh else 'present':9}  {text}")


def _proving(placed: Placed) -> str:
    return f"{placed.path}, {placed.points:,} points: circuits of up to {largest_circuit(placed.points):,} gates"


class _Bar:
    """Progress on standard error, on a terminal only."""

    def __init__(self, quiet: bool) -> None:
        console = Console(stderr=True)
        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(24),
            MofNCompleteColumn(),
            TextColumn("points"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=quiet or not console.is_terminal,
        )

    def show(self, what: str, done: int, goal: int) -> None:
        """Shows that `done` of `goal` points are downloaded, copied or checked."""
        task = self._tasks.get(what)
        if task is None:
            task = self._tasks[what] = self._progress.add_task(what, total=goal)
        self._progress.update(task, completed=done)

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()
