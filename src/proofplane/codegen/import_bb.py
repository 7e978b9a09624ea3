"""Turns what `bb msgpack schema` and `aztec-wsdb msgpack schema` print into a contract of ours.

Their form, version 5.0.0: `{"__typename", "commands": ["named_union", [[name, type]..]], "responses": ["named_union", [[name, type]..]]}`.
A struct stands in full where it is first used (`{"__typename": name, field: type..}`) and by its name afterwards.

Rules:

1. `vector<unsigned char>` is bytes and `array<unsigned char, N>` is binN, since both are a msgpack bin; others are arrays.
2. `["alias", [name, "binN"]]` becomes an alias of ours: `fr` is `Fr`, `uint256_t` is `Uint256`.
3. Three names are used and nowhere defined; what they are on the wire was measured: see `UNDEFINED`.
4. The first response is the error's. A command is answered by its name + Response where there is such a response;
   the commands and responses left over belong together in their order (`CircuitStats` and `CircuitInfoResponse`).
5. A struct that is used as a type, be it a response besides, becomes a type.
6. What names mean is not printed; it is added from `bb_docs.DOCS`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from proofplane.base.errors import CallerMistake
from proofplane.codegen.bb_docs import DOCS
from proofplane.wire.messages import ERROR, RESPONSE_SUFFIX
from proofplane.wire.names import pascal
from proofplane.wire.schema.canonical import to_jsonc
from proofplane.wire.schema.model import (
    Alias,
    Array,
    Command,
    Field,
    FixedBytes,
    List,
    Map,
    Named,
    Optional,
    Scalar,
    Schema,
    Struct,
    Tuple,
    Type,
)
from proofplane.wire.schema.parse import parse_contract

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

MAX_NESTING = 64
"""Levels of the deepest type that is read; the real ones have four."""

SCALARS = {
    "unsigned char": Scalar.U8,
    "unsigned short": Scalar.U16,
    "unsigned int": Scalar.U32,
    "unsigned long": Scalar.U64,
    "double": Scalar.F64,
    "bool": Scalar.BOOL,
    "string": Scalar.STRING,
}
"""C++ types as these programs print them; `unsigned long` has 64 bits on every platform that they run on."""

FR = Alias("Fr", FixedBytes(32), "An element of the BN254 scalar field, big-endian and less than the modulus.")
FQ = Alias("Fq", FixedBytes(32), "An element of the BN254 base field, big-endian and less than the modulus.")
TREE_ID = Alias("MerkleTreeId", Scalar.U32, "0 nullifiers, 1 note hashes, 2 public data, 3 messages from L1, 4 archive.")

UNDEFINED: dict[str, tuple[Alias, ...]] = {
    "field2": (FQ, Alias("Fq2", Array(Named("Fq"), 2), "An element of the quadratic extension of Fq: c0, then c1.")),
    "MerkleTreeId": (TREE_ID,),
    "unordered_map": (
        FR,
        TREE_ID,
        Alias(
            "StateReference",
            Map(Scalar.U32, Tuple((Named("Fr"), Scalar.U64))),
            "By tree id 0 to 3: the tree's root and its size in leaves.",
        ),
    ),
}
"""Name that is used without a definition -> the aliases that it needs, its own last."""

ALIAS_DOCS = {
    "Fr": FR.doc,
    "Fq": FQ.doc,
    "Uint256": "An unsigned integer of 256 bits, big-endian.",
    "Secp256k1Fq": "An element of the secp256k1 base field, big-endian and less than the modulus.",
    "Secp256k1Fr": "An element of the secp256k1 scalar field, big-endian and less than the group's order.",
    "Secp256r1Fq": "An element of the secp256r1 base field, big-endian and less than the modulus.",
    "Secp256r1Fr": "An element of the secp256r1 scalar field, big-endian and less than the group's order.",
}
"""What the aliases mean; the programs do not print it."""

_FIXED = re.compile(r"bin([1-9][0-9]{0,5})")


class NotAPrintedSchema(CallerMistake):
    """Text that is not what `bb msgpack schema` or `aztec-wsdb msgpack schema` of version 5.0.0 prints."""


def import_bb(text: str, service: str) -> Schema:
    """Reads a printed schema as the contract of `service`, checked like any other.

    Raises:
        NotAPrintedSchema: `text` is something else, or uses a type that is not known here.
        ContractError: It can be read but breaks a rule of our contracts.
    """
    try:
        printed: Json = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotAPrintedSchema(f"not JSON: {error}") from error
    if not isinstance(printed, dict):
        raise NotAPrintedSchema("a printed schema is an object")
    schema = _Importer().schema(printed, service)
    return parse_contract(to_jsonc(schema))


class _Importer:
    """Collects structs and aliases while it reads types."""

    def __init__(self) -> None:
        self._structs: dict[str, Struct] = {}
        self._used: set[str] = set()  # structs that are the type of something
        self._aliases: dict[str, Alias] = {}

    def schema(self, printed: dict[str, Json], service: str) -> Schema:
        requests = self._union(printed, "commands")
        responses = self._union(printed, "responses")
        error = next(iter(responses), "")
        if not error.endswith(ERROR):
            raise NotAPrintedSchema(f"the first response should be the error's, not {error!r}")
        answers = _answers(list(requests), [name for name in responses if name != error])
        program = printed.get("__typename")
        docs = DOCS.get(program, {}) if isinstance(program, str) else {}
        structs = {name: _documented(struct, docs, is_type=name in self._used) for name, struct in self._structs.items()}
        return Schema(
            service=service,
            aliases=tuple(self._aliases.values()),
            types=tuple(struct for name, struct in structs.items() if name in self._used),
            error=structs[error],
            commands=tuple(Command(structs[name], structs[answers[name]], docs.get(name, "")) for name in requests),
            doc=f"Imported from {program}, version 5.0.0, as the program prints it; see `proofplane codegen import-bb`.",
        )

    def _union(self, printed: dict[str, Json], key: str) -> list[str]:
        """The names of a union's members, whose structs are kept."""
        match printed.get(key):
            case ["named_union", list() as members]:
                return [self._member(member, key) for member in members]
            case _:
                raise NotAPrintedSchema(f'the key {key!r} should have ["named_union", [...]]')

    def _member(self, member: Json, key: str) -> str:
        match member:
            case [str() as name, dict() as struct] if struct.get("__typename") == name:
                self._struct(struct, 0)
                return name
            case [str() as name, str() as other] if name == other and name in self._structs:
                return name
            case _:
                raise NotAPrintedSchema(f"{key}: a member is [name, its struct], not {member!r:.80}")

    def _struct(self, printed: dict[str, Json], depth: int) -> Struct:
        name = printed.get("__typename")
        if not isinstance(name, str):
            raise NotAPrintedSchema(f"a struct has a '__typename': {printed!r:.80}")
        fields = tuple(Field(key, self._type(value, depth + 1)) for key, value in printed.items() if key != "__typename")
        struct = Struct(name, fields)
        if self._structs.setdefault(name, struct) != struct:
            raise NotAPrintedSchema(f"{name} is defined twice, differently")
        return struct

    def _type(self, printed: Json, depth: int) -> Type:
        if depth > MAX_NESTING:
            raise NotAPrintedSchema(f"types nest deeper than {MAX_NESTING}")
        match printed:
            case str() if printed in SCALARS:
                return SCALARS[printed]
            case str() if printed in UNDEFINED:
                for alias in UNDEFINED[printed]:
                    self._aliases.setdefault(alias.name, alias)
                return Named(UNDEFINED[printed][-1].name)
            case str() if printed in self._structs:
                self._used.add(printed)
                return Named(printed)
            case dict():
                struct = self._struct(printed, depth)
                self._used.add(struct.name)
                return Named(struct.name)
            case ["vector", ["unsigned char"]]:
                return Scalar.BYTES
            case ["array", ["unsigned char", int() as size]]:
                return FixedBytes(size)
            case ["vector", [inner]]:
                return List(self._type(inner, depth + 1))
            case ["array", [inner, int() as size]]:
                return Array(self._type(inner, depth + 1), size)
            case ["optional", [inner]]:
                return Optional(self._type(inner, depth + 1))
            case ["alias", [str() as name, str() as form]]:
                return self._alias(name, form)
            case _:
                raise NotAPrintedSchema(f"no type that is known here: {printed!r:.80}")

    def _alias(self, printed: str, form: str) -> Named:
        fixed = _FIXED.fullmatch(form)
        if fixed is None:
            raise NotAPrintedSchema(f"the alias {printed!r} stands for {form!r}, not for binN")
        name = pascal(printed.removesuffix("_t"))
        alias = Alias(name, FixedBytes(int(fixed.group(1))), ALIAS_DOCS.get(name, ""))
        if self._aliases.setdefault(name, alias) != alias:
            raise NotAPrintedSchema(f"the alias {printed!r} stands for two things")
        return Named(name)


def _documented(struct: Struct, docs: Mapping[str, str], *, is_type: bool) -> Struct:
    """The struct with the docs of its fields, and its own if it is a type; the name of a request has its command's."""
    fields = tuple(replace(field, doc=docs.get(f"{struct.name}.{field.name}", "")) for field in struct.fields)
    return replace(struct, fields=fields, doc=docs.get(struct.name, "") if is_type else "")


def _answers(requests: list[str], responses: list[str]) -> dict[str, str]:
    """Rule 4: request -> response."""
    answers = {name: name + RESPONSE_SUFFIX for name in requests if name + RESPONSE_SUFFIX in responses}
    left_requests = [name for name in requests if name not in answers]
    left_responses = [name for name in responses if name not in answers.values()]
    if len(left_requests) != len(left_responses):
        raise NotAPrintedSchema(f"commands without a response: {left_requests}; responses without a command: {left_responses}")
    return answers | dict(zip(left_requests, left_responses, strict=True))
