"""Reads a service contract: JSON with comments into a checked `Schema`, every problem with its line and place.

    {
      "service": "Echo",
      "aliases": { "Fr": "bin32" },                       // may be left out
      "types": { "Point": { "x": "Fr", "y": "Fr" } },     // may be left out
      "error": { "message": "string" },                   // on the wire ErrorResponse
      "commands": {
        "Walk": { "request": { "to": "Point" }, "response": {} }    // answered by WalkResponse
      }
    }

Where a name on the wire differs from the rule, an error or a response says its own: `{ "name": "CircuitInfoResponse", "fields": {..} }`.
A response that is also used as a type stands in `types`, and the command names it: `"response": "CircuitComputeVkResponse"`.
The comment directly above a key is the documentation of what it names; the one above the first brace is the contract's.
"""

from __future__ import annotations

from dataclasses import replace

from proofplane.wire.messages import ERROR, RESPONSE_SUFFIX
from proofplane.wire.schema.errors import ContractError, Problem
from proofplane.wire.schema.jsonc import Entry, Node, Object, read_jsonc
from proofplane.wire.schema.model import Alias, Command, Field, Scalar, Schema, Struct, Type
from proofplane.wire.schema.rules import broken_rules, names_used
from proofplane.wire.schema.types import SCALARS, UNSIGNED, NotAType, parse_type

_TOP = ("service", "aliases", "types", "error", "commands")


def parse_contract(text: str) -> Schema:
    """Reads and checks a contract.

    Raises:
        ContractError: `text` is no contract; its `problems` name what is wrong with it, each with its line and place.
    """
    top = read_jsonc(text)
    if not isinstance(top, Object):
        raise ContractError([Problem("", "a contract is an object with the keys " + ", ".join(_TOP), 1)])
    reader = _Reader(top)
    schema = reader.schema()
    if reader.problems:
        raise ContractError(reader.problems)
    problems = [replace(problem, line=reader.line_of(problem.place)) for problem in broken_rules(schema)]
    if problems:
        raise ContractError(problems)
    return _defined_before_used(schema)


