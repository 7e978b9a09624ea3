"""Python: one module with the types, the contract, and the wanted sides, formatted by ruff."""

import builtins
import json
import re
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofplane.codegen.environment import render as render_template
from proofplane.codegen.language import Language, Sides, program
from proofplane.codegen.languages.python_checks import construction_lines
from proofplane.wire.names import pascal, snake
from proofplane.wire.schema.model import (
    Alias,
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

LINE_LENGTH = 140
"""Width of generated Python."""

_SPELT_OUT = 8
"""An array of at most so many items is a tuple with every item named, so that type checkers count them too."""

_SCALARS = {
    Scalar.U8: "_wire.U8",
    Scalar.U16: "_wire.U16",
    Scalar.U32: "_wire.U32",
    Scalar.U64: "_wire.U64",
    Scalar.F64: "float",
    Scalar.BOOL: "bool",
    Scalar.STRING: "str",
    Scalar.BYTES: "bytes",
}

_ANNOTATIONS = frozenset({"bool", "bytes", "dict", "float", "list", "str", "tuple"})
"""Names that annotations use: in a class with a field or method of that name they are reached through `builtins`.

What is imported needs no such care: its names begin with an underscore, which no name of a contract does."""

_TAKEN = "timeout"
"""A parameter that every method of a client has already: a field of that name gets an underscore behind it there."""


@dataclass(frozen=True, slots=True)
class Member:
    """One field as Python sees it."""

    name: str
    wire: str
    type: str
    doc: str
    parameter: str
    """Its name as a parameter of a client's method."""


@dataclass(frozen=True, slots=True)
class Class:
    """One struct as Python sees it."""

    name: str
    doc: str
    members: tuple[Member, ...]
    renames: tuple[Member, ...]
    """Those whose name on the wire differs."""
    construction: tuple[str, ...]
    """Lines of `__post_init__`."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One command as Python sees it."""

    name: str
    wire: str
    wire_response: str
    doc: str
    request: Class
    response: Class
    parameters: tuple[Member, ...]
    """The request's fields, with their types as they are written in a client."""


def type_text(type_: Type) -> str:
    """The annotation of a type, with its range or size for decoders."""
    match type_:
        case Scalar():
            return _SCALARS[type_]
        case FixedBytes(size):
            return f"_typing.Annotated[bytes, _msgspec.Meta(min_length={size}, max_length={size})]"
        case Named(name):
            return pascal(name)
        case Optional(inner):
            return f"{type_text(inner)} | None"
        case List(inner):
            return f"list[{type_text(inner)}]"
        case Array(inner, size) if 0 < size <= _SPELT_OUT:
            return f"tuple[{', '.join([type_text(inner)] * size)}]"
        case Array(inner, size):
            return f"_typing.Annotated[tuple[{type_text(inner)}, ...], _msgspec.Meta(min_length={size}, max_length={size})]"
        case Map(key, value):
            return f"dict[{type_text(key)}, {type_text(value)}]"
        case Tuple(items):
            return f"tuple[{', '.join(map(type_text, items))}]"
        case Packed(inner):
            return f"_wire.Packed[{type_text(inner)}]"


def alias_text(alias: Alias) -> str:
    """The type that an alias stands for; bytes keep the alias's name, by which a program tells apart what has the same size."""
    text = type_text(alias.type)
    return f"{text[:-2]}, title={json.dumps(alias.name)})]" if isinstance(alias.type, FixedBytes) else text


def docstring(text: str) -> str:
    """The text of a docstring that holds `text`: escaped, no line wider than the page."""
    lines = [part for line in text.strip().splitlines() for part in (textwrap.wrap(line, LINE_LENGTH - 20) or [""])]
    return re.sub(r'"(?="")|"\Z', r'\\"', "\n".join(lines).replace("\\", r"\\"))  # no three quotes in a row, none before the closing ones


def unshadowed(type_: str, shadowed: Collection[str]) -> str:
    """The annotation where these builtins have another meaning."""
    for builtin in shadowed:
        type_ = re.sub(rf"(?<![.\w]){builtin}\b", f"_builtins.{builtin}", type_)
    return type_


def _member(field: Field, shadowed: frozenset[str]) -> Member:
    name = snake(field.name)
    type_ = unshadowed(type_text(field.type), shadowed)
    return Member(name, field.name, type_, docstring(field.doc), f"{name}_" if name == _TAKEN else name)


def _class(schema: Schema, struct: Struct, doc: str = "") -> Class:
    """The class of a struct; `doc` stands where it has none of its own."""
    shadowed = _ANNOTATIONS & {snake(field.name) for field in struct.fields}
    members = tuple(_member(field, shadowed) for field in struct.fields)
    renames = tuple(member for member in members if member.name != member.wire)
    return Class(pascal(struct.name), docstring(struct.doc or doc), members, renames, tuple(construction_lines(schema, struct)))


def _operations(schema: Schema, shadowed: frozenset[str]) -> list[Operation]:
    return [
        Operation(
            snake(command.name),
            command.request.name,
            command.response.name,
            docstring(command.doc),
            _class(schema, command.request, command.doc),
            _class(schema, command.response),
            tuple(_member(field, shadowed) for field in command.request.fields),
        )
        for command in schema.commands
    ]


def _render(schema: Schema, sides: Sides) -> Mapping[str, str]:
    shadowed = _ANNOTATIONS & {snake(command.name) for command in schema.commands}
    operations = _operations(schema, shadowed)
    parameters = {member.parameter for operation in operations for member in operation.parameters}
    text = render_template(
        "python",
        "module.py.j2",
        schema,
        sides=sides,
        service=pascal(schema.service),
        doc=docstring(schema.doc),
        aliases=[(pascal(alias.name), alias_text(alias), docstring(alias.doc)) for alias in schema.aliases],
        classes=[_class(schema, struct) for struct in schema.types],
        error=_class(schema, schema.error),
        error_wire=schema.error.name,
        operations=operations,
        timeout=unshadowed("float | None", shadowed),
        types={one.name for one in schema.types},
        shadows=any(hasattr(builtins, name) for name in parameters),
    )
    return {f"{snake(schema.service)}.py": text}


def _formatter(files: Sequence[Path]) -> Sequence[str]:
    return [program("ruff"), "format", "--isolated", "--quiet", f"--line-length={LINE_LENGTH}", "--target-version=py311", *map(str, files)]


LANGUAGE = Language("python", _render, _formatter, "pip install ruff")
