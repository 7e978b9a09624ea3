"""What a service contract is, once read: types, fields, commands, and nothing about any language."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


class Scalar(Enum):
    """A type without parts; its value is its name in a contract."""

    U8 = "u8"
    U16 = "u16"
    U32 = "u32"
    U64 = "u64"
    F64 = "f64"
    BOOL = "bool"
    STRING = "string"
    BYTES = "bytes"


BITS = {Scalar.U8: 8, Scalar.U16: 16, Scalar.U32: 32, Scalar.U64: 64}
"""Width of each integer type, all of which are unsigned."""


@dataclass(frozen=True, slots=True)
class FixedBytes:
    """msgpack bin of exactly `size` bytes; `bin32` in a contract."""

    size: int


@dataclass(frozen=True, slots=True)
class Named:
    """A type or alias of the contract, by its name; `Schema.resolve` tells which."""

    name: str


@dataclass(frozen=True, slots=True)
class Optional:
    """nil or the value; the key is always present. `T?` in a contract."""

    inner: "Type"


@dataclass(frozen=True, slots=True)
class List:
    """Any number of values. `T[]` in a contract."""

    inner: "Type"


@dataclass(frozen=True, slots=True)
class Array:
    """Exactly `size` values. `T[N]` in a contract."""

    inner: "Type"
    size: int


@dataclass(frozen=True, slots=True)
class Map:
    """Values by an integer key, keys ascending on the wire. `{u32: T}` in a contract."""

    key: Scalar
    value: "Type"


@dataclass(frozen=True, slots=True)
class Tuple:
    """A fixed number of values of their own types, a msgpack array. `(A, B)` in a contract."""

    items: "tuple[Type, ...]"


@dataclass(frozen=True, slots=True)
class Packed:
    """bin that holds a packed value of the inner type. `packed<T>` in a contract."""

    inner: "Type"


Type: TypeAlias = Scalar | FixedBytes | Named | Optional | List | Array | Map | Tuple | Packed


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a struct; `name` is the key on the wire."""

    name: str
    type: Type
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Struct:
    """A msgpack map with string keys, written in the order of `fields`, read in any order, unknown keys ignored."""

    name: str
    fields: tuple[Field, ...]
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name for a type: `Fr` for `bin32`."""

    name: str
    type: Type
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """One method: `request.name` and `response.name` are the names on the wire."""

    request: Struct
    response: Struct
    doc: str = ""

    @property
    def name(self) -> str:
        """The command's name, which is its request's."""
        return self.request.name


@dataclass(frozen=True, slots=True)
class Schema:
    """A whole contract. Types stand in an order in which each is defined before it is used."""

    service: str
    aliases: tuple[Alias, ...]
    types: tuple[Struct, ...]
    error: Struct
    commands: tuple[Command, ...]
    doc: str = ""

    def resolve(self, type_: Type) -> Type | Struct:
        """Follows names: a struct for the name of one, the aliased type for an alias, anything else itself."""
        while isinstance(type_, Named):
            name = type_.name
            for struct in self.types:
                if struct.name == name:
                    return struct
            type_ = next(alias.type for alias in self.aliases if alias.name == name)
        return type_
