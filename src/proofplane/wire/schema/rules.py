"""What a contract must keep to beyond its grammar, so that five languages can carry it; its problems are reported together.

Rules:

1. Names: the service, types and commands are `LikeThis`, fields `likeThis` or `like_this`; no language reserves them as it spells
   them, no two come out the same in any language, none is what generated code calls something of its own, and `Hello` belongs to
   the runtime.
2. Every name that is used is a type or an alias. An alias stands for types without structs.
3. No type contains itself, not even in a list: what is decoded is no deeper than its contract says, so no stack can be exhausted.
4. An optional's type is not itself optional: nil could be either.
5. There is a command. An error has exactly the field `message`, a string, since the runtimes answer errors themselves.
6. Sizes stay within the named bounds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import TopologicalSorter

from proofplane.wire.messages import HELLO, HELLO_RESPONSE
from proofplane.wire.names import camel, pascal
from proofplane.wire.schema.errors import Problem
from proofplane.wire.schema.model import Array, FixedBytes, List, Map, Named, Optional, Packed, Scalar, Schema, Struct, Tuple, Type
from proofplane.wire.schema.reserved import DERIVED_TYPES, DERIVED_VALUES, FIELDS, METHODS, SERVICES, TYPES, Spelling

MAX_NAME = 100
"""Characters of a name: an envelope carries 255 bytes, and generated names add to it."""

MAX_COMMANDS = 1024
"""Commands of a contract: a method's number is small on every language's side."""

MAX_TYPES = 4096
"""Types and aliases of a contract."""

MAX_FIELDS = 256
"""Fields of a struct: Python and C++ pass them as arguments."""

MAX_TUPLE = 12
"""Parts of a tuple: Rust's standard traits end there."""

MAX_SIZE = 1 << 20
"""Bytes of `binN` and values of `T[N]`: these stand in place, on the stack in some languages."""

MAX_DEPTH = 64
"""Types within types, all names followed: bounds the recursion of every decoder."""

_TYPE_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
_FIELD_NAME = re.compile(r"[a-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")


def broken_rules(schema: Schema) -> list[Problem]:
    """Returns the problems of `schema`, each with its place; an empty list: it can be used.

    Nesting and sizes are looked at only once all names are right.
    """
    problems = [*_limits(schema), *_names(schema), *_references(schema)]
    return problems or [*_depths(schema), *_shapes(schema)]  # these follow names, which must lead somewhere


def named_in(type_: Type) -> Iterator[str]:
    """The names that `type_` mentions, not followed."""
    if isinstance(type_, Named):
        yield type_.name
    for part in _parts(type_):
        yield from named_in(part)


def names_used(schema: Schema) -> dict[str, list[str]]:
    """Each alias and type -> the names that it mentions; the graph of rule 3."""
    graph = {alias.name: list(named_in(alias.type)) for alias in schema.aliases}
    for struct in schema.types:
        graph[struct.name] = [name for field in struct.fields for name in named_in(field.type)]
    return graph


def _structs(schema: Schema) -> Iterator[tuple[str, str, Struct]]:
    """Every struct once: the place that names it, the place of its fields, itself."""
    for struct in schema.types:
        yield f"types.{struct.name}", f"types.{struct.name}", struct
    yield "error", "error", schema.error
    for command in schema.commands:
        place = f"commands.{command.name}"
        yield place, f"{place}.request", command.request
        if command.response not in schema.types:
            yield f"{place}.response", f"{place}.response", command.response


def _parts(type_: Type) -> Sequence[Type]:
    match type_:
        case Optional(inner=inner) | List(inner=inner) | Array(inner=inner) | Packed(inner=inner):
            return (inner,)
        case Map(value=value):
            return (value,)
        case Tuple(items=items):
            return items
        case _:
            return ()


def _written(schema: Schema) -> Iterator[tuple[str, Type]]:
    """Every type that the contract writes out, with its place."""
    for alias in schema.aliases:
        yield f"aliases.{alias.name}", alias.type
    for _, place, struct in _structs(schema):
        for field in struct.fields:
            yield f"{place}.{field.name}", field.type


def _limits(schema: Schema) -> Iterator[Problem]:
    if not schema.commands:
        yield Problem("commands", "a contract has one command at least")
    if len(schema.commands) > MAX_COMMANDS:
        yield Problem("commands", f"{len(schema.commands)} commands, the limit is {MAX_COMMANDS}")
    if len(schema.types) + len(schema.aliases) > MAX_TYPES:
        yield Problem("types", f"{len(schema.types) + len(schema.aliases)} types and aliases, the limit is {MAX_TYPES}")
    for _, place, struct in _structs(schema):
        if len(struct.fields) > MAX_FIELDS:
            yield Problem(place, f"{len(struct.fields)} fields, the limit is {MAX_FIELDS}")
    if [(field.name, field.type) for field in schema.error.fields] != [("message", Scalar.STRING)]:
        yield Problem("error", "an error has exactly the field message, a string: the runtimes answer errors themselves")


