"""Unit tests of `proofplane.crypto.koalabear`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.crypto.koalabear import NotCanonical, P, TooLarge, decode, encode, limbs

ELEMENTS = st.integers(0, P - 1)


@given(st.lists(ELEMENTS, max_size=30))
def test_decoding_gives_the_elements_back(elements: list[int]) -> None:
    assert decode(encode(elements)) == tuple(elements)


def test_an_element_is_four_bytes_least_significant_first() -> None:
    assert encode([1, P - 1]).hex() == "010000000000007f"


@pytest.mark.parametrize("value", [P, P + 1, 2**31, 2**32 - 1])
def test_a_value_from_the_modulus_on_is_refused(value: int) -> None:
    with pytest.raises(NotCanonical, match=f"element 1 is {value}"):
        decode(encode([0]) + value.to_bytes(4, "little"))


@pytest.mark.parametrize("size", [1, 3, 5])
def test_bytes_left_over_are_refused(size: int) -> None:
    with pytest.raises(NotCanonical, match="whole number"):
        decode(bytes(size))


@given(st.lists(ELEMENTS, min_size=1, max_size=9))
def test_limbs_are_the_digits_least_significant_first(digits: list[int]) -> None:
    number = sum(digit * P**place for place, digit in enumerate(digits))
    assert limbs(number, len(digits)) == tuple(digits)


def test_a_number_that_needs_more_limbs_is_refused() -> None:
    assert limbs(P**2 - 1, 2) == (P - 1, P - 1)
    with pytest.raises(TooLarge):
        limbs(P**2, 2)
