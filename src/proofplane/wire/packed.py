"""Values packed into bytes inside a message, as typed fields: `packed<T>` of a contract."""

from __future__ import annotations

from functools import cache
from typing import Any, Generic, TypeVar, get_args, get_origin

import msgspec

T = TypeVar("T")


class Packed(Generic[T]):
    """A value that is msgpack inside a bin; packed when its message is encoded, unpacked and checked when that is decoded.

    Not a dataclass: msgspec would write one as a map and never ask `enc_hook`.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    @property
    def value(self) -> T:
        """What is inside."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return self._value == other._value if isinstance(other, Packed) else NotImplemented

    def __hash__(self) -> int:
        return hash((Packed, self._value))

    def __repr__(self) -> str:
        return f"Packed({self._value!r})"


def enc_hook(value: object) -> bytes:
    """What msgspec calls for values that it does not know: packs what is `Packed`, and takes bytes of a class of their own as bytes."""
    if isinstance(value, Packed):
        return _ENCODER.encode(value.value)
    if isinstance(value, bytes):
        return bytes(value)
    raise NotImplementedError(f"{type(value).__name__} has no form on the wire")


def dec_hook(type_: type, value: object) -> object:
    """What msgspec calls for types that it does not know: unpacks bytes for a `Packed[T]`.

    Raises:
        TypeError: The value is not bytes; msgspec makes it a `ValidationError`, as it raises for bytes that hold no T.
    """
    if get_origin(type_) is not Packed:
        raise NotImplementedError(f"{type_} has no form on the wire")
    if not isinstance(value, bytes):
        raise TypeError(f"Expected `bytes`, got `{type(value).__name__}`")
    return Packed(_decoder(get_args(type_)[0]).decode(value))


@cache
def _decoder(type_: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(type_, dec_hook=dec_hook)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=enc_hook)
