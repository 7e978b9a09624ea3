"""A contract in its two written forms: the canonical one, whose SHA-256 is the schema hash, and the text that people read.

The hash is what two ends compare before they talk.
Every name, every type and the order of fields changes it, for they change the bytes on the wire or what they mean;
docs, comments, blanks, and the order of aliases, types and commands do not, for nothing on the wire depends on them.
"""

from __future__ import annotations

import hashlib
import json

from proofplane.wire.messages import ERROR, RESPONSE_SUFFIX
from proofplane.wire.schema.model import Schema, Struct
from proofplane.wire.schema.types import type_text

FORM = 1
"""Version of the canonical form; a change of the form changes every hash."""


def canonical_json(schema: Schema) -> str:
    """One line of ASCII JSON without blanks, keys ascending; fields as [name, type] pairs in their order."""
    form = {
        "form": FORM,
        "service": schema.service,
        "aliases": {alias.name: type_text(alias.type) for alias in schema.aliases},
        "types": {struct.name: _pairs(struct) for struct in schema.types},
        "error": [schema.error.name, _pairs(schema.error)],
        "commands": {
            command.name: [_pairs(command.request), command.response.name, _pairs(command.response)] for command in schema.commands
        },
    }
    return json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def schema_hash(schema: Schema) -> bytes:
    """SHA-256 of the canonical form, 32 bytes."""
    return hashlib.sha256(canonical_json(schema).encode("ascii")).digest()


def to_jsonc(schema: Schema) -> str:
    """The contract as text; `parse_contract` reads it as an equal schema, docs included."""
    lines = [*_doc(schema.doc, ""), "{", f'  "service": {json.dumps(schema.service)},']
    if schema.aliases:
        aliases = [(alias.doc, alias.name, json.dumps(type_text(alias.type))) for alias in schema.aliases]
        lines += ['  "aliases": {', *_entries(aliases, "    "), "  },"]
    if schema.types:
        types = [(struct.doc, struct.name, _fields(struct, "    ")) for struct in schema.types]
        lines += ['  "types": {', *_entries(types, "    "), "  },"]
    lines += [*_doc(schema.error.doc, "  "), f'  "error": {_named(schema.error, ERROR, "  ")},']
    commands = [(command.doc, command.name, _command(schema, index)) for index, command in enumerate(schema.commands)]
    lines += ['  "commands": {', *_entries(commands, "    "), "  }", "}"]
    return "\n".join(lines) + "\n"


_WIDTH = 110
"""Columns up to which a struct stays on one line."""


def _pairs(struct: Struct) -> list[tuple[str, str]]:
    return [(field.name, type_text(field.type)) for field in struct.fields]


def _doc(doc: str, indent: str) -> list[str]:
    return [f"{indent}// {line}".rstrip() for line in doc.split("\n")] if doc else []


def _entries(entries: list[tuple[str, str, str]], indent: str) -> list[str]:
    lines: list[str] = []
    for index, (doc, name, text) in enumerate(entries):
        comma = "," if index < len(entries) - 1 else ""
        lines += [*_doc(doc, indent), f"{indent}{json.dumps(name)}: {text}{comma}"]
    return lines


def _fields(struct: Struct, indent: str, width: int = _WIDTH) -> str:
    """The object of fields, on one line if that takes at most `width` columns and no field has a doc."""
    parts = [f"{json.dumps(field.name)}: {json.dumps(type_text(field.type))}" for field in struct.fields]
    line = f"{{ {', '.join(parts)} }}" if parts else "{}"
    if len(line) <= width and not any(field.doc for field in struct.fields):
        return line
    inner = indent + "  "
    entries = [(field.doc, field.name, json.dumps(type_text(field.type))) for field in struct.fields]
    return "\n".join(["{", *_entries(entries, inner), indent + "}"])


def _named(struct: Struct, default: str, indent: str) -> str:
    if struct.name == default:
        return _fields(struct, indent)
    start = f'{{ "name": {json.dumps(struct.name)}, "fields": '
    return f"{start}{_fields(struct, indent, _WIDTH - len(start))} }}"


def _command(schema: Schema, index: int) -> str:
    command = schema.commands[index]
    indent = " " * 6
    request = _fields(command.request, indent)
    if command.response in schema.types:
        response = json.dumps(command.response.name)
    else:
        response = _named(command.response, command.name + RESPONSE_SUFFIX, indent)
    line = f'{{ "request": {request}, "response": {response} }}'
    if len(line) <= _WIDTH and "\n" not in line and not command.request.doc and not command.response.doc:
        return line
    docs = _doc(command.request.doc, indent), [] if command.response in schema.types else _doc(command.response.doc, indent)
    return "\n".join(["{", *docs[0], f'{indent}"request": {request},', *docs[1], f'{indent}"response": {response}', "    }"])
