"""Tests of the SSZ codec, against `remerkleable`'s own views of the same types."""

import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from remerkleable.basic import boolean, uint8, uint16, uint32, uint64
from remerkleable.bitfields import Bitlist, Bitvector
from remerkleable.byte_arrays import ByteList, Bytes32, ByteVector
from remerkleable.complex import Container, List, Vector
from remerkleable.union import Union

from kit.ssz_oracle import values_of, view_of
from proofplane.anchor import ssz
from proofplane.base.errors import Broken
from proofplane.crypto.ssz import codec_of
from proofplane.crypto.ssz_basic import BitlistCodec
from proofplane.crypto.ssz_codec import MalformedSsz
from proofplane.crypto.ssz_tree import merkle_root
from proofplane.lean import ssz as lean

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
    boolean,
    ByteVector[33],
    ByteVector[64],
    Bitvector[1],
    Bitvector[9],
    Bitvector[256],
    Bitvector[257],
    Bitlist[1],
    Bitlist[8],
    Bitlist[256],
    Bitlist[300],
    Bitlist[2**18],
    Vector[uint16, 3],
    Vector[uint64, 5],
    Vector[ByteVector[40], 3],
    List[Bytes32, 2**18],
    List[uint64, 32],
    lean.AggregatedAttestation,
    lean.SignedBlock,
    lean.SignedAggregatedAttestation,
    lean.State,
]


EVERY_SCHEMA = pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.__name__)


def compare_with_view(schema: Any, value: Any) -> None:
    """Everything that a codec does with a value, against the view."""
    codec, view = codec_of(schema), view_of(schema, value)
    raw = codec.encode(value)
    assert raw == view.encode_bytes()
    assert codec.root(value) == view.hash_tree_root()
    assert codec.decode(raw) == value
    assert codec.tree(value).merkle_root() == view.hash_tree_root()
    assert codec.untree(codec.tree(value)) == value
    assert codec.untree(view.get_backing()) == value
    assert schema.view_from_backing(codec.tree(value)).encode_bytes() == raw


@EVERY_SCHEMA
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_bytes_and_roots_are_those_of_the_view_and_decoding_gives_the_value_back(schema: Any, data: st.DataObject) -> None:
    compare_with_view(schema, data.draw(values_of(schema)))


@pytest.mark.slow
@EVERY_SCHEMA
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_bytes_and_roots_of_many_values_are_those_of_the_view(schema: Any, data: st.DataObject) -> None:
    compare_with_view(schema, data.draw(values_of(schema)))


def decode_damaged(schema: Any, data: st.DataObject) -> None:
    """A few bytes of a valid encoding changed, or its end cut off."""
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


@EVERY_SCHEMA
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_whatever_is_decoded_encodes_to_the_same_bytes(schema: Any, data: st.DataObject) -> None:
    decode_damaged(schema, data)


@pytest.mark.slow
@EVERY_SCHEMA
@settings(max_examples=500, deadline=None)
@given(data=st.data())
def test_whatever_is_decoded_of_many_damaged_encodings_encodes_to_the_same_bytes(schema: Any, data: st.DataObject) -> None:
    decode_damaged(schema, data)


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
        (boolean, b"\2"),
        (boolean, b""),
        (ByteVector[33], bytes(34)),
        (Bitvector[9], b"\0\2"),
        (Bitvector[9], b"\0"),
        (Bitvector[8], b""),
        (Bitlist[8], b""),
        (Bitlist[8], b"\0"),
        (Bitlist[8], b"\1\0"),
        (Bitlist[8], b"\0\2"),
        (Bitlist[8], b"\0\0\1"),
        (Bitlist[4], b"\x20"),
        (Vector[uint16, 3], bytes(4)),
        (Vector[uint16, 3], bytes(8)),
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
    with pytest.raises(Broken, match="Union"):
        codec_of(Union[uint8, uint16])


def test_a_tree_of_one_leaf_is_the_leaf_and_an_empty_one_is_zeros() -> None:
    assert merkle_root([b"x" * 32], 0) == b"x" * 32
    assert merkle_root([], 0) == bytes(32)
    assert merkle_root([], 2) == merkle_root([bytes(32)] * 4, 2)


@pytest.mark.parametrize("schema", [Bitlist[8], Bitlist[300], Bitlist[2**18]], ids=lambda schema: str(schema.limit()))
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_bit_list_made_of_another_one_is_that_bit_list(schema: Any, data: st.DataObject) -> None:
    codec = codec_of(schema)
    assert isinstance(codec, BitlistCodec)
    before, after = data.draw(values_of(schema)), data.draw(values_of(schema))
    node = codec.retree(codec.tree(before), after)
    assert codec.untree(node) == after
    assert node.merkle_root() == codec.root(after)
    assert codec.retree(node, after) is node


@pytest.mark.parametrize("schema", [lean.SignedBlock, lean.State, lean.AggregatedAttestations, lean.JustificationValidators], ids=str)
@pytest.mark.parametrize("byte", [0x00, 0x01, 0x04, 0xFF])
def test_a_million_hostile_bytes_are_refused_with_little_memory(schema: Any, byte: int) -> None:
    raw = bytes([byte]) * 10**6
    tracemalloc.start()
    try:
        with suppress(MalformedSsz):
            assert codec_of(schema).encode(codec_of(schema).decode(raw)) == raw
        assert tracemalloc.get_traced_memory()[1] < 8 * len(raw)
    finally:
        tracemalloc.stop()
