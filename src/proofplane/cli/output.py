"""What commands print: one JSON document, or a table for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click


def print_json(document: Any) -> None:
    """Prints exactly one JSON document on standard output."""
    click.echo(json.dumps(document, indent=2))


def print_fields(fields: Mapping[str, Any]) -> None:
    """Prints name and value a line, names aligned."""
    width = max((len(name) for name in fields), default=0)
    for name, value in fields.items():
        click.echo(f"{name.ljust(width)}  {'-' if value is None else value}")


def print_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Prints a plain table with aligned columns; cuts nothing, so that it can be piped."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(name), *(len(row[column]) for row in texts)) if texts else len(name) for column, name in enumerate(header)]
    for row in [list(header), *texts]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
