"""Unit tests of `proofplane.barretenberg.circuits.numbers`: each gadget does what it says, and each of its constraints is needed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.acir_gadgets import Gadget
from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.acir.expression import Expression
from proofplane.barretenberg.circuits.numbers import bounded, greatest, is_zero, least, one_of
from proofplane.barretenberg.field import MODULUS

small = st.integers(-(2**31), 2**31)


def extremes(b: Builder) -> None:
    x, y = b.input("x"), b.input("y")
    b.publish("out least", least(b, "least", x, y, 33))
    b.publish("out greatest", greatest(b, "greatest", x, y, 33))


def zero(b: Builder) -> None:
    b.publish("out", is_zero(b, "zero", b.input("x") - 5))


def chosen(b: Builder) -> None:
    x = b.input("x")
    wires = one_of(b, "one", 3, lambda values: values(x))
    b.assert_equal("used", wires[1] + 2 * wires[2], x)


def bound(bits: int) -> Gadget:
    def describe(b: Builder) -> None:
        bounded(b, "bound", b.input("x"), bits)

    return Gadget(describe)


EXTREMES, ZERO, CHOSEN = Gadget(extremes), Gadget(zero), Gadget(chosen)


@given(x=small, y=small)
def test_least_and_greatest_are_those_of_numbers(x: int, y: int) -> None:
    inputs = {"x": x, "y": y}
    assert (EXTREMES.broken(inputs), EXTREMES.published(inputs)) == (set(), [min(x, y), max(x, y)])


@given(x=small, y=small)
def test_the_greater_is_not_taken_for_the_least(x: int, y: int) -> None:
    lies = {"least/right is less": int(y >= x), "greatest/right is less": int(-y >= -x)}
    expected = {"least/distance/chunks", "greatest/distance/chunks"} if x != y else set()
    assert EXTREMES.broken({"x": x, "y": y}, lies) == expected


@pytest.mark.parametrize(("x", "expected"), [(5, 1), (4, 0), (0, 0), (MODULUS + 5, 1)])
def test_zero_is_told_from_all_else(x: int, expected: int) -> None:
    assert (ZERO.broken({"x": x}), ZERO.published({"x": x})) == (set(), [expected])


@pytest.mark.parametrize("inverse", [0, 1, 2])
def test_zero_cannot_be_denied_nor_anything_else_taken_for_it(inverse: int) -> None:
    assert ZERO.broken({"x": 5}, {"zero/zero": 0, "zero/inverse": inverse}) == {"zero/one of both"}
    assert "zero/not both" in ZERO.broken({"x": 6}, {"zero/zero": 1, "zero/inverse": inverse})


@pytest.mark.parametrize("bits", [1, 10, 11, 12, 32, 37, 224])
def test_a_bound_lets_through_all_below_it_and_nothing_else(bits: int) -> None:
    gadget = bound(bits)
    for within in (0, 1, 2**bits - 1):
        assert gadget.broken({"x": within}) == set()
    for outside in (2**bits, 2**bits + 1, -1, -(2**bits), MODULUS - 2**bits):
        assert gadget.broken({"x": outside}) == {"bound/chunks"}


@pytest.mark.parametrize("bits", [11, 32, 224])
def test_a_number_out_of_bounds_has_no_chunks(bits: int) -> None:
    gadget = bound(bits)
    for low in range(0, bits, 11):
        lies = {f"bound/chunk {each}": 0 for each in range(0, bits, 11)} | {f"bound/chunk {low}": -pow(2**low, -1, MODULUS)}
        assert gadget.broken({"x": -1}, lies) == {f"bound/chunk {low}"}


def test_one_wire_is_chosen_and_only_one() -> None:
    for index in range(3):
        assert CHOSEN.broken({"x": index}) == set()
    assert CHOSEN.broken({"x": 3}) == {"one/one", "used"}
    assert CHOSEN.broken({"x": 3}, {"one/1": 1, "one/2": 1}) == {"one/one"}
    assert CHOSEN.broken({"x": 3}, {"one/0": -1, "one/1": 1, "one/2": 1}) == {"one/0"}


def test_least_of_an_expression_and_a_constant() -> None:
    def describe(b: Builder) -> None:
        x: Expression = b.input("x")
        b.publish("out", least(b, "least", 2 * x, Expression({}, {}, 10), 8))

    gadget = Gadget(describe)
    assert [gadget.published({"x": x}) for x in (4, 5, 6)] == [[8], [10], [10]]
