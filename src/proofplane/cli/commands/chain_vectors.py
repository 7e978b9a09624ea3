"""`proofplane chain vectors`: runs recorded test vectors and counts how they ended."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import click

from proofplane.base.cores import usable_cores
from proofplane.base.errors import CallerMistake, Refused
from proofplane.chain.vectors.run import FAMILIES, run_vectors, tally
from proofplane.chain.vectors.types import Mode, VectorResult, Verdict
from proofplane.cli.options import PATH, json_option, run_async
from proofplane.cli.output import print_json, print_table


class VectorsFailed(Refused):
    """Some vectors failed or were skipped."""


class NoFamilies(CallerMistake):
    """A directory in which no folder is named like a family of vectors."""


@click.command(short_help="Run recorded test vectors, count how they end.")
@click.argument("directory", type=PATH)
@click.option("--threads", type=click.IntRange(min=1, max=256), default=None, help="Threads that verify signatures. [default: all cores]")
@click.option("--sequential", is_flag=True, help="Signatures first, then the transition, not side by side.")
@json_option
def vectors(directory: Path, threads: int | None, sequential: bool, as_json: bool) -> None:
    """Run the vectors in DIRECTORY, which holds a folder for each family, or is one.

    Families: fork_choice, ssz, state_transition, verify_signatures, verify_single_message_proofs, verify_multi_message_proofs,
    justifiability, slot_clock, poseidon_permutation. Of a vector that passed, a note says what was not compared.
    """
    _check_families(directory)
    results = run_async(_run(directory, Mode(parallel=not sequential, threads=threads or usable_cores())))
    counts = tally(results)
    total = sum(counts.values(), Counter[Verdict]())
    if as_json:
        families = {family: {verdict.value: count[verdict] for verdict in Verdict} for family, count in counts.items()}
        remarks = [
            {"family": one.family, "name": one.name, "verdict": one.verdict.value, "detail": one.detail} for one in results if one.detail
        ]
        print_json({"families": families, **{verdict.value: total[verdict] for verdict in Verdict}, "remarks": remarks})
    else:
        _print(results, counts, total)
    if total[Verdict.FAILED] or total[Verdict.SKIPPED]:
        raise VectorsFailed(f"{total[Verdict.FAILED]} vectors failed, {total[Verdict.SKIPPED]} were skipped")


def _check_families(directory: Path) -> None:
    """Raises `NoFamilies`; what is no directory, or is empty, `run_vectors` refuses."""
    if _has_families(directory) or not directory.is_dir() or not any(directory.glob("*")):
        return
    better = next((place for place in sorted(directory.glob("*")) if place.name not in FAMILIES and _has_families(place)), None)
    hint = "" if better is None else f"; did you mean {better}?"
    raise NoFamilies(f"{directory} holds no known family{hint} (families: {', '.join(FAMILIES)})")


def _has_families(place: Path) -> bool:
    return place.resolve().name in FAMILIES or any(os.path.isdir(place / name) for name in FAMILIES)


async def _run(directory: Path, mode: Mode) -> list[VectorResult]:
    return [result async for result in run_vectors(directory, mode)]


def _print(results: list[VectorResult], counts: dict[str, Counter[Verdict]], total: Counter[Verdict]) -> None:
    for one in results:
        if one.detail:
            kind = "note" if one.verdict is Verdict.PASSED else one.verdict.value
            click.echo(f"{kind}: {one.family}: {one.name}: {one.detail}")
    print_table(
        ("family", *(verdict.value for verdict in Verdict)), [(name, *(count[one] for one in Verdict)) for name, count in counts.items()]
    )
    click.echo(", ".join(f"{total[verdict]} {verdict.value}" for verdict in Verdict))
