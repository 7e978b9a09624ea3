"""Packs and unpacks values of a contract's types by the contract alone: the reference that every generated codec is compared with.

Values are plain Python: a struct is a dict by field name, a map a dict by integer, a list, array or tuple a list,
a packed value the value inside, an optional the value or None, bytes `bytes`.

Rules:

1. Packing is canonical: smallest heads, `f64` always nine bytes, fields in the contract's order, map keys ascending,
   absent optionals as nil.
2. Unpacking takes any width of integer, length and float, integers for `f64`, fields in any order;
   it ignores fields that the contract does not name. Of a field or map key given twice, the last counts.
3. Nothing is converted otherwise: no text for bytes, no bytes for text, no float or bool for an integer, no nil for a missing field.
4. Every byte is accounted for: what follows a complete value is refused.

Invariants: the recursion is no deeper than the contract's types (contracts are not recursive);
no length is believed before the bytes are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import repeat
from typing import Any

import msgspec

from proofplane.base.errors import CallerMistake, Refused
from proofplane.wire.msgpack import CutOff, Head, Kind, NotAValue, length_of, read_head, skip
from proofplane.wire.schema.model import BITS, Array, FixedBytes, List, Map, Optional, Packed, Scalar, Schema, Struct, Tuple, Type

MAX_UNSIGNED = {scalar: 2**bits - 1 for scalar, bits in BITS.items()}
"""The largest value of each integer type."""

_KINDS = {Scalar.BOOL: Kind.BOOL, Scalar.STRING: Kind.STRING, Scalar.BYTES: Kind.BINARY}


class ValueReason(Enum):
    """Why bytes are no value of a type."""

    TRUNCATED = "truncated"
    """The bytes end inside the value."""
    TRAILING = "trailing"
    """Bytes follow the value."""
    WRONG_TYPE = "wrong_type"
    """Another kind of value stands there."""
    OUT_OF_RANGE = "out_of_range"
    """An integer below 0 or over its type's largest."""
    WRONG_LENGTH = "wrong_length"
    """Fixed bytes, an array or a tuple with another number of parts."""
    MISSING_FIELD = "missing_field"
    """A struct without one of its fields."""
    NOT_UTF8 = "not_utf8"
    """A string that is not UTF-8."""
    NOT_A_VALUE = "not_a_value"
    """The byte c1, which starts no value."""


class BadBytes(Refused):
    """Bytes that are no value of the expected type; `reason` says why and `place` where (`value.points[3].x`)."""

    def __init__(self, reason: ValueReason, place: str, detail: str) -> None:
        """`detail` is what was expected or found."""
        super().__init__(f"{place}: {detail}")
        self.reason = reason
        self.place = place


class NotOfType(CallerMistake):
    """A Python value that does not fit the type it should be packed as."""


def pack(schema: Schema, type_: Type | Struct, value: object, place: str = "value") -> bytes:
    """Packs `value` canonically; `place` is what errors call it.

    Raises:
        NotOfType: `value` or a part of it does not fit; the message names the part.
    """
    return msgspec.msgpack.encode(_prepare(schema, type_, value, place))


def unpack(schema: Schema, type_: Type | Struct, data: bytes, place: str = "value") -> Any:
    """Unpacks all of `data` as one value; `place` is what errors call it.

    Raises:
        BadBytes: `data` is no such value.
    """
    reader = _Reader(schema, data)
    value, end = reader.read(type_, 0, place)
    if end != len(data):
        raise BadBytes(ValueReason.TRAILING, place, f"{len(data) - end} bytes follow the value")
    return value


