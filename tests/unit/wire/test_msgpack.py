"""msgpack's heads and stepping over values, against msgspec."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.wire.msgpack import CutOff, Head, Kind, NotAValue, read_head, skip

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.binary(max_size=300) | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.integers(0, 99), inner, max_size=20),
    max_leaves=30,
)


@given(VALUES, st.binary(max_size=5))
def test_a_value_is_stepped_over_whatever_stands_behind_it(value: object, rest: bytes) -> None:
    packed = msgspec.msgpack.encode(value)
    assert skip(packed + rest, 0) == len(packed)


@given(VALUES, st.data())
def test_a_value_that_is_cut_off_is_never_stepped_over(value: object, data: st.DataObject) -> None:
    packed = msgspec.msgpack.encode(value)
    with pytest.raises(CutOff):
        skip(packed[: data.draw(st.integers(0, len(packed) - 1))], 0)


@pytest.mark.parametrize(
    ("packed", "kind", "value"),
    [
        (b"\x7f", Kind.INTEGER, 127),
        (b"\xe0", Kind.INTEGER, -32),
        (b"\xff", Kind.INTEGER, -1),
        (b"\x8f", Kind.MAP, 15),
        (b"\x9f", Kind.ARRAY, 15),
        (b"\xbf", Kind.STRING, 31),
        (b"\xc1", Kind.NOTHING, None),
        (b"\xc7\x05", Kind.EXTENSION, 6),
        (b"\xd4", Kind.EXTENSION, 2),
        (b"\xd8", Kind.EXTENSION, 17),
        (b"\xdf\xff\xff\xff\xff", Kind.MAP, 2**32 - 1),
    ],
)
def test_heads_tell_kind_and_length_without_looking_further(packed: bytes, kind: Kind, value: int | None) -> None:
    assert read_head(packed, 0) == Head(kind, value, len(packed))


def test_every_first_byte_starts_something() -> None:
    for first in range(256):
        assert read_head(bytes([first]) + bytes(8), 0).kind in Kind


@pytest.mark.parametrize("packed", [b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff\x01", b"\xc6\xff\xff\xff\xffx", b"\x91" * 100_000])
def test_lengths_and_depths_that_cannot_be_are_noticed_by_the_end_of_the_bytes(packed: bytes) -> None:
    with pytest.raises(CutOff):
        skip(packed, 0)


def test_the_byte_that_starts_nothing_is_noticed_at_any_depth() -> None:
    with pytest.raises(NotAValue):
        skip(b"\x92\x01\x81\x01\xc1", 0)
