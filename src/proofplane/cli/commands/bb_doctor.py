"""`proofplane bb doctor`: what of Barretenberg is here, whether it works, what is missing and how to get it."""

from __future__ import annotations

import os
import textwrap

import click

from proofplane.barretenberg.circuits.header_step import step_points
from proofplane.barretenberg.doctor import Diagnosis, diagnose
from proofplane.barretenberg.points import more_points
from proofplane.cli.exits import OK, exit_code
from proofplane.cli.options import json_option
from proofplane.cli.output import print_json

_WIDTH = 110
"""Columns; longer findings are wrapped below their beginning."""


@click.command(short_help="Say what is there, what is missing and how to get it.")
@json_option
def doctor(as_json: bool) -> int:
    """Look at bb and its points, and verify a proof that is known to be good.

    Exit code 0 if verifying works; otherwise that of what stands in the way: 4 something is missing, 1 a file is not what it must be,
    2 or 5 the cache cannot be used.
    """
    diagnosis = diagnose(os.environ)
    if as_json:
        print_json(_document(diagnosis))
    else:
        for finding in diagnosis.findings:
            begin = f"{finding.name:9}  {'ok' if finding.ok else 'no'}  "
            click.echo(
                textwrap.fill(finding.text, _WIDTH, initial_indent=begin, subsequent_indent=" " * len(begin), break_on_hyphens=False)
            )
        click.echo(f"\n{_conclusion(diagnosis)}")
    return OK if diagnosis.verifies is None else exit_code(diagnosis.verifies)


def _conclusion(diagnosis: Diagnosis) -> str:
    if diagnosis.verifies is not None:
        return "Neither verifying nor proving works."
    if diagnosis.proves is not None:
        return "Verifying works; proving does not."
    if not diagnosis.proves_steps:
        needed = step_points()
        return (
            f"Verifying works; proving works for circuits of up to {diagnosis.largest_circuit:,} gates, "
            f"the header step needs 2^{needed.bit_length() - 1} points:\n{more_points(needed)}."
        )
    return "Verifying and proving work."


def _document(diagnosis: Diagnosis) -> dict[str, object]:
    return {
        "verifies": diagnosis.verifies is None,
        "proves": diagnosis.proves is None,
        "proves_header_steps": diagnosis.proves_steps,
        "largest_circuit": diagnosis.largest_circuit,
        "findings": [{"name": finding.name, "ok": finding.ok, "text": finding.text} for finding in diagnosis.findings],
    }
