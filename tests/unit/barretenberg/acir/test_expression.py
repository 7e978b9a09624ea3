"""Unit tests of `proofplane.barretenberg.acir.expression`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.barretenberg.acir.errors import NotExpressible
from proofplane.barretenberg.acir.expression import Expression, constant, total, wire
from proofplane.barretenberg.acir.program import Values
from proofplane.barretenberg.field import MODULUS

WIRES = [3, 5, 7, MODULUS - 11]

numbers = st.integers(-(2**40), 2**40)
linear = st.recursive(
    st.one_of(numbers.map(constant), st.integers(0, 3).map(wire)),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] + pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] - pair[1]),
        st.tuples(inner, numbers).map(lambda pair: pair[0] * pair[1]),
        st.tuples(numbers, inner).map(lambda pair: pair[0] - pair[1]),
    ),
)


def value(expression: Expression) -> int:
    values = Values()
    values.wires = WIRES
    return values(expression)


@given(left=linear, right=linear)
def test_operators_mean_what_they_mean_for_numbers(left: Expression, right: Expression) -> None:
    a, b = value(left), value(right)
    assert value(left + right) == (a + b) % MODULUS
    assert value(left - right) == (a - b) % MODULUS
    assert value(-left) == -a % MODULUS
    assert value(left * right) == a * b % MODULUS
    assert value(left * right - right * left) == 0


def test_what_cancels_leaves_no_term() -> None:
    assert (wire(0) - wire(0)).known == 0
    assert (wire(0) * wire(1) - wire(1) * wire(0) + 7).known == 7
    assert (wire(0) * MODULUS).known == 0


def test_a_wire_is_known_by_its_index_and_a_constant_by_its_value() -> None:
    assert (wire(2) + 1 - 1).wire == 2
    assert (2 * wire(2)).wire is None
    assert (wire(2) + 1).wire is None
    assert constant(-1).known == MODULUS - 1
    assert total([]).known == 0


def test_a_product_of_three_wires_is_refused() -> None:
    with pytest.raises(NotExpressible):
        wire(0) * wire(1) * wire(2)
