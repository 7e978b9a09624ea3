"""`proofplane chain import`: a directory of blocks, or one block, into a chain."""

from __future__ import annotations

from pathlib import Path

import click

from proofplane.base.cores import usable_cores
from proofplane.base.errors import Refused
from proofplane.chain.delivery import Comparison, deliver
from proofplane.chain.directory import ChainStep, read_chain
from proofplane.chain.options import ImportOptions
from proofplane.cli.chain_paths import check_paths
from proofplane.cli.chain_progress import ChainPicture
from proofplane.cli.chain_summary import document, head_of, outcome, print_summary
from proofplane.cli.display import Display
from proofplane.cli.options import PATH, json_option, run_async
from proofplane.cli.output import print_fields, print_json
from proofplane.crypto.xmss import PROD, SCHEMES
from proofplane.lean.errors import Reason
from proofplane.node.chain_runs import ChainImported, ChainRun
from proofplane.node.chain_session import ChainSession
from proofplane.service.clock import SystemClock


class NotAsRecorded(Refused):
    """Importing gave other verdicts than were recorded, or refused blocks that nobody said anything about."""


@click.command("import", short_help="Import a directory of blocks, or one block.")
@click.argument("place", type=PATH)
@click.option("--data-dir", type=PATH, default=None, help="Where the chain is kept. [default: in memory, for this run]")
@click.option("--sequential", is_flag=True, help="Signatures first, on one thread, then the transition.")
@click.option("--threads", type=click.IntRange(min=1, max=256), default=None, help="Threads that verify signatures. [default: all cores]")
@click.option(
    "--scheme", type=click.Choice(sorted(SCHEMES)), default=None, help="XMSS parameters, if there is no steps.json to say. [default: prod]"
)
@click.option("--trace", type=PATH, default=None, help="Write a Chrome trace: signatures and transition of each block, side by side.")
@click.option("--metrics", type=PATH, default=None, help="Write metrics as Prometheus text, every few seconds and at the end.")
@click.option("--quiet", "-q", is_flag=True, help="No progress display.")
@json_option
def import_(
    place: Path,
    data_dir: Path | None,
    sequential: bool,
    threads: int | None,
    scheme: str | None,
    trace: Path | None,
    metrics: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Import PLACE: a directory laid out like those of `chain generate`, or a file with one block for the chain in --data-dir.

    The directory holds genesis_state.ssz, anchor_block.ssz (unsigned), block_NNN.ssz (signed, imported by name) and maybe steps.json (the
    scheme, the order, and the expected verdict on each block). Nothing is ever written there.

    With steps.json, each block is imported at its recorded slot, and what comes out is compared. Without it, and with a single file, the
    time is this machine's, counted from the chain's genesis time: a block of a later slot is refused.

    Started again with the same --data-dir, it imports the blocks that are missing.
    """
    options = ImportOptions(parallel=not sequential, threads=threads or usable_cores())
    if place.is_file():
        if data_dir is None:
            raise click.UsageError("one block needs the chain that it belongs to: give --data-dir")
        if trace is not None or metrics is not None or scheme is not None:
            raise click.UsageError("--trace, --metrics and --scheme mean nothing for one block")
        run_async(_one_block(place, data_dir, options, as_json), _stopped(data_dir))
        return
    check_paths(place, data_dir, {"--trace": trace, "--metrics": metrics})
    chain = read_chain(place)
    if chain.scheme is not None and scheme not in (None, chain.scheme.name):
        raise click.UsageError(f"{place} says that its signatures are {chain.scheme.name}, not {scheme}")
    if chain.scheme is not None:
        # What is recorded is the store without blocks that wait for their parents.
        options = ImportOptions(parallel=options.parallel, threads=options.threads, waiting_blocks=0)
    clock = SystemClock()
    run = ChainRun(clock)

    async def work() -> ChainImported:
        async with Display([ChainPicture(run.progress)], clock, quiet=quiet):
            asked = SCHEMES[scheme] if scheme else PROD
            return await run.import_directory(chain, chain.scheme or asked, data_dir, options, trace, metrics)

    done = run_async(work(), _stopped(data_dir))
    if as_json:
        print_json(document(done))
    else:
        print_summary(done, data_dir, trace)
    _raise_if_not_as_recorded(done)
    if done.lost:
        raise done.lost[0]


async def _one_block(file: Path, data_dir: Path, options: ImportOptions, as_json: bool) -> None:
    async with ChainSession(data_dir, None, options) as session:
        async for one in deliver(session.importer, session.storage, [ChainStep(file)]):
            found = {"block": one.root and one.root.hex(), "slot": one.slot, "outcome": outcome(one), **head_of(session.importer.store)}
            if as_json:
                print_json(found)
            elif one.refusal is None:
                print_fields({name.replace("_", " "): value for name, value in found.items()})
            if one.refusal is not None and one.refusal.reason is Reason.UNKNOWN_PARENT_BLOCK:
                raise Refused(f"{one.refusal}: import its parent first") from one.refusal
            if one.refusal is not None:
                raise one.refusal


def _stopped(data_dir: Path | None) -> str:
    """What to say to an interrupt."""
    if data_dir is None:
        return "stopped; nothing is kept, for there was no --data-dir"
    return f"stopped; what was imported is kept in {data_dir}, and the same command goes on from there"


def _raise_if_not_as_recorded(done: ChainImported) -> None:
    """Which blocks these are has been printed, as text or in the document."""
    wrong = done.count(Comparison.NOT_AS_RECORDED)
    if wrong:
        raise NotAsRecorded(f"{wrong} of {len(done.deliveries)} blocks not as recorded")
    refused = sum(one.comparison is Comparison.NOT_RECORDED and one.refusal is not None for one in done.deliveries)
    if refused:
        raise NotAsRecorded(f"{refused} of {len(done.deliveries)} blocks were refused")
