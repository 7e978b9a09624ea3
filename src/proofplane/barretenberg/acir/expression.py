"""Expressions over the wires of a program: sums of products of two wires, single wires and a constant, with Python's operators.

Arithmetic is that of BN254's scalar field; coefficients are kept as the integers that they were written as and reduced when encoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from proofplane.barretenberg.acir.errors import NotExpressible
from proofplane.barretenberg.field import MODULUS

_Key = TypeVar("_Key", int, tuple[int, int])

_GATE_WIRES = 4
"""Wires of one of Barretenberg's arithmetic gates."""


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """`sum(q * a * b) + sum(q * a) + constant`; immutable. A wire is the expression of one term with coefficient 1."""

    products: Mapping[tuple[int, int], int]
    """Coefficients by the two wires' indices, the smaller first."""
    terms: Mapping[int, int]
    """Coefficients by wire index."""
    constant: int

    @property
    def wire(self) -> int | None:
        """The index of the wire that this expression is, if it is just that."""
        if self.products or self.constant or len(self.terms) != 1:
            return None
        ((index, coefficient),) = self.terms.items()
        return index if coefficient == 1 else None

    @property
    def known(self) -> int | None:
        """The value, 0 to r - 1, of an expression without wires."""
        return None if self.products or self.terms else self.constant % MODULUS

    @property
    def squares(self) -> bool:
        """Whether a wire is multiplied by itself."""
        return any(left == right for left, right in self.products)

    @property
    def narrow(self) -> bool:
        """Whether `bb` holds it in one gate: one product, four wires at most."""
        wires = {wire for pair in self.products for wire in pair} | self.terms.keys()
        return len(self.products) <= 1 and len(wires) <= _GATE_WIRES

    def __add__(self, other: Expression | int) -> Expression:
        if isinstance(other, int):
            return Expression(self.products, self.terms, self.constant + other)
        return Expression(_merged(self.products, other.products), _merged(self.terms, other.terms), self.constant + other.constant)

    def __neg__(self) -> Expression:
        return self * -1

    def __sub__(self, other: Expression | int) -> Expression:
        return self + -other

    def __rsub__(self, other: int) -> Expression:
        return -self + other

    def __mul__(self, other: Expression | int) -> Expression:
        """The product; raises `NotExpressible` if it would have a degree over 2."""
        if isinstance(other, Expression) and other.known is None:
            if self.known is None:
                return self._times(other)
            return other * self.constant
        factor = other.constant if isinstance(other, Expression) else other
        return Expression(_scaled(self.products, factor), _scaled(self.terms, factor), self.constant * factor)

    __radd__ = __add__
    __rmul__ = __mul__

    def _times(self, other: Expression) -> Expression:
        if self.products or other.products:
            raise NotExpressible("a constraint holds products of two wires only: define a wire for one factor first")
        products: dict[tuple[int, int], int] = {}
        for left, factor in self.terms.items():
            for right, second in other.terms.items():
                pair = (min(left, right), max(left, right))
                products[pair] = products.get(pair, 0) + factor * second
        terms = _merged(_scaled(self.terms, other.constant), _scaled(other.terms, self.constant))
        return Expression(_scaled(products, 1), terms, self.constant * other.constant)


def constant(value: int) -> Expression:
    """The expression that is `value` whatever the wires are."""
    return Expression({}, {}, value)


def wire(index: int) -> Expression:
    """The expression that is the wire of this index."""
    return Expression({}, {index: 1}, 0)


def total(parts: Iterable[Expression]) -> Expression:
    """The sum of the parts, zero if there are none."""
    return sum(parts, constant(0))


def _merged(left: Mapping[_Key, int], right: Mapping[_Key, int]) -> Mapping[_Key, int]:
    if not right:
        return left
    merged = dict(left)
    for key, coefficient in right.items():
        merged[key] = merged.get(key, 0) + coefficient
    return {key: coefficient for key, coefficient in merged.items() if coefficient % MODULUS}


def _scaled(coefficients: Mapping[_Key, int], factor: int) -> Mapping[_Key, int]:
    return {key: coefficient * factor for key, coefficient in coefficients.items() if coefficient * factor % MODULUS}
