"""The plain values of `proofplane.crypto.ssz` as `remerkleable` views: an independent implementation of the same types."""

from typing import Any

from hypothesis import strategies as st
from remerkleable.basic import boolean, uint
from remerkleable.bitfields import Bitlist, Bitvector
from remerkleable.byte_arrays import ByteList, ByteVector
from remerkleable.complex import Container, List, Vector

MANY = 40
"""Elements that a generated list has at most; beyond the widths of every chunk and the powers of two below."""

MANY_BITS = 600
"""Bits that a generated list has at most; more than two leaves."""


def view_of(schema: Any, value: Any) -> Any:
    """The view of `schema` that holds the plain `value`."""
    if issubclass(schema, (Bitlist, Bitvector)):
        bits, length = value if issubclass(schema, Bitlist) else (value, schema.vector_length())
        return schema([bool(bits >> place & 1) for place in range(length)])
    if issubclass(schema, (List, Vector)):
        return schema(*[view_of(schema.element_cls(), item) for item in value])
    if issubclass(schema, Container):
        return schema(**{name: view_of(field, item) for (name, field), item in zip(schema.fields().items(), value, strict=True)})
    return schema(value)


def values_of(schema: Any) -> st.SearchStrategy[Any]:
    """Plain values of `schema`. A registry's indices are its positions, as its codec wants it."""
    if issubclass(schema, boolean):
        return st.integers(0, 1)
    if issubclass(schema, uint):
        return st.integers(0, 2 ** (8 * schema.type_byte_length()) - 1)
    if issubclass(schema, ByteVector):
        return st.binary(min_size=schema.type_byte_length(), max_size=schema.type_byte_length())
    if issubclass(schema, ByteList):
        return st.binary(max_size=min(schema.limit(), 100))
    if issubclass(schema, Bitvector):
        return st.integers(0, 2 ** schema.vector_length() - 1)
    if issubclass(schema, Bitlist):
        lengths = st.integers(0, min(schema.limit(), MANY_BITS))
        return lengths.flatmap(lambda length: st.tuples(st.integers(0, 2**length - 1), st.just(length)))
    if issubclass(schema, Vector):
        return st.tuples(*[values_of(schema.element_cls())] * schema.vector_length())
    if issubclass(schema, List):
        plain = st.lists(values_of(schema.element_cls()), max_size=min(schema.limit(), MANY)).map(tuple)
        return plain.map(_indexed) if schema.__name__ == "Validators" else plain
    assert issubclass(schema, Container)
    return st.tuples(*[values_of(field) for field in schema.fields().values()])


def _indexed(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple((*entry[:-1], place) for place, entry in enumerate(entries))
