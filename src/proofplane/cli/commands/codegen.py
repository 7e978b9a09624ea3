"""`proofplane codegen`: types, clients and services from a contract, and contracts from what real servers print about themselves."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click

from proofplane.base.errors import CallerMistake
from proofplane.cli.options import PATH
from proofplane.codegen.generate import LANGUAGES, generate, language
from proofplane.codegen.import_bb import NotAPrintedSchema, import_bb
from proofplane.codegen.language import Sides
from proofplane.wire.names import pascal
from proofplane.wire.schema.canonical import to_jsonc
from proofplane.wire.schema.errors import ContractError
from proofplane.wire.schema.model import Schema
from proofplane.wire.schema.parse import parse_contract

_SCHEMA_SECONDS = 60.0
"""Bound on a server that prints its schema; the real ones take some milliseconds."""


class ContractUnreadable(CallerMistake):
    """The contract's file cannot be read."""


class ContractUnwritable(CallerMistake):
    """The contract's file cannot be written, or is there already: it may have been edited, so it is overwritten only when asked."""


class ServerUnusable(CallerMistake):
    """The binary cannot be started, or prints no schema when asked."""


@click.group(invoke_without_command=True, short_help="Write clients and services from a contract.")
@click.option("--schema", type=PATH, default=None, help="The contract, JSONC.")
@click.option("--lang", type=click.Choice(LANGUAGES), default=None, help="The target language.")
@click.option("--out", type=PATH, default=None, help="Directory for the files; made if need be.")
@click.option("--client", is_flag=True, help="Write the client. [default: both sides]")
@click.option("--server", is_flag=True, help="Write the server's side. [default: both sides]")
@click.pass_context
def codegen(ctx: click.Context, schema: Path | None, lang: str | None, out: Path | None, client: bool, server: bool) -> None:
    """Write types, async client and async service of a contract, for one language, formatted by its own formatter.

    That is ruff, clang-format, rustfmt, zig or prettier, which must be installed.
    """
    if ctx.invoked_subcommand is not None:
        if schema or lang or out or client or server:
            raise click.UsageError(f"options go behind `{ctx.invoked_subcommand}`", ctx)
        return
    if schema is None or lang is None or out is None:
        missing = [name for name, value in (("--schema", schema), ("--lang", lang), ("--out", out)) if value is None]
        raise click.UsageError(f"missing {', '.join(missing)}", ctx)
    sides = Sides(client=client or not server, server=server or not client)
    for path in generate(_contract(schema), language(lang), sides, out):
        click.echo(path)


@codegen.command("import-bb", short_help="Write the contract of a real server.")
@click.option("--binary", type=PATH, required=True, help="`bb`, `aztec-wsdb` or a program like them: run as `BINARY msgpack schema`.")
@click.option("--out", type=PATH, required=True, help="The contract to write, JSONC.")
@click.option("--service", default=None, help="Name of the service. [default: from the binary's name]")
@click.option("--force", is_flag=True, help="Overwrite the contract if it is there.")
def import_schema(binary: Path, out: Path, service: str | None, force: bool) -> None:
    """Write the contract of a real `bb` or `aztec-wsdb`."""
    try:
        schema = import_bb(_printed_schema(binary), service or pascal(binary.name.replace("-", "_")))
    except (ContractError, NotAPrintedSchema) as error:
        raise ServerUnusable(f"what `{binary} msgpack schema` printed is no schema: {error}") from error
    try:
        with out.open("w" if force else "x", encoding="utf-8") as file:
            file.write(to_jsonc(schema))
    except FileExistsError:
        raise ContractUnwritable(f"{out} exists: give another --out, or --force to overwrite it") from None
    except OSError as error:
        raise ContractUnwritable(f"cannot write {out}: {error.strerror or error}") from error
    click.echo(f"{out}: {len(schema.commands)} commands, {len(schema.types)} types")


def _contract(path: Path) -> Schema:
    try:
        return parse_contract(_text(path))
    except ContractError as error:
        raise ContractUnreadable("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ContractUnreadable(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ContractUnreadable(f"{path} is not UTF-8 text: byte {error.start}") from error


def _printed_schema(binary: Path) -> str:
    command = [str(binary.resolve()) if binary.exists() else str(binary), "msgpack", "schema"]  # a bare name may be on the path
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SCHEMA_SECONDS, check=False, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise ServerUnusable(f"cannot start {binary}: {error.strerror or error}") from error
    except subprocess.TimeoutExpired:
        raise ServerUnusable(f"`{binary} msgpack schema` did not end within {_SCHEMA_SECONDS:.0f} s") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise ServerUnusable(f"`{binary} msgpack schema` ended with {done.returncode}: {said}")
    return done.stdout.decode(errors="replace")
