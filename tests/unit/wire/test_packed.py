"""Values packed inside messages: in and out, nested, and refused where they are wrong."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from proofplane import wire


class Point(wire.Message, frozen=True):
    x: wire.U8


class Holder(wire.Message, frozen=True):
    inside: wire.Packed[Point]
    deep: wire.Packed[list[wire.Packed[int]]]


def encode(value: object) -> bytes:
    return msgspec.msgpack.encode(value, enc_hook=wire.enc_hook)


def decode(data: bytes, type_: Any) -> Any:
    return msgspec.msgpack.decode(data, type=type_, dec_hook=wire.dec_hook)


def test_a_packed_value_is_a_bin_that_holds_its_msgpack() -> None:
    value = Holder(inside=wire.Packed(Point(x=7)), deep=wire.Packed([wire.Packed(1), wire.Packed(300)]))
    assert msgspec.msgpack.decode(encode(value))["inside"] == encode(Point(x=7))
    assert decode(encode(value), Holder) == value
    assert hash(decode(encode(value), Holder).inside) == hash(value.inside)
    assert repr(value.inside) == "Packed(Point(x=7))"


@pytest.mark.parametrize("inside", [b"", b"\xc0", b"\x81\xa1x\x07\x00", b"\x81\xa1x\xcd\x01\x00", "text", 7, None, {"x": 7}])
def test_what_holds_no_such_value_is_refused(inside: object) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(msgspec.msgpack.encode({"inside": inside, "deep": b"\x90"}), Holder)


def test_a_value_unlike_another_is_not_equal() -> None:
    assert wire.Packed(1) != wire.Packed(2)
    assert wire.Packed(1) != 1


def test_bytes_of_a_class_of_their_own_are_bytes() -> None:
    class Element(bytes):
        pass

    assert encode([Element(b"abc")]) == encode([b"abc"])


def test_other_unknown_types_are_not_written_nor_read() -> None:
    with pytest.raises(NotImplementedError, match="object has no form on the wire"):
        encode(object())
    with pytest.raises(NotImplementedError, match="has no form on the wire"):
        decode(b"\x01", complex)
