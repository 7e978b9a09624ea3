"""`proofplane chain generate`: makes a signed chain for tests."""

from __future__ import annotations

import re
from pathlib import Path

import click

from proofplane.chain.directory import check_absent
from proofplane.chain.generate import ChainPlan
from proofplane.cli.chain_progress import ChainPicture
from proofplane.cli.display import Display
from proofplane.cli.options import PATH, json_option, run_async
from proofplane.cli.output import print_fields, print_json
from proofplane.cli.program import program
from proofplane.crypto.xmss import MAX_WINDOW, SCHEMES
from proofplane.lean.config import VALIDATOR_REGISTRY_LIMIT
from proofplane.node.chain_runs import ChainRun
from proofplane.service.clock import SystemClock

_MOST_SLOTS = MAX_WINDOW - 1
"""Slots of a range: no chain can be longer, and a larger one would only cost memory."""


def _slots(context: click.Context, option: click.Parameter, text: str) -> frozenset[int]:
    """Slots and ranges of them, separated by commas: 3,7-9."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        matched = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", part, re.ASCII)
        if matched is None:
            raise click.BadParameter(f"{part!r} is no slot and no range like 7-9", context, option)
        span = range(int(matched[1]), int(matched[2] or matched[1]) + 1)
        if not 0 < len(span) <= _MOST_SLOTS:
            raise click.BadParameter(f"{part!r} is no range of 1 to {_MOST_SLOTS} slots", context, option)
        found.update(span)
    return frozenset(found)


def _voters(context: click.Context, option: click.Parameter, text: str) -> str:
    """How many vote in a slot, as a number or as a share of all."""
    number = re.fullmatch(r"\d{1,9}", text, re.ASCII)
    if text not in ("all", "two-thirds") and (number is None or not 1 <= int(text) <= VALIDATOR_REGISTRY_LIMIT):
        raise click.BadParameter(
            f"{text!r} is neither all nor two-thirds nor a number from 1 to {VALIDATOR_REGISTRY_LIMIT}", context, option
        )
    return text


@click.command(short_help="Make a signed chain for tests.")
@click.argument("out", type=PATH)
@click.option("--validators", type=click.IntRange(1, VALIDATOR_REGISTRY_LIMIT), default=8, show_default=True)
@click.option("--slots", type=click.IntRange(min=1), default=12, show_default=True, help="The last slot.")
@click.option("--scheme", type=click.Choice(sorted(SCHEMES)), default="test", show_default=True, help="XMSS parameters.")
@click.option("--seed", default="0", show_default=True, help="Any text; the same options give the same files.")
@click.option("--missed", metavar="SLOTS", callback=_slots, default="", help="Slots without a block, like 5,9-11.")
@click.option("--fork", "forks", metavar="SLOTS", callback=_slots, default="", help="Slots whose block is a sibling of the head.")
@click.option("--bad", metavar="SLOTS", callback=_slots, default="", help="Slots whose block comes after five bad ones.")
@click.option(
    "--voters",
    metavar="all|two-thirds|N",
    callback=_voters,
    default="all",
    show_default=True,
    help="Who votes in a slot; fewer than all take turns.",
)
@click.option("--quiet", "-q", is_flag=True, help="No progress display.")
@json_option
def generate(
    out: Path,
    validators: int,
    slots: int,
    scheme: str,
    seed: str,
    missed: frozenset[int],
    forks: frozenset[int],
    bad: frozenset[int],
    voters: str,
    quiet: bool,
    as_json: bool,
) -> None:
    """Make a signed chain in the new directory OUT, with the verdict on every block.

    All keys follow from the seed: such a chain is for tests.

    Schemes: prod keys sign for 2^32 slots, 2,536 bytes a signature; test keys for 2^8 slots, 424 bytes a signature, and faster.

    The bad blocks of --bad: a bad signature, a bad state root, both at once, an unknown parent, an empty proof. The valid block follows,
    twice.
    """
    plan = ChainPlan(SCHEMES[scheme], validators, slots, seed, _voting(voters, validators), missed, forks, bad)
    check_absent(out)
    clock = SystemClock()
    run = ChainRun(clock)

    async def work() -> int:
        async with Display([ChainPicture(run.progress)], clock, quiet=quiet):
            return await run.generate(plan, out)

    began = clock.now()
    blocks = run_async(work(), "stopped; the chain was not written")
    found = {"directory": str(out), "scheme": scheme, "validators": validators, "blocks": blocks, "seconds": round(clock.now() - began, 3)}
    if as_json:
        print_json(found)
    else:
        print_fields({**found, "next": f"{program()} chain import {out}"})


def _voting(voters: str, validators: int) -> int | None:
    if voters == "all":
        return None
    return -(-2 * validators // 3) if voters == "two-thirds" else int(voters)
