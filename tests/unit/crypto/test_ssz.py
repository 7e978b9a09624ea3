"""Tests of the SSZ codec, against `remerkleable`'s own views of the same types."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from remerkleable.basic import uint8, uint32
from remerkleable.bitfields import Bitlist
from remerkleable.byte_arrays import ByteList
from remerkleable.complex import Container, List

from proofplane.anchor import ssz
from proofplane.base.errors import Broken
from proofplane.crypto.ssz import codec_of
from proofplane.crypto.ssz_codec import MalformedSsz
from proofplane.crypto.ssz_tree import merkle_root
from unit.anchor.oracle import values_of, view_of

SCHEMAS = [
    ssz.AnchorState,
    ssz.Manifest,
    ssz.MohoState,
    ssz.Predicate,
    ssz.UpgradeSection,
    ssz.ExportSection,
    ssz.Commitment,
    ssz.Window,
    ssz.Peaks,
    ssz.Logs,
    ssz.Condition,
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.__name__)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_bytes_and_roots_are_those_of_the_view_and_decoding_gives_the_value_back(schema: Any, data: st.DataObject) -> None:
    value = data.draw(values_of(schema))
    codec, view = codec_of(schema), view_of(schema, value)
    raw = codec.encode(value)
    assert raw == view.encode_bytes()
    assert codec.root(value) == view.hash_tree_root()
    assert codec.decode(raw) == value


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.__name__)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_whatever_is_decoded_encodes_to_the_same_bytes(schema: Any, data: st.DataObject) -> None:
    codec = codec_of(schema)
    raw = bytearray(codec.encode(data.draw(values_of(schema))))
    for place, byte in data.draw(st.lists(st.tuples(st.integers(0, max(0, len(raw) - 1)), st.integers(0, 255)), max_size=3)):
        raw[place : place + 1] = bytes([byte])
    cut = bytes(raw[: data.draw(st.integers(0, len(raw)))]) if data.draw(st.booleans()) else bytes(raw)
    try:
        value = codec.decode(cut)
    except MalformedSsz:
        return
    assert codec.encode(value) == cut


class Few(List[uint32, 3]):
    """Packed, half a chunk."""


class Names(List[ByteList[4], 2]):
    """Elements of different sizes."""


class Pair(Container):
    """One fixed and one dynamic field."""

    number: uint8
    names: Names


@pytest.mark.parametrize(
    ("schema", "raw"),
    [
        (uint32, b"123"),
        (ByteList[4], b"12345"),
        (Few, b"12345"),
        (Few, bytes(16)),
        (ssz.Commitment, bytes(35)),
        (ssz.Commitment, bytes(37)),
        (Names, b"\0"),
        (Names, b"\0\0\0\0"),
        (Names, b"\5\0\0\0\0"),
        (Names, b"\x08\0\0\0"),
        (Names, b"\x08\0\0\0\x0a\0\0\0"),
        (Names, b"\x08\0\0\0\x07\0\0\0"),
        (Names, b"\x0c\0\0\0" * 3),
        (Names, b"\4\0\0\0" + b"12345"),
        (Pair, b"\1\5\0\0"),
        (Pair, b"\1\4\0\0\0"),
        (Pair, b"\1\6\0\0\0x"),
    ],
)
def test_anything_that_encode_does_not_write_is_refused(schema: Any, raw: bytes) -> None:
    with pytest.raises(MalformedSsz):
        codec_of(schema).decode(raw)


def test_a_type_without_a_codec_is_named() -> None:
    with pytest.raises(Broken, match="Bitlist"):
        codec_of(Bitlist[8])


def test_a_tree_of_one_leaf_is_the_leaf_and_an_empty_one_is_zeros() -> None:
    assert merkle_root([b"x" * 32], 0) == b"x" * 32
    assert merkle_root([], 0) == bytes(32)
    assert merkle_root([], 2) == merkle_root([bytes(32)] * 4, 2)
