"""What a target language is to the generator: how its files are rendered and who formats them."""

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
    """The command that formats these files in place: the language's own formatter."""
