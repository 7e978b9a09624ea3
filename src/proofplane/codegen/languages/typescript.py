"""TypeScript: one ES module with the types, their codecs, the contract and the wanted sides, formatted by prettier."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofplane.codegen.environment import environment
from proofplane.codegen.environment import render as render_template
from proofplane.codegen.language import Language, Sides
from proofplane.wire.names import camel, pascal, snake
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
"""Width of generated TypeScript."""

RUNTIME = "@proofplane/rpc"
"""Package of the runtime, in `bindings/typescript`."""

_SPELT_OUT = 8
"""An array of at most so many items is a tuple with every item named, so that the compiler counts them too."""

_SCALARS = {
    Scalar.U8: "number",
    Scalar.U16: "number",
    Scalar.U32: "number",
    Scalar.U64: "bigint",
    Scalar.F64: "number",
    Scalar.BOOL: "boolean",
    Scalar.STRING: "string",
    Scalar.BYTES: "Uint8Array",
}

_METHODS = {
    Scalar.BOOL: "bool",
    Scalar.STRING: "string",
    Scalar.BYTES: "binary",
}
"""What the runtime's writer and reader call a scalar, where it is not the contract's name."""


@dataclass(frozen=True, slots=True)
class Member:
    """One field as TypeScript sees it."""

    name: str
    wire: str
    type: str
    doc: str
    write: str
    """A statement that writes `value.NAME`."""
    read: str
    """An expression that reads it."""
    label: str


@dataclass(frozen=True, slots=True)
class Interface:
    """One struct as TypeScript sees it."""

    name: str
    doc: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One command as TypeScript sees it."""

    name: str
    wire: str
    wire_response: str
    doc: str
    request: str
    response: str
    empty: bool
    """The request has no fields."""


def type_text(type_: Type) -> str:
    """The type of a value."""
    match type_:
        case Scalar():
            return _SCALARS[type_]
        case FixedBytes():
            return "Uint8Array"
        case Named(name):
            return pascal(name)
        case Optional(inner):
            return f"{type_text(inner)} | null"
        case List(inner):
            return f"ReadonlyArray<{type_text(inner)}>"
        case Array(inner, size) if 0 < size <= _SPELT_OUT:
            return f"readonly [{', '.join([type_text(inner)] * size)}]"
        case Array(inner, _):
            return f"ReadonlyArray<{type_text(inner)}>"
        case Map(key, value):
            return f"ReadonlyMap<{type_text(key)}, {type_text(value)}>"
        case Tuple(items):
            return f"readonly [{', '.join(map(type_text, items))}]"
        case Packed(inner):
            return type_text(inner)


def write_text(schema: Schema, type_: Type, value: str, label: str, depth: int = 0) -> str:
    """Statements that write the expression `value` to `writer`."""
    quoted, writer = json.dumps(label), "writer"
    match type_:
        case Scalar():
            return f"{writer}.{_METHODS.get(type_, type_.value)}({value});"
        case FixedBytes(size):
            return f"{writer}.fixed({value}, {size}, {quoted});"
        case Named(name):
            resolved = schema.resolve(type_)
            return (
                f"write{pascal(name)}(writer, {value});"
                if isinstance(resolved, Struct)
                else write_text(schema, resolved, value, label, depth)
            )
        case Optional(inner):
            return f"if ({value} === null) {{ writer.nil(); }} else {{ {write_text(schema, inner, value, label, depth)} }}"
        case List(inner):
            return f"writer.array({value}.length); {_each(schema, inner, value, label, depth)}"
        case Array(inner, size):
            return f"writer.exactly({value}, {size}, {quoted}); {_each(schema, inner, value, label, depth)}"
        case Tuple(items):
            parts = [write_text(schema, item, f"{value}[{index}]", f"{label}[{index}]", depth) for index, item in enumerate(items)]
            return f"writer.exactly({value}, {len(items)}, {quoted}); {' '.join(parts)}"
        case Map(key, inner):
            pair = f"[key{depth}, item{depth}]"
            body = write_text(schema, key, f"key{depth}", f"{label} key") + write_text(
                schema, inner, f"item{depth}", f"{label}[]", depth + 1
            )
            return f"writer.map({value}.size); for (const {pair} of ascending({value})) {{ {body} }}"
        case Packed(inner):
            return f"writer.packed((writer) => {{ {write_text(schema, inner, value, label, depth)} }});"


def _each(schema: Schema, inner: Type, value: str, label: str, depth: int) -> str:
    return f"for (const item{depth} of {value}) {{ {write_text(schema, inner, f'item{depth}', f'{label}[]', depth + 1)} }}"


