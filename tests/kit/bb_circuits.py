"""The smallest circuits for the real `bb`, in ACIR written by hand: somebody knows x with x^4 = y."""

from __future__ import annotations

from functools import cache

import msgspec

from proofplane.barretenberg.circuit import Circuit
from proofplane.barretenberg.field import MODULUS, Fr
from proofplane.barretenberg.flavors import Flavor

FORMAT = b"\x03"
"""The byte before msgpack in bytecode and witnesses."""


def field(value: int) -> bytes:
    """An integer, of either sign, as a field element."""
    return (value % MODULUS).to_bytes(32, "big")


def packed(value: object) -> bytes:
    """A program or a witness as `bb` takes it."""
    return FORMAT + msgspec.msgpack.encode(value)


@cache
def fourth_power(flavor: Flavor, squarings: int = 2) -> Circuit:
    """Witness 0 squared `squarings` times, the last one public: x^4 = y; more squarings are more gates and another statement."""
    one, minus_one, zero = field(1), field(-1), field(0)
    opcodes = [{"AssertZero": [[[one, step, step]], [[minus_one, step + 1]], zero]} for step in range(squarings)]
    return Circuit("fourth power", packed([[["main", opcodes, [0], [squarings], [], []]], []]), flavor)


def witness(x: int, squarings: int = 2, *, result: int | None = None) -> bytes:
    """The values of `fourth_power` for x; with `result` the last one is a lie."""
    values = [x]
    for _ in range(squarings):
        values.append(values[-1] ** 2 % MODULUS)
    if result is not None:
        values[-1] = result
    return packed([[[0, {index: field(value) for index, value in enumerate(values)}]]])


def power(x: int, squarings: int = 2) -> Fr:
    """The public input for x."""
    return Fr.of(pow(x, 2**squarings, MODULUS))
