"""The plain values of `proofplane.crypto.ssz` as `remerkleable` views: an independent implementation of the same types."""

from typing import Any

from hypothesis import strategies as st
from remerkleable.basic import uint
from remerkleable.byte_arrays import ByteList, ByteVector
from remerkleable.complex import Container, List

MANY = 40
"""Elements that a generated list has at most; beyond the widths of every chunk and the powers of two below."""


def view_of(schema: Any, value: Any) -> Any:
    """The view of `schema` that holds the plain `value`."""
    if issubclass(schema, List):
        return schema(*[view_of(schema.element_cls(), item) for item in value])
    if issubclass(schema, Container):
        return schema(**{name: view_of(field, item) for (name, field), item in zip(schema.fields().items(), value, strict=True)})
    return schema(value)


def values_of(schema: Any) -> st.SearchStrategy[Any]:
    """Plain values of `schema`."""
    if issubclass(schema, uint):
        return st.integers(0, 2 ** (8 * schema.type_byte_length()) - 1)
    if issubclass(schema, ByteVector):
        return st.binary(min_size=schema.type_byte_length(), max_size=schema.type_byte_length())
    if issubclass(schema, ByteList):
        return st.binary(max_size=min(schema.limit(), 100))
    if issubclass(schema, List):
        return st.lists(values_of(schema.element_cls()), max_size=min(schema.limit(), MANY)).map(tuple)
    assert issubclass(schema, Container)
    return st.tuples(*[values_of(field) for field in schema.fields().values()])
