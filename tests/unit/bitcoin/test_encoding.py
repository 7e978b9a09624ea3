"""Unit tests of `proofplane.bitcoin.encoding`."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.bitcoin.encoding import MalformedEncoding, Reader, Unencodable, compact_size


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "00"),
        (0xFC, "fc"),
        (0xFD, "fdfd00"),
        (0xFFFF, "fdffff"),
        (0x1_0000, "fe00000100"),
        (0xFFFF_FFFF, "feffffffff"),
        (0x1_0000_0000, "ff0000000001000000"),
        (2**64 - 1, "ffffffffffffffffff"),
    ],
)
def test_each_width_of_the_variable_length_integer_begins_where_the_one_before_ends(value: int, encoded: str) -> None:
    assert compact_size(value).hex() == encoded
    assert Reader(bytes.fromhex(encoded)).compact_size("it") == value


@given(st.integers(0, 2**64 - 1))
def test_a_variable_length_integer_is_read_as_it_was_written(value: int) -> None:
    reader = Reader(compact_size(value))
    assert reader.compact_size("it") == value
    reader.finish("it")


@pytest.mark.parametrize("encoded", ["fdfc00", "fd0000", "feffff0000", "ffffffffff00000000"])
def test_a_longer_form_than_needed_is_refused(encoded: str) -> None:
    with pytest.raises(MalformedEncoding, match="shortest"):
        Reader(bytes.fromhex(encoded)).compact_size("it")


@pytest.mark.parametrize("value", [-1, 2**64])
def test_a_number_that_has_no_form_is_the_callers_mistake(value: int) -> None:
    with pytest.raises(Unencodable):
        compact_size(value)


def test_reading_beyond_the_end_says_where_and_what() -> None:
    reader = Reader(b"abc", 1)
    with pytest.raises(MalformedEncoding) as caught:
        reader.u32("the lock time")
    assert (caught.value.offset, str(caught.value)) == (1, "the lock time needs 4 bytes, 2 remain (at byte 1)")


def test_a_hostile_count_is_refused_before_anything_is_allocated_for_it() -> None:
    reader = Reader(compact_size(2**60) + b"x" * 100)
    with pytest.raises(MalformedEncoding, match="does not fit"):
        reader.count("the number of inputs", 41)


def test_a_count_that_exactly_fills_the_rest_is_read() -> None:
    assert Reader(compact_size(2) + b"x" * 82).count("the number of inputs", 41) == 2
    with pytest.raises(MalformedEncoding):
        Reader(compact_size(2) + b"x" * 81).count("the number of inputs", 41)


def test_signed_fields_are_read_as_signed() -> None:
    reader = Reader(b"\xff" * 16)
    assert (reader.i32("a"), reader.i64("b"), reader.u32("c")) == (-1, -1, 2**32 - 1)


def test_bytes_after_the_end_are_refused() -> None:
    with pytest.raises(MalformedEncoding, match="2 bytes follow the block"):
        Reader(b"abc", 1).finish("block")


def test_the_error_survives_the_way_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(MalformedEncoding("too short", 7)))
    assert (error.reason, error.offset) == ("too short", 7)