def read_text(schema: Schema, type_: Type, label: str) -> str:
    """An expression that reads a value from `reader`."""
    quoted = json.dumps(label)
    match type_:
        case Scalar():
            return f"reader.{_METHODS.get(type_, type_.value)}({quoted})"
        case FixedBytes(size):
            return f"reader.fixed({size}, {quoted})"
        case Named(name):
            resolved = schema.resolve(type_)
            return f"read{pascal(name)}(reader)" if isinstance(resolved, Struct) else read_text(schema, resolved, label)
        case Optional(inner):
            return f"(reader.nil() ? null : {read_text(schema, inner, label)})"
        case List(inner):
            return f"reader.list({quoted}, () => {read_text(schema, inner, f'{label}[]')})"
        case Array(inner, size) if 0 < size <= _SPELT_OUT:
            return _read_tuple([read_text(schema, inner, f"{label}[]")] * size, quoted)
        case Array(inner, size):
            return f"reader.fixedList({size}, {quoted}, () => {read_text(schema, inner, f'{label}[]')})"
        case Tuple(items):
            return _read_tuple([read_text(schema, item, f"{label}[{index}]") for index, item in enumerate(items)], quoted)
        case Map(key, inner):
            key_text, value_text = read_text(schema, key, f"{label} key"), read_text(schema, inner, f"{label}[]")
            return f"reader.entries({quoted}, () => {key_text}, () => {value_text})"
        case Packed(inner):
            return f"reader.packed({quoted}, (reader) => {read_text(schema, inner, label)})"


def _read_tuple(items: Sequence[str], quoted: str) -> str:
    return f"reader.tuple({len(items)}, {quoted}, () => [{', '.join(items)}] as const)"


def comment(text: str) -> str:
    """Text that may stand in a block comment."""
    return "\n * ".join(line.strip() for line in text.replace("*/", "* /").strip().splitlines())


def _member(schema: Schema, struct: Struct, field: Field) -> Member:
    name, label = camel(field.name), f"{struct.name}.{field.name}"
    return Member(
        name,
        field.name,
        type_text(field.type),
        comment(field.doc),
        write_text(schema, field.type, f"value.{name}", label),
        read_text(schema, field.type, label),
        label,
    )


def _interface(schema: Schema, struct: Struct) -> Interface:
    return Interface(pascal(struct.name), comment(struct.doc), tuple(_member(schema, struct, field) for field in struct.fields))


def _structs(schema: Schema) -> Iterator[Struct]:
    """Every struct once, the error excepted, which the runtime knows."""
    named = {struct.name for struct in schema.types}
    yield from schema.types
    for command in schema.commands:
        yield command.request
        if command.response.name not in named:
            yield command.response


def _alias(alias: Alias) -> tuple[str, str, str]:
    size = f"Exactly {alias.type.size} bytes." if isinstance(alias.type, FixedBytes) else ""
    return pascal(alias.name), type_text(alias.type), comment(alias.doc) or size


def _render(schema: Schema, sides: Sides) -> Mapping[str, str]:
    operations = [
        Operation(
            camel(command.name),
            command.request.name,
            command.response.name,
            comment(command.doc),
            pascal(command.request.name),
            pascal(command.response.name),
            not command.request.fields,
        )
        for command in schema.commands
    ]
    environment("typescript").filters["quoted"] = json.dumps
    text = render_template(
        "typescript",
        "module.ts.j2",
        schema,
        sides=sides,
        runtime=RUNTIME,
        service=pascal(schema.service),
        name=camel(schema.service),
        doc=comment(schema.doc),
        aliases=[_alias(alias) for alias in schema.aliases],
        interfaces=[_interface(schema, struct) for struct in _structs(schema)],
        operations=operations,
    )
    return {f"{snake(schema.service).replace('_', '-')}.ts": text}


def _formatter(files: Sequence[Path]) -> Sequence[str]:
    settings = (
        "--no-config",
        "--no-editorconfig",
        "--ignore-path=/dev/null",
        f"--print-width={LINE_LENGTH}",
        "--log-level=warn",
        "--write",
    )
    return [_prettier(files), *settings, *map(str, files)]


def _prettier(files: Sequence[Path]) -> str:
    """The prettier of the package that the files go to, as Node looks for it; else the one on the path."""
    for directory in files[0].resolve().parents if files else ():
        local = directory / "node_modules" / ".bin" / "prettier"
        if local.exists():
            return str(local)
    return shutil.which("prettier") or "prettier"


LANGUAGE = Language("typescript", _render, _formatter, "npm install --save-dev prettier (in the package that the files go to)")
