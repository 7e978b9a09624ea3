"""What a target language is to the generator: how its files are rendered and who formats them."""

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofplane.wire.schema.model import Schema


@dataclass(frozen=True, slots=True)
class Sides:
    """Which halves are wanted besides the types."""

    client: bool
    server: bool


@dataclass(frozen=True, slots=True)
class Language:
    """One target; each lives in `codegen/languages/NAME.py` as `LANGUAGE`, its templates in `codegen/templates/NAME/`."""

    name: str
    render: Callable[[Schema, Sides], Mapping[str, str]]
    """From a schema to relative path -> text, not yet formatted."""
    formatter: Callable[[Sequence[Path]], Sequence[str]]
    """The command that formats these files in place: the language's own formatter.

    It reads no settings from where the files happen to lie, so that the same schema gives the same bytes everywhere.
    `FileNotFoundError`, raised by it or by starting the command, means that the formatter is not installed.
    """
    install: str
    """How to install the formatter: `pip install ruff`."""


def program(name: str) -> str:
    """Path of a program installed beside our interpreter, whose virtual environment need not be activated; else its bare name."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or name
