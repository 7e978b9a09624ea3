"""Zig: a file of types, and one for each wanted side, over the package `proofplane`; formatted by `zig fmt`."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from proofplane.codegen.environment import render as render_template
from proofplane.codegen.language import Language, Sides
from proofplane.wire.names import camel, pascal, snake
from proofplane.wire.schema.model import (
    Array,
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

_TEXT = "[]const u8"

_SCALARS = {Scalar.STRING: _TEXT, Scalar.BYTES: _TEXT}

_CODECS = {Scalar.F64: "Float", Scalar.BOOL: "Bool", Scalar.STRING: "String", Scalar.BYTES: "Bytes"}


_CLIENT_NAMES = ("client", "contract", "request", "rpc", "std", "types")
"""Names that the client's file uses itself: a method of that name would hide one, which Zig refuses, so it is called otherwise there."""


@dataclass(frozen=True, slots=True)
class Member:
    """One field as Zig sees it."""

    name: str
    wire: str
    type: str
    codec: str
    doc: str


@dataclass(frozen=True, slots=True)
class Record:
    """One struct as Zig sees it."""

    name: str
    wire: str
    doc: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Method:
    """One command as Zig sees it."""

    name: str
    request: Record
    response: Record
    doc: str


def type_text(type_: Type) -> str:
    """The Zig type of a value."""
    match type_:
        case Scalar():
            return _SCALARS.get(type_, type_.value)
        case FixedBytes(size):
            return f"[{size}]u8"
        case Named(name):
            return pascal(name)
        case Optional(inner):
            return f"?{type_text(inner)}"
        case List(inner):
            return f"[]const {type_text(inner)}"
        case Array(inner, size):
            return f"[{size}]{type_text(inner)}"
        case Map(key, value):
            return f"[]const msgpack.Entry({type_text(key)}, {type_text(value)})"
        case Tuple(items):
            return f"struct {{ {', '.join(map(type_text, items))} }}"
        case Packed(inner):
            return type_text(inner)


def codec_text(schema: Schema, type_: Type) -> str:
    """The runtime's codec of a value: what Zig's type does not tell, as text and bytes are the same there."""
    match schema.resolve(type_):
        case Scalar() as scalar:
            return f"msgpack.{_CODECS.get(scalar, 'Integer')}"
        case FixedBytes():
            return "msgpack.FixedBytes"
        case Struct(name):
            return f"{pascal(name)}.Codec"
        case Tuple(items):
            return f"msgpack.Tuple(.{{ {', '.join(codec_text(schema, item) for item in items)} }})"
        case Map(_, value):
            return f"msgpack.Map({codec_text(schema, value)})"
        case Optional(inner) | List(inner) | Array(inner, _) | Packed(inner) as outer:
            return f"msgpack.{type(outer).__name__}({codec_text(schema, inner)})"
        case Named(name):
            raise AssertionError(f"{name} is not resolved")


def _record(schema: Schema, struct: Struct, doc: str) -> Record:
    members = tuple(
        Member(snake(field.name), field.name, type_text(field.type), codec_text(schema, field.type), field.doc) for field in struct.fields
    )
    return Record(pascal(struct.name), struct.name, struct.doc or doc, members)


def _render(schema: Schema, sides: Sides) -> Mapping[str, str]:
    methods = [
        Method(
            camel(command.name),
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
    taken = {method.name for method in methods}
    values = {
        "scope": {name: f"the_{name}" if name in taken else name for name in _CLIENT_NAMES},
        "sides": sides,
        "service": pascal(schema.service),
        "methods": methods,
        "records": list(records.values()),
        "aliases": [
            (pascal(alias.name), type_text(alias.type), alias.doc or f"`{alias.name}` of the contract.") for alias in schema.aliases
        ],
    }
    wanted = ["root", "types", *(["client"] if sides.client else []), *(["server"] if sides.server else [])]
    return {f"{name}.zig": render_template("zig", f"{name}.zig.j2", schema, **values) for name in wanted}


def _formatter(files: Sequence[Path]) -> Sequence[str]:
    if find_spec("ziglang") is not None:
        return [sys.executable, "-m", "ziglang", "fmt", *map(str, files)]
    return ["zig", "fmt", *map(str, files)]


LANGUAGE = Language("zig", _render, _formatter, "pip install ziglang")