class _Reader:
    """Walks the object once, collecting problems and the line of every place."""

    def __init__(self, top: Object) -> None:
        self.problems: list[Problem] = []
        self._top = top
        self._lines: dict[str, int] = {}
        self._integers: dict[str, Scalar] = {}  # aliases that stand for one

    def line_of(self, place: str) -> int | None:
        """The line of the place, or of the nearest one around it."""
        while place and place not in self._lines:
            place = place.rpartition(".")[0]
        return self._lines.get(place, 1)

    def schema(self) -> Schema:
        self._only(self._top, "", _TOP)
        self._integers = self._integer_aliases()
        aliases = tuple(
            Alias(name, self._type(entry.value, f"aliases.{name}"), entry.doc)
            for name, entry in self._section("aliases", needed=False).items()
        )
        types = tuple(
            Struct(name, self._fields(entry.value, f"types.{name}"), entry.doc)
            for name, entry in self._section("types", needed=False).items()
        )
        by_name = {struct.name: struct for struct in types}
        error = self._error()
        commands = tuple(self._command(name, entry, by_name) for name, entry in self._section("commands", needed=True).items())
        service = self._entry(self._top, "service", "")
        if service is not None and not isinstance(service.value, str):
            self._problem("service", "is the service's name, a string")
        name = service.value if service is not None and isinstance(service.value, str) else ""
        return Schema(name, aliases, types, error, commands, self._top.doc)

    def _problem(self, place: str, text: str) -> None:
        self.problems.append(Problem(place, text, self.line_of(place)))

    def _entry(self, parent: Object, key: str, place: str) -> Entry | None:
        entry = parent.entries.get(key)
        path = f"{place}.{key}" if place else key
        if entry is None:
            self._problem(place, f"the key {key!r} is missing")
        else:
            self._lines[path] = entry.line
        return entry

    def _object(self, value: Node, place: str, what: str) -> Object:
        if isinstance(value, Object):
            for key, entry in value.entries.items():
                self._lines[f"{place}.{key}"] = entry.line
            return value
        self._problem(place, f"is an object: {what}")
        return Object()

    def _section(self, key: str, *, needed: bool) -> dict[str, Entry]:
        if not needed and key not in self._top.entries:
            return {}
        entry = self._entry(self._top, key, "")
        return {} if entry is None else self._object(entry.value, key, "names and what they stand for").entries

    def _only(self, value: Object, place: str, keys: tuple[str, ...]) -> None:
        for key, entry in value.entries.items():
            if key not in keys:
                path = f"{place}.{key}" if place else key
                self._lines[path] = entry.line
                self._problem(path, f"is not a key here; the keys are {', '.join(keys)}")

    def _integer_aliases(self) -> dict[str, Scalar]:
        entry = self._top.entries.get("aliases")
        texts = {
            name: alias.value.strip()
            for name, alias in (entry.value.entries.items() if entry is not None and isinstance(entry.value, Object) else ())
            if isinstance(alias.value, str)
        }
        found: dict[str, Scalar] = {}
        for name in texts:
            text = name
            for _ in texts:  # a chain is no longer than there are aliases
                text = texts.get(text, text)
            if text in SCALARS and SCALARS[text] in UNSIGNED:
                found[name] = SCALARS[text]
        return found

    def _key(self, name: str) -> Scalar | None:
        scalar = SCALARS.get(name)
        return scalar if scalar in UNSIGNED else self._integers.get(name)

    def _type(self, value: Node, place: str) -> Type:
        if not isinstance(value, str):
            self._problem(place, "is a type, a string such as 'u32' or 'Point[]'")
            return Scalar.BYTES  # stands in; the problem keeps the schema from being used
        try:
            return parse_type(value, self._key)
        except NotAType as error:
            self._problem(place, f"{value!r} is not a type: {error}")
            return Scalar.BYTES

    def _fields(self, value: Node, place: str) -> tuple[Field, ...]:
        entries = self._object(value, place, "fields and their types").entries
        return tuple(Field(name, self._type(entry.value, f"{place}.{name}"), entry.doc) for name, entry in entries.items())

    def _named(self, entry: Entry, place: str, default: str) -> Struct:
        """A struct with the name that the rule gives, or with its own: the second form has an object at `fields`."""
        value = entry.value
        fields = value.entries.get("fields") if isinstance(value, Object) else None
        if not isinstance(value, Object) or fields is None or not isinstance(fields.value, Object):
            return Struct(default, self._fields(value, place), entry.doc)
        self._only(value, place, ("name", "fields"))
        self._lines[f"{place}.fields"] = fields.line
        name = self._entry(value, "name", place)
        if name is not None and not isinstance(name.value, str):
            self._problem(f"{place}.name", "is a name, a string")
        given = name.value if name is not None and isinstance(name.value, str) else default
        return Struct(given, self._fields(fields.value, f"{place}.fields"), entry.doc)

    def _error(self) -> Struct:
        entry = self._entry(self._top, "error", "")
        return Struct(ERROR, ()) if entry is None else self._named(entry, "error", ERROR)

    def _command(self, name: str, entry: Entry, types: dict[str, Struct]) -> Command:
        place = f"commands.{name}"
        parts = self._object(entry.value, place, "the keys 'request' and 'response'")
        self._only(parts, place, ("request", "response"))
        request = self._entry(parts, "request", place)
        response = self._entry(parts, "response", place)
        asked = Struct(name, ()) if request is None else Struct(name, self._fields(request.value, f"{place}.request"), request.doc)
        return Command(asked, self._response(response, f"{place}.response", name, types), entry.doc)

    def _response(self, entry: Entry | None, place: str, command: str, types: dict[str, Struct]) -> Struct:
        if entry is None:
            return Struct(command + RESPONSE_SUFFIX, ())
        if not isinstance(entry.value, str):
            return self._named(entry, place, command + RESPONSE_SUFFIX)
        struct = types.get(entry.value)
        if struct is None:
            self._problem(place, f"{entry.value!r} is not one of the types")
            return Struct(command + RESPONSE_SUFFIX, ())
        return struct


def _defined_before_used(schema: Schema) -> Schema:
    """The same contract, each alias and type behind those that it uses and otherwise in the order of the text."""
    graph = names_used(schema)
    aliases = {alias.name: alias for alias in schema.aliases}
    types = {struct.name: struct for struct in schema.types}
    placed: dict[str, None] = {}

    def place(name: str) -> None:  # no deeper than the rules let types nest
        if name not in placed:
            for used in graph[name]:
                place(used)
            placed[name] = None

    for name in graph:
        place(name)
    return replace(
        schema,
        aliases=tuple(aliases[name] for name in placed if name in aliases),
        types=tuple(types[name] for name in placed if name in types),
    )
