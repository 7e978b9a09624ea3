"""The JSON forms of SSZ values in the vectors, read into the plain values of `crypto.ssz`.

Forms: numbers and booleans as they are; byte vectors "0x.."; byte lists {"data": "0x.."}; lists, vectors and bits {"data": [..]};
containers as objects with camelCase names, but keys and signatures as the hexadecimal of their SSZ bytes (reference section 15.1).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from remerkleable.basic import boolean, uint
from remerkleable.bitfields import Bitlist, Bitvector
from remerkleable.byte_arrays import ByteList, ByteVector
from remerkleable.complex import Container, List, Vector

from proofplane.chain.vectors.fields import Fields, hex_bytes, typed
from proofplane.chain.vectors.types import VectorFailed
from proofplane.crypto.ssz import codec_of
from proofplane.crypto.ssz_codec import Codec, MalformedSsz
from proofplane.lean import ssz
from proofplane.lean.codec import decode_attestation_data, decode_block, decode_state
from proofplane.lean.types import AttestationData, Block


def ssz_bytes(schema: Any, value: object, where: str) -> bytes:
    """The SSZ bytes of a value written in JSON; `where` names it in messages. Raises `VectorFailed` if it is none of the type."""
    return _codec(schema).encode(plain(schema, value, where))


def plain(schema: Any, value: object, where: str) -> Any:
    """The plain value of a `remerkleable` type; raises `VectorFailed` if the JSON value is none of it."""
    if issubclass(schema, boolean):
        return int(typed(value, bool, where))
    if issubclass(schema, uint):
        return _uint(schema, typed(value, int, where), where)
    if issubclass(schema, ByteVector):
        return _sized(hex_bytes(value, where), schema.type_byte_length(), where)
    if issubclass(schema, Container) and isinstance(value, str):
        return _decoded(schema, hex_bytes(value, where), where)
    if issubclass(schema, Container):
        with Fields(value, where) as fields:
            return tuple(plain(kind, fields.take(_camel(name)), f"{where}.{_camel(name)}") for name, kind in schema.fields().items())
    with Fields(value, where) as fields:
        return _wrapped(schema, fields.take("data"), where)


def block_of(value: object, where: str) -> Block:
    """A block; raises `VectorFailed`."""
    return decode_block(ssz_bytes(ssz.Block, value, where))


def state_of(value: object, where: str) -> ssz.State:
    """A state; raises `VectorFailed`."""
    return decode_state(ssz_bytes(ssz.State, value, where))


def attestation_data_of(value: object, where: str) -> AttestationData:
    """What a vote says; raises `VectorFailed`."""
    return decode_attestation_data(ssz_bytes(ssz.AttestationData, value, where))


@cache
def _codec(schema: Any) -> Codec:
    """Codecs of the few types that vectors hold."""
    return codec_of(schema)


def _wrapped(schema: Any, data: object, where: str) -> Any:
    """What stands under "data"."""
    if issubclass(schema, ByteList):
        raw = hex_bytes(data, where)
        return _bounded(raw, schema.limit(), where)
    items = typed(data, list, where)
    if issubclass(schema, Bitlist):
        return _mask(_bounded(items, schema.limit(), where), where), len(items)
    if issubclass(schema, Bitvector):
        return _mask(_sized(items, schema.vector_length(), where), where)
    if issubclass(schema, List):
        _bounded(items, schema.limit(), where)
    elif issubclass(schema, Vector):
        _sized(items, schema.vector_length(), where)
    else:
        raise VectorFailed(f"{where}: the type {schema.__name__} has no JSON form here")
    element = schema.element_cls()
    return tuple([plain(element, item, f"{where}[{position}]") for position, item in enumerate(items)])


def _mask(bits: list[object], where: str) -> int:
    mask = 0
    for position, bit in enumerate(bits):
        if typed(bit, bool, f"{where}[{position}]"):
            mask |= 1 << position
    return mask


def _uint(schema: Any, number: int, where: str) -> int:
    if not 0 <= number < 1 << 8 * schema.type_byte_length():
        raise VectorFailed(f"{where} is {number}, which is no {schema.__name__}")
    return number


def _decoded(schema: Any, raw: bytes, where: str) -> Any:
    try:
        return _codec(schema).decode(raw)
    except MalformedSsz as error:
        raise VectorFailed(f"{where} is no {schema.__name__}: {error}") from None


def _sized(items: Any, size: int, where: str) -> Any:
    if len(items) != size:
        raise VectorFailed(f"{where} has {len(items)} elements, expected are {size}")
    return items


def _bounded(items: Any, limit: int, where: str) -> Any:
    if len(items) > limit:
        raise VectorFailed(f"{where} has {len(items)} elements, at most {limit} are allowed")
    return items


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
