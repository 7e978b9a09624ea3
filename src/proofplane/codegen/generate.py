"""From a contract to files in a directory: rendered, formatted aside, then moved into place."""

import importlib
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from proofplane.codegen.environment import MARK
from proofplane.codegen.errors import BadTemplate, FormatterMissing, NotOurs, OutputUnusable, UnknownLanguage
from proofplane.codegen.language import Language, Sides
from proofplane.wire.schema.model import Schema

LANGUAGES = ("python", "cpp", "rust", "zig", "typescript")
"""Names of the targets; each is the module `codegen.languages.NAME`."""

FORMAT_SECONDS = 120.0
"""Bound on one run of a formatter: the largest contract takes about a second, and starting Node on a loaded machine some more."""

_MARK_BYTES = 1024
"""The mark stands within so many bytes from the start of a generated file."""


def language(name: str) -> Language:
    """Returns a target by its name.

    Raises:
        UnknownLanguage: no such target.
    """
    if name not in LANGUAGES:
        raise UnknownLanguage(f"no language {name!r}: choose one of {', '.join(LANGUAGES)}")
    found: Language = importlib.import_module(f"proofplane.codegen.languages.{name}").LANGUAGE
    return found


def generate(schema: Schema, target: Language, sides: Sides, out: Path) -> list[Path]:
    """Writes the types of a contract, and the wanted sides, for one language.

    Everything is rendered and formatted in a hidden directory inside `out` before the first file is moved to its place.
    So no file is ever half-written, and files of `out` that are not generated stay as they are.
    Should moving itself fail (a full disk, a directory in the way), files moved before stay new and the others old: generate anew.

    Returns:
        The files written, sorted.

    Raises:
        FormatterMissing: the language's formatter is not installed.
        NotOurs: a file of that name exists and was not generated.
        OutputUnusable: `out` cannot be made or written.
        BadTemplate: the formatter refused what our templates gave.
    """
    texts = target.render(schema, sides)
    _refuse_foreign(out, texts)
    made = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".codegen-", dir=out) as aside:
            written = _write(Path(aside), texts)
            _format(target, written)
            return _move(Path(aside), out, sorted(texts))
    except OSError as error:
        raise OutputUnusable(f"cannot write to {out}: {error.strerror or error}") from error
    finally:
        if made:
            with suppress(OSError):
                out.rmdir()  # only if it stayed empty


def _refuse_foreign(out: Path, texts: Mapping[str, str]) -> None:
    for relative in texts:
        path = out / relative
        try:
            with path.open("rb") as file:
                start = file.read(_MARK_BYTES)
        except FileNotFoundError:
            continue
        except NotADirectoryError:
            raise OutputUnusable(f"{out} is no directory: choose another") from None
        except OSError as error:
            raise OutputUnusable(f"cannot read {path}: {error.strerror or error}") from error
        if MARK.encode() not in start:
            raise NotOurs(f"{path} exists and was not generated: move it away, or choose another directory")


def _write(directory: Path, texts: Mapping[str, str]) -> list[Path]:
    written: list[Path] = []
    for relative, text in texts.items():
        path = directory / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _format(target: Language, files: Sequence[Path]) -> None:
    try:
        command = target.formatter(files)
        done = subprocess.run(command, capture_output=True, text=True, timeout=FORMAT_SECONDS, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise FormatterMissing(f"the formatter of {target.name} is not installed: {target.install}") from error
    except subprocess.TimeoutExpired as error:
        raise BadTemplate(f"the formatter of {target.name} did not end within {FORMAT_SECONDS:.0f} s") from error
    if done.returncode != 0:
        raise BadTemplate(f"the formatter of {target.name} refused the generated code: {(done.stderr or done.stdout).strip()}")


def _move(aside: Path, out: Path, relatives: Sequence[str]) -> list[Path]:
    placed: list[Path] = []
    for relative in relatives:
        path = out / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(aside / relative, path)
        placed.append(path)
    return placed
