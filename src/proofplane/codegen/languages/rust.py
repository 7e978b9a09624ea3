"""Rust: a module of types, and of the wanted sides, over the crate `proofplane-rpc`; formatted by rustfmt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofplane.codegen.environment import render as render_template
from proofplane.codegen.language import Language, Sides, program
from proofplane.wire.names import pascal, snake
from proofplane.wire.schema.model import (
    Array,
    Field,
    FixedBytes,
    List,
    Map,
    Named,
    Optional,
    Packed,
    Scalar,
    Schema,
    Struct,
    Tuple,
    Type,
)

STYLE = Path(__file__).parent.parent / "templates" / "rust" / "rustfmt.toml"
"""How generated Rust is formatted, wherever it lies."""

_SCALARS = {Scalar.F64: "f64", Scalar.BOOL: "bool", Scalar.STRING: "String", Scalar.BYTES: "Vec<u8>"}


@dataclass(frozen=True, slots=True)
class Member:
    """One field as Rust sees it."""

    name: str
    wire: str
    type: str
    write: str
    """The statement that writes it."""
    read: str
    """The expression that reads it."""
    doc: str


@dataclass(frozen=True, slots=True)
class Record:
    """One struct as Rust sees it."""

    name: str
    wire: str
    doc: str
    members: tuple[Member, ...]
    key: str
    """Name of the variable that holds a key while fields are read."""
    reader: str
    """Name of the variable that is the reader."""


@dataclass(frozen=True, slots=True)
class Method:
    """One command as Rust sees it."""

    name: str
    request: Record
    response: Record
    doc: str


def type_text(type_: Type) -> str:
    """The Rust type of a value."""
    match type_:
        case Scalar():
            return _SCALARS.get(type_, type_.value)
        case FixedBytes(size):
            return f"[u8; {size}]"
        case Named(name):
            return pascal(name)
        case Optional(inner):
            return f"Option<{type_text(inner)}>"
        case List(inner):
            return f"Vec<{type_text(inner)}>"
        case Array(inner, size):
            return f"[{type_text(inner)}; {size}]"
        case Map(key, value):
            return f"BTreeMap<{type_text(key)}, {type_text(value)}>"
        case Tuple(items):
            return f"({', '.join(map(type_text, items))}{',' if len(items) == 1 else ''})"
        case Packed(inner):
            return type_text(inner)


def write_statement(schema: Schema, type_: Type, reference: str, place: str, writer: str = "writer") -> str:
    """Statements that write the value which `reference` points to and whose parts are `place.0`, `place.1`."""
    match schema.resolve(type_):
        case Tuple(items):
            parts = [write_statement(schema, item, f"&{place}.{at}", f"{place}.{at}", writer) for at, item in enumerate(items)]
            return "".join(f"{part} " for part in (f"{writer}.array({len(items)});", *parts)).rstrip()
        case Optional(inner):
            return f"{writer}.optional({reference}, {_write_one(schema, inner)});"
        case List(inner) | Array(inner, _):
            return f"{writer}.list({reference}, {_write_one(schema, inner)});"
        case Packed(inner):
            return f"{writer}.packed({reference}, {_write_one(schema, inner)});"
        case Map(key, value):
            return f"{writer}.map({reference}, {_write_one(schema, key)}, {_write_one(schema, value)});"
        case resolved:
            return f"{writer}.{_leaf(resolved, sized='bytes')}({reference});"


def read_expression(schema: Schema, type_: Type, reader: str) -> str:
    """An expression that reads the value and leaves the function on an error."""
    match schema.resolve(type_):
        case Tuple(items):
            parts = ", ".join(read_expression(schema, item, reader) for item in items)
            return f"{{ {reader}.tuple({len(items)})?; ({parts}{',' if len(items) == 1 else ''}) }}"
        case resolved:
            return f"{_read_call(schema, resolved, reader)}?"


def _read_call(schema: Schema, type_: Type | Struct, reader: str) -> str:
    match type_:
        case Optional(inner):
            return f"{reader}.optional({_read_one(schema, inner)})"
        case List(inner):
            return f"{reader}.list({_read_one(schema, inner)})"
        case Array(inner, _):
            return f"{reader}.items({_read_one(schema, inner)})"
        case Packed(inner):
            return f"{reader}.packed({_read_one(schema, inner)})"
        case Map(key, value):
            return f"{reader}.map({_read_one(schema, key)}, {_read_one(schema, value)})"
        case _:
            return f"{reader}.{_leaf(type_, sized='fixed')}()"


def _leaf(type_: Type | Struct, *, sized: str) -> str:
    """The method of the runtime's writer or reader for a value without parts that we know."""
    match type_:
        case Scalar():
            return type_.value
        case FixedBytes():
            return sized
        case _:
            return "value"


