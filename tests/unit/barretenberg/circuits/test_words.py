"""Unit tests of `proofplane.barretenberg.circuits.words`: words are words, and each constraint that makes them so is needed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.acir_gadgets import Gadget
from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.circuits.words import BYTES, PLAIN, held, known_word, reduced, reversed_bytes, rotated, shifted, xor3
from proofplane.barretenberg.field import MODULUS

TOP = 2**32
CUTS = (0, 3, 7, 18, 25)

words = st.integers(0, TOP - 1)


def moved(b: Builder) -> None:
    word = held(b, "word", b.input("x"), CUTS)
    b.publish("out rotated", rotated(word, 7))
    b.publish("out shifted", shifted(word, 3))
    b.publish("out reversed", reversed_bytes(held(b, "bytes", word.value, BYTES)))


def combined(b: Builder) -> None:
    x, y, z = (held(b, name, b.input(name)) for name in "xyz")
    b.publish("out xor", xor3(b, "xor", x.value, y.value, z.value))
    b.publish("out sum", reduced(b, "sum", (x.value, y.value, z.value, 7 - TOP, TOP), 4).value)


MOVED, COMBINED = Gadget(moved), Gadget(combined)


@given(x=words)
def test_words_are_rotated_shifted_and_reversed(x: int) -> None:
    assert MOVED.broken({"x": x}) == set()
    expected = [(x >> 7 | x << 25) % TOP, x >> 3, int.from_bytes(x.to_bytes(4, "big"), "little")]
    assert MOVED.published({"x": x}) == expected


@given(x=words, y=words, z=words)
def test_words_are_combined_and_added(x: int, y: int, z: int) -> None:
    inputs = {"x": x, "y": y, "z": z}
    assert (COMBINED.broken(inputs), COMBINED.published(inputs)) == (set(), [x ^ y ^ z, (x + y + z + 7) % TOP])


@pytest.mark.parametrize("x", [TOP, TOP + 5, -1, MODULUS - TOP])
def test_what_is_no_word_is_not_held(x: int) -> None:
    assert MOVED.broken({"x": x}) == {"word/chunks", "bytes/chunks"}


def test_every_chunk_is_held_to_its_width() -> None:
    ends = (*CUTS[1:], 32)
    for low, end in zip(CUTS, ends, strict=True):
        # The chunk takes from the next what that lacks; the last takes what is too much for a word.
        lies = {f"word/chunk {low}": 1 << end - low} | ({f"word/chunk {end}": 0} if end < 32 else {})
        x = 1 << end
        broken = MOVED.broken({"x": x}, lies)
        assert broken == ({f"word/chunk {low}"} if end < 32 else {f"word/chunk {low}", "bytes/chunks"})


def test_chunks_are_the_words() -> None:
    assert MOVED.broken({"x": 9}, {"word/chunk 3": 0}) == {"word/chunks"}
    assert MOVED.broken({"x": 0x01020304}, {"bytes/chunk 0": 1, "bytes/chunk 24": 4}) == {"bytes/chunks"}


def test_a_sum_is_reduced_by_a_small_carry_only() -> None:
    inputs = {"x": TOP - 1, "y": TOP - 1, "z": 5}
    (_, right) = COMBINED.published(inputs)
    assert COMBINED.broken(inputs, {"sum/word": right + 1}) == {"sum/sum"}
    assert COMBINED.broken(inputs, {"sum/word": right + TOP, "sum/carry": 1}) == {"sum/chunks"}
    fraction = {"sum/word": right + 1, "sum/carry": 2 - pow(TOP, -1, MODULUS)}
    assert COMBINED.broken(inputs, fraction) == {"sum/carry"}


def test_an_exclusive_or_is_no_other_number() -> None:
    inputs = {"x": 0b1100, "y": 0b1010, "z": 0b0110}
    assert COMBINED.broken(inputs, {"xor/and of two": 0}) == {"xor/and of two"}
    assert COMBINED.broken(inputs, {"xor/and of three": 0}) == {"xor/and of three"}
    assert COMBINED.broken(inputs, {"xor/two": 0b1000}) == {"xor/two"}


def test_constants_are_words_without_a_constraint() -> None:
    def describe(b: Builder) -> None:
        x, y = known_word(0x80000001, CUTS), known_word(TOP - 1)
        assert rotated(x, 7).known == 0x03000000
        assert shifted(x, 3).known == 0x10000000
        assert reduced(b, "sum", (x.value, y.value), 2, PLAIN).value.known == 0x80000000
        assert held(b, "held", x.value).value.known == 0x80000001
        assert b.program().constraints == ()
        b.publish("out", xor3(b, "xor", x.value, y.value, b.input("z")))

    assert Gadget(describe).published({"z": 1}) == [0x7FFFFFFF]