def _names(schema: Schema) -> Iterator[Problem]:
    types = [(f"aliases.{alias.name}", alias.name) for alias in schema.aliases]
    types += [(place, struct.name) for place, _, struct in _structs(schema)]
    for place, name in [("service", schema.service), *types]:
        if not _TYPE_NAME.fullmatch(name) or len(name) > MAX_NAME:
            yield Problem(place, f"{name!r:.120} is not a name LikeThis, at most {MAX_NAME} letters and digits")
        elif name in (HELLO, HELLO_RESPONSE):
            yield Problem(place, f"{name} belongs to the runtime, which answers it itself: choose another name")
    yield from _distinct([("service", schema.service)], SERVICES)
    yield from _distinct(types, TYPES)
    yield from _underived(schema.service, types)
    yield from _distinct([(f"commands.{command.name}", command.name) for command in schema.commands], METHODS)
    for _, place, struct in _structs(schema):
        fields = [(f"{place}.{field.name}", field.name) for field in struct.fields]
        for at, name in fields:
            if not _FIELD_NAME.fullmatch(name) or len(name) > MAX_NAME:
                yield Problem(at, f"{name!r:.120} is not a name likeThis or like_this, at most {MAX_NAME} letters and digits")
        yield from _distinct(fields, FIELDS)


def _distinct(names: Iterable[tuple[str, str]], spellings: tuple[Spelling, ...]) -> Iterator[Problem]:
    """Rule 1 within one space of names; a name is reported once, for the first language that minds."""
    taken: dict[tuple[str, str], str] = {}
    for place, name in names:
        if not name[:1].isalpha():  # told already, and nothing to spell
            continue
        for spelling in spellings:
            spelled = spelling.spell(name)
            first = taken.get((spelling.language, spelled))
            if spelled in spelling.reserved:
                yield Problem(
                    place, f"{name!r} is {spelled!r} in {spelling.language}, which has its own meaning there: choose another name"
                )
                break
            if first is not None:
                yield Problem(place, f"{name!r} is {spelled!r} in {spelling.language}, and so is {first!r}: choose another name")
                break
        for spelling in spellings:
            taken.setdefault((spelling.language, spelling.spell(name)), name)


def _underived(service: str, types: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    """Rule 1 between types and what is generated under the service's name."""
    classes = {f"{pascal(service)}{suffix}" for suffix in DERIVED_TYPES}
    values = {f"{camel(service)}{suffix}" for suffix in DERIVED_VALUES} if service else set()
    for place, name in types:
        spelled = pascal(name)
        clashes = classes & {spelled} or values & {f"read{spelled}", f"write{spelled}"}
        for clash in clashes:
            yield Problem(place, f"{name!r} is in the way of {clash!r}, which is generated for the service: choose another name")


def _references(schema: Schema) -> Iterator[Problem]:
    structs = {struct.name for struct in schema.types}
    known = structs | {alias.name for alias in schema.aliases}
    for place, type_ in _written(schema):
        for name in dict.fromkeys(named_in(type_)):
            if name not in known:
                yield Problem(place, f"{name} is neither a type nor an alias of this contract")
            elif name in structs and place.startswith("aliases."):
                yield Problem(place, f"an alias stands for types without structs, and {name} is one: write it where it is used")
    yield from _cycles(schema)


def _cycles(schema: Schema) -> Iterator[Problem]:
    graph = names_used(schema)
    aliases = {alias.name for alias in schema.aliases}
    for start in graph:
        reached: set[str] = set()
        waiting = list(graph[start])
        while waiting:
            name = waiting.pop()
            if name in graph and name not in reached:
                reached.add(name)
                waiting.extend(graph[name])
        if start in reached:
            place = f"{'aliases' if start in aliases else 'types'}.{start}"
            yield Problem(
                place, f"{start} contains itself: types nest only as deep as the contract says, refer to one another by a key instead"
            )


def _depths(schema: Schema) -> Iterator[Problem]:
    graph = names_used(schema)
    types: dict[str, list[Type]] = {alias.name: [alias.type] for alias in schema.aliases}
    types |= {struct.name: [field.type for field in struct.fields] for struct in schema.types}
    depths: dict[str, int] = {}
    for name in TopologicalSorter(graph).static_order():
        depths[name] = 1 + max((_depth(type_, depths) for type_ in types[name]), default=0)
    for place, type_ in _written(schema):
        if _depth(type_, depths) > MAX_DEPTH:
            yield Problem(place, f"types nest deeper than {MAX_DEPTH} here")


def _depth(type_: Type, depths: Mapping[str, int]) -> int:
    if isinstance(type_, Named):
        return depths[type_.name]
    return 1 + max((_depth(part, depths) for part in _parts(type_)), default=0)


def _shapes(schema: Schema) -> Iterator[Problem]:
    for place, type_ in _written(schema):
        waiting = [type_]
        while waiting:
            part = waiting.pop()
            waiting.extend(_parts(part))
            match part:
                case Optional(inner=inner) if isinstance(schema.resolve(inner), Optional):
                    yield Problem(place, "an optional of an optional: nil could be either")
                case Array(size=size) | FixedBytes(size=size) if not 1 <= size <= MAX_SIZE:
                    yield Problem(place, f"a fixed size is 1 to {MAX_SIZE}, not {size}: use a list, or bytes")
                case Tuple(items=items) if not 2 <= len(items) <= MAX_TUPLE:
                    yield Problem(place, f"a tuple has 2 to {MAX_TUPLE} parts, not {len(items)}: use a type")
