"""Judges a witness as `bb` would, opcode by opcode, from the encoded program alone: what bytes say, not what our builder meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from proofplane.crypto.poseidon2 import MODULUS, permute

Values = Sequence[int]


class Checker:
    """One program, decoded once. Recursive verification is not judged."""

    def __init__(self, bytecode: bytes) -> None:
        assert bytecode[:1] == b"\x03"
        ((function,), unconstrained) = msgspec.msgpack.decode(bytecode[1:])
        assert unconstrained == []
        _, opcodes, self.private, public, self.returned, _ = function
        assert public == []
        self._judges = [_judge(opcode) for opcode in opcodes]

    def broken(self, values: Values, among: Iterable[int] | None = None) -> list[int]:
        """Indices of the opcodes that do not hold, of all or of those `among`."""
        return [index for index in (range(len(self._judges)) if among is None else among) if not self._judges[index](values)]


def _judge(opcode: dict[str, Any]) -> Callable[[Values], bool]:
    ((kind, body),) = opcode.items()
    if kind == "AssertZero":
        return _assert_zero(*body)
    assert kind == "BlackBoxFuncCall"
    ((name, arguments),) = body.items()
    return {"RANGE": _range, "AND": _and, "Poseidon2Permutation": _permutation}[name](*arguments)


def _assert_zero(products: list[Any], terms: list[Any], rest: bytes) -> Callable[[Values], bool]:
    quadratic = [(_number(factor), left, right) for factor, left, right in products]
    linear = [(_number(factor), wire) for factor, wire in terms]
    constant = _number(rest)

    def holds(values: Values) -> bool:
        value = constant
        for factor, wire in linear:
            value += factor * values[wire]
        for factor, left, right in quadratic:
            value += factor * values[left] * values[right]
        return value % MODULUS == 0

    return holds


def _range(operand: dict[str, Any], bits: int) -> Callable[[Values], bool]:
    wire = operand["Witness"]
    return lambda values: values[wire] >> bits == 0


def _and(left: dict[str, Any], right: dict[str, Any], bits: int, output: int) -> Callable[[Values], bool]:
    first, second = _reader(left), _reader(right)

    def holds(values: Values) -> bool:
        one, other = first(values), second(values)
        return one >> bits == 0 and other >> bits == 0 and values[output] == one & other

    return holds


def _permutation(operands: list[dict[str, Any]], outputs: list[int]) -> Callable[[Values], bool]:
    wires = [operand["Witness"] for operand in operands]
    return lambda values: permute([values[wire] for wire in wires]) == [values[wire] for wire in outputs]


def _reader(operand: dict[str, Any]) -> Callable[[Values], int]:
    if "Constant" in operand:
        constant = _number(operand["Constant"])
        return lambda _: constant
    wire = operand["Witness"]
    return lambda values: values[wire]


def _number(raw: bytes) -> int:
    assert len(raw) == 32
    return int.from_bytes(raw, "big")