def _prepare(schema: Schema, type_: Type | Struct, value: object, place: str) -> object:
    """What msgspec has to encode so that the canonical bytes come out."""
    type_ = type_ if isinstance(type_, Struct) else schema.resolve(type_)
    match type_, value:
        case Struct(), Mapping():
            unknown = value.keys() - {field.name for field in type_.fields}
            if unknown:
                raise NotOfType(f"{place}: {type_.name} has no field {', '.join(sorted(map(str, unknown)))}")
            missing = [field.name for field in type_.fields if field.name not in value]
            if missing:
                raise NotOfType(f"{place}: {type_.name} needs the field {', '.join(missing)}")
            return {field.name: _prepare(schema, field.type, value[field.name], f"{place}.{field.name}") for field in type_.fields}
        case Optional(), None:
            return None
        case Optional(inner=inner), _:
            return _prepare(schema, inner, value, place)
        case List(inner=inner), list() | tuple():
            return [_prepare(schema, inner, item, f"{place}[{i}]") for i, item in enumerate(value)]
        case Array(inner=inner, size=size), list() | tuple() if len(value) == size:
            return [_prepare(schema, inner, item, f"{place}[{i}]") for i, item in enumerate(value)]
        case Tuple(items=items), list() | tuple() if len(value) == len(items):
            return [_prepare(schema, item, part, f"{place}[{i}]") for i, (item, part) in enumerate(zip(items, value, strict=True))]
        case Map(key=key, value=inner), Mapping():
            for name in value:
                _prepare(schema, key, name, f"{place} key")
            return {name: _prepare(schema, inner, value[name], f"{place}[{name}]") for name in sorted(value)}
        case Packed(inner=inner), _:
            return pack(schema, inner, value, place)
        case FixedBytes(size=size), bytes() if len(value) == size:
            return value
        case (Scalar.BYTES, bytes()) | (Scalar.BOOL, bool()):
            return value
        case Scalar.STRING, str():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise NotOfType(f"{place}: text that UTF-8 cannot carry: {value!r}") from error
            return value
        case Scalar.F64, float() | int() if not isinstance(value, bool):
            return float(value)
        case Scalar(), int() if type_ in MAX_UNSIGNED and not isinstance(value, bool) and 0 <= value <= MAX_UNSIGNED[type_]:
            return value
    raise NotOfType(f"{place}: {value!r:.60} is no {_spell(type_)}")