def _write_one(schema: Schema, type_: Type) -> str:
    """A function of a writer and a reference."""
    match schema.resolve(type_):
        case Scalar() | FixedBytes() | Struct() as resolved:
            return f"Writer::{_leaf(resolved, sized='bytes')}"
        case Tuple():
            return f"|w, v| {{ {write_statement(schema, type_, 'v', 'v', 'w')} }}"
        case _:
            return f"|w, v| {write_statement(schema, type_, 'v', 'v', 'w').removesuffix(';')}"


def _read_one(schema: Schema, type_: Type) -> str:
    """A function of a reader."""
    match schema.resolve(type_):
        case Scalar() | FixedBytes() | Struct() as resolved:
            return f"Reader::{_leaf(resolved, sized='fixed')}"
        case Tuple():
            return f"|r| Ok({read_expression(schema, type_, 'r')})"
        case resolved:
            return f"|r| {_read_call(schema, resolved, 'r')}"


def _doc(text: str, otherwise: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in (text.strip() or otherwise).splitlines())


def _member(schema: Schema, field: Field, reader: str) -> Member:
    name = snake(field.name)
    return Member(
        name,
        field.name,
        type_text(field.type),
        write_statement(schema, field.type, f"&self.{name}", f"self.{name}"),
        read_expression(schema, field.type, reader),
        "\n".join(_doc(field.doc, f"`{field.name}`.")),
    )


def _record(schema: Schema, struct: Struct, doc: str) -> Record:
    names = {snake(field.name) for field in struct.fields}
    key, reader = (f"the_{name}" if name in names else name for name in ("key", "reader"))
    members = tuple(_member(schema, field, reader) for field in struct.fields)
    return Record(pascal(struct.name), struct.name, struct.doc or doc, members, key, reader)


def _render(schema: Schema, sides: Sides) -> Mapping[str, str]:
    methods = [
        Method(
            snake(command.name),
            _record(schema, command.request, command.doc or f"Request of `{command.name}`."),
            _record(schema, command.response, f"What answers `{command.name}`."),
            command.doc or f"`{command.name}`.",
        )
        for command in schema.commands
    ]
    records = {struct.name: _record(schema, struct, f"`{struct.name}` of the contract.") for struct in schema.types}
    for method in methods:
        records.setdefault(method.request.wire, method.request)
        records.setdefault(method.response.wire, method.response)
    records.setdefault(schema.error.name, _record(schema, schema.error, "The error reply."))
    aliases = [(pascal(alias.name), type_text(alias.type), alias.doc or f"`{alias.name}` of the contract.") for alias in schema.aliases]
    types = [*(text for _, text, _ in aliases), *(member.type for record in records.values() for member in record.members)]
    values = {
        "sides": sides,
        "service": pascal(schema.service),
        "methods": methods,
        "records": list(records.values()),
        "aliases": aliases,
        "maps": any("BTreeMap<" in text for text in types),
    }
    wanted = ["mod", "types", *(["client"] if sides.client else []), *(["server"] if sides.server else [])]
    return {f"{name}.rs": render_template("rust", f"{name}.rs.j2", schema, **values) for name in wanted}


def _formatter(files: Sequence[Path]) -> Sequence[str]:
    return [program("rustfmt"), "--edition=2024", f"--config-path={STYLE}", *map(str, files)]


LANGUAGE = Language("rust", _render, _formatter, "rustup component add rustfmt")
