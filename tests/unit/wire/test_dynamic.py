"""The reference codec: canonical out, lenient in, strict about everything else."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.wire.dynamic import BadBytes, NotOfType, ValueReason, pack, unpack
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
    Packed,
    Scalar,
    Schema,
    Struct,
    Tuple,
    Type,
)

POINT = Struct("Point", (Field("x", Named("Fr")), Field("y", Scalar.U8)))
SCHEMA = Schema(
    "Test",
    aliases=(Alias("Fr", FixedBytes(2)), Alias("Small", Scalar.U8), Alias("Smaller", Named("Small"))),
    types=(POINT,),
    error=Struct("ErrorResponse", (Field("message", Scalar.STRING),)),
    commands=(Command(Struct("Act", ()), Struct("ActResponse", ())),),
)

MAXIMA = {Scalar.U8: 2**8 - 1, Scalar.U16: 2**16 - 1, Scalar.U32: 2**32 - 1, Scalar.U64: 2**64 - 1}

TYPES: st.SearchStrategy[Type] = st.recursive(
    st.sampled_from([*Scalar, FixedBytes(3), Named("Fr"), Named("Point"), Named("Smaller")]),
    lambda inner: (
        st.builds(List, inner)
        | st.builds(Array, inner, st.integers(1, 3))
        | st.builds(Map, st.sampled_from(list(MAXIMA)), inner)
        | st.builds(Tuple, st.tuples(inner, inner))
        | st.builds(Packed, inner)
        | st.builds(Optional, inner.filter(lambda type_: not isinstance(type_, Optional)))
    ),
    max_leaves=6,
)


def values(type_: Type | Struct) -> st.SearchStrategy[Any]:
    match type_ if isinstance(type_, Struct) else SCHEMA.resolve(type_):
        case Struct(fields=fields):
            return st.fixed_dictionaries({field.name: values(field.type) for field in fields})
        case FixedBytes(size=size):
            return st.binary(min_size=size, max_size=size)
        case List(inner=inner):
            return st.lists(values(inner), max_size=4)
        case Array(inner=inner, size=size):
            return st.lists(values(inner), min_size=size, max_size=size)
        case Map(key=key, value=value):
            return st.dictionaries(st.integers(0, MAXIMA[key]), values(value), max_size=4)
        case Tuple(items=items):
            return st.tuples(*map(values, items)).map(list)
        case Packed(inner=inner):
            return values(inner)
        case Optional(inner=inner):
            return st.none() | values(inner)
        case Scalar.BOOL:
            return st.booleans()
        case Scalar.STRING:
            return st.text(max_size=40)
        case Scalar.BYTES:
            return st.binary(max_size=40)
        case Scalar.F64:
            return st.floats(allow_nan=False)
        case Scalar() as scalar:
            return st.integers(0, MAXIMA[scalar])
    raise AssertionError(type_)


TYPED = TYPES.flatmap(lambda type_: st.tuples(st.just(type_), values(type_)))


@given(TYPED)
def test_what_is_packed_is_unpacked_again(typed: tuple[Type, object]) -> None:
    type_, value = typed
    packed = pack(SCHEMA, type_, value)
    assert unpack(SCHEMA, type_, packed) == value
    msgspec.msgpack.decode(packed, strict=False)


@given(TYPED, st.data())
def test_nothing_that_was_cut_off_is_unpacked(typed: tuple[Type, object], data: st.DataObject) -> None:
    packed = pack(SCHEMA, *typed)
    with pytest.raises(BadBytes) as caught:
        unpack(SCHEMA, typed[0], packed[: data.draw(st.integers(0, len(packed) - 1))])
    assert caught.value.reason is ValueReason.TRUNCATED


@given(TYPES, st.binary(max_size=60))
def test_any_bytes_are_unpacked_to_a_value_that_packs_again_or_refused_with_a_reason(type_: Type, data: bytes) -> None:
    try:
        value = unpack(SCHEMA, type_, data)
    except BadBytes:
        pass  # with one of its reasons; anything else would be an error here
    else:
        again = pack(SCHEMA, type_, value)
        assert pack(SCHEMA, type_, unpack(SCHEMA, type_, again)) == again


def test_map_keys_are_written_in_ascending_order() -> None:
    assert pack(SCHEMA, Map(Scalar.U32, Scalar.BOOL), {256: True, 3: False}) == b"\x82\x03\xc2\xcd\x01\x00\xc3"


def test_a_packed_value_is_bytes_that_hold_it() -> None:
    assert pack(SCHEMA, Packed(Scalar.U8), 200) == b"\xc4\x02\xcc\xc8"


@pytest.mark.parametrize(
    ("type_", "data", "reason", "place"),
    [
        (Scalar.U8, b"", ValueReason.TRUNCATED, "value"),
        (Scalar.U8, b"\x01\x01", ValueReason.TRAILING, "value"),
        (Scalar.U8, b"\xcd\x01\x00", ValueReason.OUT_OF_RANGE, "value"),
        (Scalar.U64, b"\xff", ValueReason.OUT_OF_RANGE, "value"),
        (Scalar.U8, b"\xc3", ValueReason.WRONG_TYPE, "value"),
        (Scalar.U8, b"\xcb" + bytes(8), ValueReason.WRONG_TYPE, "value"),
        (Scalar.BYTES, b"\xa1x", ValueReason.WRONG_TYPE, "value"),
        (Scalar.STRING, b"\xc4\x01x", ValueReason.WRONG_TYPE, "value"),
        (Scalar.STRING, b"\xa1\xff", ValueReason.NOT_UTF8, "value"),
        (Scalar.BOOL, b"\xc1", ValueReason.NOT_A_VALUE, "value"),
        (Optional(Scalar.BOOL), b"\xd4\x00\x00", ValueReason.WRONG_TYPE, "value"),
        (List(Named("Fr")), b"\x91\xc4\x01x", ValueReason.WRONG_LENGTH, "value[0]"),
        (Tuple((Scalar.U8, Scalar.U8)), b"\x93\x01\x01\x01", ValueReason.WRONG_LENGTH, "value"),
        (Map(Scalar.U8, Named("Point")), b"\x81\x05\x81\xa1y\x01", ValueReason.MISSING_FIELD, "value[5]"),
        (Named("Point"), b"\x82\xa1x\xc4\x02ab\xa1y\xcd\x01\x00", ValueReason.OUT_OF_RANGE, "value.y"),
        (Packed(Scalar.U8), b"\xc4\x02\x01\x01", ValueReason.TRAILING, "value.packed"),
    ],
)
def test_each_reason_names_its_place(type_: Type, data: bytes, reason: ValueReason, place: str) -> None:
    with pytest.raises(BadBytes) as caught:
        unpack(SCHEMA, type_, data)
    assert (caught.value.reason, caught.value.place) == (reason, place)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(BadBytes, match="Point needs the field x"):
        unpack(SCHEMA, Named("Point"), b"\x81\xa1y\x01")


def test_the_list_of_reasons_is_known() -> None:
    assert {reason.value for reason in ValueReason} == {
        "truncated", "trailing", "wrong_type", "out_of_range", "wrong_length", "missing_field", "not_utf8", "not_a_value",
    }  # fmt: skip


@pytest.mark.parametrize("count", [b"\xdd\xff\xff\xff\xff", b"\xdd\x00\x01\x00\x00"])
def test_a_count_that_cannot_be_is_refused_before_anything_is_made(count: bytes) -> None:
    with pytest.raises(BadBytes, match="are announced, 1 bytes are there"):
        unpack(SCHEMA, List(Scalar.U8), count + b"\x01")


@pytest.mark.parametrize(
    ("type_", "value", "message"),
    [
        (Scalar.U8, 256, "256 is no u8"),
        (Scalar.U8, -1, "-1 is no u8"),
        (Scalar.U8, True, "True is no u8"),
        (Scalar.F64, True, "True is no f64"),
        (Scalar.BYTES, "x", "'x' is no bytes"),
        (Scalar.STRING, "\ud800", "UTF-8 cannot carry"),
        (FixedBytes(3), b"ab", "is no bin3"),
        (Array(Scalar.U8, 2), [1], "is no array of 2"),
        (Tuple((Scalar.U8, Scalar.U8)), [1], "is no tuple of 2"),
        (Map(Scalar.U8, Scalar.U8), {256: 1}, "value key: 256 is no u8"),
        (Named("Point"), {"x": b"ab"}, "Point needs the field y"),
        (Named("Point"), {"x": b"ab", "y": 1, "z": 1}, "Point has no field z"),
        (List(Named("Point")), [{"x": b"abc", "y": 1}], r"value\[0\].x: b'abc' is no bin2"),
    ],
)
def test_a_value_that_does_not_fit_is_not_packed_and_the_part_is_named(type_: Type, value: object, message: str) -> None:
    with pytest.raises(NotOfType, match=message):
        pack(SCHEMA, type_, value)
