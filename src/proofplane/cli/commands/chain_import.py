"""`proofplane chain import`: a directory of blocks, or one block, into a chain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from proofplane.base.cores import usable_cores
from proofplane.base.errors import Refused
from proofplane.chain.delivery import Comparison, Delivered, deliver
from proofplane.chain.directory import ChainStep, read_chain
from proofplane.chain.options import ImportOptions
from proofplane.chain.types import Outcome
from proofplane.cli.chain_progress import ChainPicture
from proofplane.cli.display import Display
from proofplane.cli.options import PATH, json_option, run_async
from proofplane.cli.output import print_fields, print_json, print_table
from proofplane.crypto.xmss import PROD, SCHEMES
from proofplane.lean.store import Store
from proofplane.node.chain_runs import ChainImported, ChainRun
from proofplane.node.chain_session import ChainSession
from proofplane.service.clock import SystemClock


class NotAsRecorded(Refused):
    """Importing gave other verdicts than were recorded, or refused blocks that nobody said anything about."""


@click.command("import")
@click.argument("place", type=PATH)
@click.option("--data-dir", type=PATH, default=None, help="Where the chain is kept. [default: in memory, for this run]")
@click.option("--sequential", is_flag=True, help="Signatures first, on one thread, then the transition.")
@click.option("--threads", type=click.IntRange(min=1, max=256), default=None, help="Threads that verify signatures. [default: all cores]")
@click.option(
    "--scheme", type=click.Choice(sorted(SCHEMES)), default=None, help="XMSS parameters, if there is no steps.json to say. [default: prod]"
)
@click.option("--trace", type=PATH, default=None, help="Write a Chrome trace, in which the overlap can be seen.")
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

    A directory's steps.json is held against what comes out; there the clock follows the recorded slots. Every other block is checked at the
    time of this machine's clock, counted from the chain's genesis time: one of a later slot is refused.

    Started again, it offers every block again, and imports those that are missing.
    """
    options = ImportOptions(parallel=not sequential, threads=threads or usable_cores())
    if place.is_file():
        if data_dir is None:
            raise click.UsageError("one block needs the chain that it belongs to: give --data-dir")
        if trace is not None or metrics is not None or scheme is not None:
            raise click.UsageError("--trace, --metrics and --scheme mean nothing for one block")
        run_async(_one_block(place, data_dir, options, as_json))
        return
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

    done = run_async(work())
    if as_json:
        print_json(_document(done))
    else:
        _print(done, data_dir)
    _raise_if_not_as_recorded(done)
    if done.lost:
        raise done.lost[0]


async def _one_block(file: Path, data_dir: Path, options: ImportOptions, as_json: bool) -> None:
    async with ChainSession(data_dir, None, options) as session:
        async for one in deliver(session.importer, session.storage, [ChainStep(file)]):
            found = {"block": one.root and one.root.hex(), "slot": one.slot, "outcome": _outcome(one), **_head(session.importer.store)}
            if as_json:
                print_json(found)
            elif one.refusal is None:
                print_fields(found)
            if one.refusal is not None:
                raise one.refusal


def _raise_if_not_as_recorded(done: ChainImported) -> None:
    wrong = [one for one in done.deliveries if one.comparison is Comparison.NOT_AS_RECORDED]
    if wrong:
        first = wrong[0]
        raise NotAsRecorded(
            f"{len(wrong)} of {len(done.deliveries)} blocks not as recorded, first {first.step.path.name}: {first.difference}"
        )
    refused = [one for one in done.deliveries if one.comparison is Comparison.NOT_RECORDED and one.refusal is not None]
    if refused:
        raise NotAsRecorded(
            f"{len(refused)} of {len(done.deliveries)} blocks were refused, first {refused[0].step.path.name}: {refused[0].refusal}"
        )


def _outcome(one: Delivered) -> str:
    if one.refusal is not None:
        return one.refusal.reason.name
    return "" if one.outcome is None else one.outcome.value


def _head(store: Store) -> dict[str, Any]:
    return {
        "head": store.head.hex(),
        "head_slot": store.blocks[store.head].slot,
        "justified_slot": store.latest_justified.slot,
        "finalized_slot": store.latest_finalized.slot,
    }


def _counts(done: ChainImported) -> dict[str, Any]:
    return {
        "imported": done.count(Outcome.IMPORTED),
        "already_known": done.count(Outcome.ALREADY_KNOWN),
        "refused": done.count(None),
        "as_recorded": done.count(Comparison.AS_RECORDED),
        "verdict_as_recorded": done.count(Comparison.VERDICT_AS_RECORDED),
        "not_as_recorded": done.count(Comparison.NOT_AS_RECORDED),
        "reorgs": done.reorgs,
        "signatures": done.signatures,
    }


def _document(done: ChainImported) -> dict[str, Any]:
    return {
        "scheme": done.scheme,
        "validators": done.validators,
        **_counts(done),
        **_head(done.store),
        "seconds": round(done.seconds, 6),
        "steps_ms": {time.step.value: {"count": time.count, "mean": time.mean, "longest": time.longest} for time in done.steps},
        "blocks": [
            {
                "file": one.step.path.name,
                "note": one.step.note,
                "slot": one.slot,
                "root": one.root and one.root.hex(),
                "outcome": _outcome(one),
                "comparison": one.comparison.value,
                "difference": one.difference,
            }
            for one in done.deliveries
        ],
    }


def _print(done: ChainImported, data_dir: Path | None) -> None:
    for one in done.deliveries:
        if one.refusal is not None or one.comparison is Comparison.NOT_AS_RECORDED:
            difference = f": {one.difference}" if one.difference else ""
            click.echo(f"{one.step.path.name} ({one.step.note}): {_outcome(one)}, {one.comparison.value}{difference}")
    counts, store = _counts(done), _head(done.store)
    rate = f" ({counts['imported'] / done.seconds:,.1f} blocks a second)" if done.seconds and counts["imported"] else ""
    print_fields(
        {
            "chain": f"{done.validators} validators, {done.scheme} signatures",
            "blocks": f"{counts['imported']} imported, {counts['already_known']} known already, {counts['refused']} refused",
            "verdicts": f"{counts['as_recorded'] + counts['verdict_as_recorded']} as recorded, {counts['not_as_recorded']} not",
            "signatures": f"{done.signatures:,} verified",
            "head": f"{store['head']} at slot {store['head_slot']}",
            "checkpoints": f"justified {store['justified_slot']}, finalized {store['finalized_slot']}",
            "reorgs": done.reorgs,
            "time": f"{done.seconds:.3f} s{rate}",
            "kept": "in memory only; --data-dir keeps it" if data_dir is None else f"in {data_dir}",
        }
    )
    click.echo()
    print_table(
        ("step", "times", "mean ms", "longest ms"),
        [(one.step.value, one.count, f"{one.mean:.3f}", f"{one.longest:.3f}") for one in done.steps],
    )
