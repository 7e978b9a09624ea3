"""C++20: headers with the structs, a client, and a service over the runtime in `bindings/cpp`, formatted by clang-format."""

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

STYLE = Path(__file__).parent.parent / "templates" / "cpp" / "clang-format"
"""clang-format's settings, also those of `bindings/cpp`."""

_SCALARS = {
    Scalar.U8: ("std::uint8_t", "U8"),
    Scalar.U16: ("std::uint16_t", "U16"),
    Scalar.U32: ("std::uint32_t", "U32"),
    Scalar.U64: ("std::uint64_t", "U64"),
    Scalar.F64: ("double", "F64"),
    Scalar.BOOL: ("bool", "Bool"),
    Scalar.STRING: ("std::string", "String"),
    Scalar.BYTES: ("std::vector<std::uint8_t>", "Binary"),
}
"""Each scalar's C++ type, and its codec in `proofplane/msgpack/codecs.hpp`."""


@dataclass(frozen=True, slots=True)
class Member:
    """One field as C++ sees it."""

    name: str
    wire: str
    type: str
    codec: str
    doc: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One struct as C++ sees it."""

    name: str
    doc: tuple[str, ...]
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Using:
    """One alias as C++ sees it."""

    name: str
    doc: tuple[str, ...]
    type: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One command as C++ sees it."""

    name: str
    doc: tuple[str, ...]
    request: str
    request_wire: str
    response: str
    response_wire: str


def type_text(type_: Type) -> str:
    """The C++ type that holds a value."""
    match type_:
        case Scalar():
            return _SCALARS[type_][0]
        case FixedBytes(size):
            return f"std::array<std::uint8_t, {size}>"
        case Named(name):
            return pascal(name)
        case Optional(inner):
            return f"std::optional<{type_text(inner)}>"
        case List(inner):
            return f"std::vector<{type_text(inner)}>"
        case Array(inner, size):
            return f"std::array<{type_text(inner)}, {size}>"
        case Map(key, value):
            return f"std::map<{type_text(key)}, {type_text(value)}>"
        case Tuple(items):
            return f"std::tuple<{', '.join(map(type_text, items))}>"
        case Packed(inner):
            return f"proofplane::Packed<{type_text(inner)}>"


def codec_text(schema: Schema, type_: Type) -> str:
    """The codec that writes and reads it: not told by the C++ type alone, since `bytes` and `u8[]` share one."""
    match type_:
        case Scalar():
            return f"codec::{_SCALARS[type_][1]}"
        case FixedBytes(size):
            return f"codec::Fixed<{size}>"
        case Named(name):
            resolved = schema.resolve(type_)
            return f"codec::Struct<{pascal(name)}>" if isinstance(resolved, Struct) else codec_text(schema, resolved)
        case Optional(inner):
            return f"codec::Maybe<{codec_text(schema, inner)}>"
        case List(inner):
            return f"codec::List<{codec_text(schema, inner)}>"
        case Array(inner, size):
            return f"codec::Array<{codec_text(schema, inner)}, {size}>"
        case Map(key, value):
            return f"codec::Map<{codec_text(schema, key)}, {codec_text(schema, value)}>"
        case Tuple(items):
            return f"codec::Tuple<{', '.join(codec_text(schema, item) for item in items)}>"
        case Packed(inner):
            return f"codec::InBin<{codec_text(schema, inner)}>"


def _doc(text: str) -> tuple[str, ...]:
    """Lines for `///`; a backslash at a line's end would join the next line to the comment."""
    return tuple(line.rstrip(" \\") for line in text.strip().splitlines())


def _member(schema: Schema, field: Field) -> Member:
    return Member(snake(field.name), field.name, type_text(field.type), codec_text(schema, field.type), _doc(field.doc))


def _record(schema: Schema, struct: Struct) -> Record:
    return Record(pascal(struct.name), _doc(struct.doc), tuple(_member(schema, field) for field in struct.fields))


def _definitions(schema: Schema) -> list[Using | Record]:
    """Everything that has a name, each behind all that it mentions; a response that is also a type stands once."""
    found: dict[str, Using | Record] = {
        alias.name: Using(pascal(alias.name), _doc(alias.doc), type_text(alias.type)) for alias in schema.aliases
    }
    for struct in (*schema.types, schema.error, *(part for command in schema.commands for part in (command.request, command.response))):
        if struct.name not in found:
            found[struct.name] = _record(schema, struct)
    return list(found.values())


def _operations(schema: Schema) -> list[Operation]:
    return [
        Operation(
            snake(command.name),
            _doc(command.doc),
            pascal(command.request.name),
            command.request.name,
            pascal(command.response.name),
            command.response.name,
        )
        for command in schema.commands
    ]


def _render(schema: Schema, sides: Sides) -> Mapping[str, str]:
    base = snake(schema.service)
    values: dict[str, object] = {
        "namespace": base,
        "service": pascal(schema.service),
        "doc": _doc(schema.doc),
        "error": pascal(schema.error.name),
        "error_wire": schema.error.name,
        "operations": _operations(schema),
    }
    wanted = {"types": True, "client": sides.client, "service": sides.server}
    files = {f"{base}_{part}.hpp": f"{part}.hpp.j2" for part, is_wanted in wanted.items() if is_wanted}
    return {
        path: render_template("cpp", template, schema, definitions=_definitions(schema), is_record=_is_record, **values)
        for path, template in files.items()
    }


def _is_record(one: Using | Record) -> bool:
    return isinstance(one, Record)


def _formatter(files: Sequence[Path]) -> Sequence[str]:
    return [program("clang-format"), "-i", f"--style=file:{STYLE}", *map(str, files)]


LANGUAGE = Language("cpp", _render, _formatter, "pip install clang-format")
