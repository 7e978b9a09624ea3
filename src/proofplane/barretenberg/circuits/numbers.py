"""Statements about small integers in a circuit: bounds, choices, least and greatest.

Invariant: what is compared are integers far smaller in size than r, so that a number below 2^bits modulo r is one below 2^bits.
A negative integer stands as r minus its size; no bound here lets it through.
"""

from __future__ import annotations

from collections.abc import Callable

from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.acir.expression import Expression, total
from proofplane.barretenberg.acir.program import Values
from proofplane.barretenberg.field import MODULUS

_CHUNK = 11
"""Bits of a chunk: the widest for which `bb`'s list of all its numbers is still small."""


def bounded(b: Builder, name: str, value: Expression, bits: int) -> None:
    """Asserts 0 <= `value` < 2^bits, by writing it as chunks; `bits` is at most 253, so that the chunks' sum is below r."""
    with b.part(name):
        chunks = []
        for low in range(0, bits, _CHUNK):
            width = min(_CHUNK, bits - low)
            chunk = b.hint(f"chunk {low}", _bits_of(value, low, width))
            b.range(f"chunk {low}", chunk, width)
            chunks.append(chunk * 2**low)
        b.assert_equal("chunks", value, total(chunks))


def boolean(b: Builder, name: str, rule: Callable[[Values], bool]) -> Expression:
    """A wire that is 0 or 1; `rule` is what an honest prover sets it to."""
    wire = b.hint(name, lambda values: int(rule(values)))
    b.assert_zero(name, wire * wire - wire)
    return wire


def one_of(b: Builder, name: str, count: int, rule: Callable[[Values], int]) -> list[Expression]:
    """`count` wires, one of which is 1 and the others 0; an honest prover sets the one that `rule` says, if there is such a one."""
    with b.part(name):
        wires = [boolean(b, str(index), _is(rule, index)) for index in range(count)]
        b.assert_equal("one", total(wires), 1)
        return wires


def is_zero(b: Builder, name: str, value: Expression) -> Expression:
    """A wire that is 1 if `value` is 0 modulo r and 0 otherwise."""
    with b.part(name):
        zero = b.hint("zero", lambda values: int(values(value) == 0))
        inverse = b.hint("inverse", lambda values: pow(values(value), MODULUS - 2, MODULUS))
        b.assert_zero("not both", zero * value)
        b.assert_equal("one of both", zero + value * inverse, 1)
        return zero


def least(b: Builder, name: str, left: Expression, right: Expression, bits: int) -> Expression:
    """The lesser of two integers less than 2^bits apart: `left` or `right`, as an expression."""
    with b.part(name):
        difference = b.define("difference", right - left)
        smaller = boolean(b, "right is less", lambda values: values.signed(difference) < 0)
        change = b.define("change", smaller * difference)
        bounded(b, "distance", difference - 2 * change, bits)
        return left + change


def greatest(b: Builder, name: str, left: Expression, right: Expression, bits: int) -> Expression:
    """The greater of two integers less than 2^bits apart."""
    return -least(b, name, -left, -right, bits)


def _bits_of(value: Expression, low: int, width: int) -> Callable[[Values], int]:
    return lambda values: values(value) >> low & (1 << width) - 1


def _is(rule: Callable[[Values], int], index: int) -> Callable[[Values], bool]:
    return lambda values: rule(values) == index
