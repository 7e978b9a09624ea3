"""Field elements have one form, and nothing else is taken for one."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.barretenberg.field import MODULUS, Fr, NotCanonical, elements, split


@given(st.integers(0, MODULUS - 1))
def test_every_number_below_the_modulus_is_an_element_of_32_bytes(value: int) -> None:
    element = Fr.of(value)
    assert (len(element), int(element), Fr(bytes(element))) == (32, value, element)


@pytest.mark.parametrize("value", [-1, MODULUS, MODULUS + 1, 2**256])
def test_a_number_outside_the_field_is_not_reduced(value: int) -> None:
    with pytest.raises(NotCanonical):
        Fr.of(value)


@pytest.mark.parametrize("raw", [b"", bytes(31), bytes(33), MODULUS.to_bytes(32, "big"), b"\xff" * 32])
def test_other_bytes_are_no_element(raw: bytes) -> None:
    with pytest.raises(NotCanonical):
        Fr(raw)


def test_the_largest_element_is_one() -> None:
    assert int(Fr((MODULUS - 1).to_bytes(32, "big"))) == MODULUS - 1


def test_an_element_made_of_digits_is_read_as_its_number_not_as_text() -> None:
    digits = b"0" * 31 + b"1"
    assert int(Fr(digits)) == int.from_bytes(digits, "big")


def test_an_element_is_shown_as_its_number_and_survives_pickling() -> None:
    assert repr(Fr.of(255)) == "Fr(0xff)"
    assert pickle.loads(pickle.dumps(Fr.of(7))) == Fr.of(7)


@given(st.lists(st.integers(0, MODULUS - 1), max_size=5))
def test_joined_elements_are_cut_where_they_were_joined(values: list[int]) -> None:
    raw = b"".join(map(Fr.of, values))
    assert [int(element) for element in elements(raw)] == values
    assert split(raw) == list(elements(raw))


def test_what_is_wrong_with_joined_elements_is_told_with_its_index() -> None:
    with pytest.raises(NotCanonical, match="element 2 is not less"):
        split(bytes(64) + MODULUS.to_bytes(32, "big") + b"\xff" * 32)
    with pytest.raises(NotCanonical, match="multiple of 32"):
        split(bytes(33))