def _spell(type_: Type | Struct) -> str:
    match type_:
        case Scalar():
            return type_.value
        case Struct(name=name):
            return name
        case FixedBytes(size=size):
            return f"bin{size}"
        case Array(size=size):
            return f"array of {size}"
        case Tuple(items=items):
            return f"tuple of {len(items)}"
        case _:
            return type(type_).__name__.lower()


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads values of one contract out of one piece of data; each method returns the value and where it ends."""

    schema: Schema
    data: bytes

    def read(self, type_: Type | Struct, at: int, place: str) -> tuple[Any, int]:
        type_ = type_ if isinstance(type_, Struct) else self.schema.resolve(type_)
        head = self._head(at, place)
        match type_:
            case Struct():
                return self._struct(type_, self._expect(head, Kind.MAP, type_, place), place)
            case Optional(inner=inner):
                return (None, head.end) if head.kind is Kind.NIL else self.read(inner, at, place)
            case List(inner=inner):
                count = length_of(self._expect(head, Kind.ARRAY, type_, place))
                return self._items(repeat(inner, count), count, head.end, place)
            case Array(inner=inner, size=size):
                self._counted(self._expect(head, Kind.ARRAY, type_, place), size, "values", place)
                return self._items(repeat(inner, size), size, head.end, place)
            case Tuple(items=items):
                self._counted(self._expect(head, Kind.ARRAY, type_, place), len(items), "values", place)
                return self._items(items, len(items), head.end, place)
            case Map():
                return self._map(type_, self._expect(head, Kind.MAP, type_, place), place)
            case Packed(inner=inner):
                blob, end = self._run(self._expect(head, Kind.BINARY, type_, place), place)
                return unpack(self.schema, inner, blob, f"{place}.packed"), end
            case FixedBytes(size=size):
                self._counted(self._expect(head, Kind.BINARY, type_, place), size, "bytes", place)
                return self._run(head, place)
            case Scalar():
                return self._scalar(type_, head, place)
        raise AssertionError(f"resolve gave {type_!r}")  # names are followed by resolve

    def _head(self, at: int, place: str) -> Head:
        try:
            head = read_head(self.data, at)
        except CutOff:
            raise BadBytes(ValueReason.TRUNCATED, place, "the bytes end here") from None
        if head.kind is Kind.NOTHING:
            raise BadBytes(ValueReason.NOT_A_VALUE, place, "the byte c1 starts no value")
        return head

    def _expect(self, head: Head, kind: Kind, type_: Type | Struct, place: str) -> Head:
        if head.kind is not kind:
            raise BadBytes(ValueReason.WRONG_TYPE, place, f"expected {_spell(type_)} ({kind.value}), found {head.kind.value}")
        return head

    def _counted(self, head: Head, size: int, what: str, place: str) -> None:
        if head.value != size:
            raise BadBytes(ValueReason.WRONG_LENGTH, place, f"expected {size} {what}, found {head.value}")

    def _run(self, head: Head, place: str) -> tuple[bytes, int]:
        end = head.end + length_of(head)
        if end > len(self.data):
            raise BadBytes(ValueReason.TRUNCATED, place, f"{length_of(head)} bytes are announced, {len(self.data) - head.end} are there")
        return self.data[head.end : end], end

    def _room(self, count: int, at: int, place: str) -> None:
        """Refuses at once a count that cannot be there: every value takes a byte at least."""
        if count > len(self.data) - at:
            raise BadBytes(ValueReason.TRUNCATED, place, f"{count} values are announced, {len(self.data) - at} bytes are there")

    def _items(self, types: Iterable[Type], count: int, at: int, place: str) -> tuple[list[Any], int]:
        self._room(count, at, place)
        values = []
        for index, type_ in enumerate(types):
            value, at = self.read(type_, at, f"{place}[{index}]")
            values.append(value)
        return values, at

    def _map(self, type_: Map, head: Head, place: str) -> tuple[dict[int, Any], int]:
        at = head.end
        self._room(2 * length_of(head), at, place)
        values = {}
        for _ in range(length_of(head)):
            key, at = self.read(type_.key, at, f"{place} key")
            values[key], at = self.read(type_.value, at, f"{place}[{key}]")
        return values, at

    def _struct(self, struct: Struct, head: Head, place: str) -> tuple[dict[str, Any], int]:
        at = head.end
        self._room(2 * length_of(head), at, place)
        fields = {field.name.encode(): field for field in struct.fields}
        found = {}
        for _ in range(length_of(head)):
            key = self._head(at, place)
            if key.kind is not Kind.STRING:
                raise BadBytes(ValueReason.WRONG_TYPE, place, f"a field's name is a string, found {key.kind.value}")
            raw, at = self._run(key, place)
            field = fields.get(raw)
            if field is None:
                at = self._skip(at, place)
            else:
                found[field.name], at = self.read(field.type, at, f"{place}.{field.name}")
        for field in struct.fields:
            if field.name not in found:
                raise BadBytes(ValueReason.MISSING_FIELD, place, f"{struct.name} needs the field {field.name}")
        return {field.name: found[field.name] for field in struct.fields}, at

    def _skip(self, at: int, place: str) -> int:
        try:
            return skip(self.data, at)
        except CutOff:
            raise BadBytes(ValueReason.TRUNCATED, place, "the bytes end inside an unknown field") from None
        except NotAValue:
            raise BadBytes(ValueReason.NOT_A_VALUE, place, "the byte c1 in an unknown field starts no value") from None

    def _scalar(self, type_: Scalar, head: Head, place: str) -> tuple[Any, int]:
        if type_ in MAX_UNSIGNED:
            self._expect(head, Kind.INTEGER, type_, place)
            if not 0 <= length_of(head) <= MAX_UNSIGNED[type_]:
                raise BadBytes(ValueReason.OUT_OF_RANGE, place, f"{head.value} is no {type_.value}")
            return head.value, head.end
        if type_ is Scalar.F64:
            if head.kind is not Kind.INTEGER:
                self._expect(head, Kind.FLOAT, type_, place)
            return float(head.value or 0.0) if head.kind is Kind.INTEGER else head.value, head.end
        self._expect(head, _KINDS[type_], type_, place)
        if type_ is Scalar.BOOL:
            return head.value, head.end
        raw, end = self._run(head, place)
        if type_ is Scalar.BYTES:
            return raw, end
        try:
            return str(raw, "utf-8"), end
        except UnicodeDecodeError:
            raise BadBytes(ValueReason.NOT_UTF8, place, "the string is not UTF-8") from None
