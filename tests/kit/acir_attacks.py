"""Looks for any witness of an encoded program, not just those that our generator would make: what the constraints leave open, and what not.

A wire has bounds, as an integer of 0 to r - 1, and perhaps a value. From the wires that are given, each constraint narrows the bounds of
its others until nothing moves; then every wire that can be 0 or 1 only is tried both ways (`Search.run`). Each conclusion is one that every
witness must obey, so a contradiction proves that there is no witness, and a wire with a value has it in every witness.
Nothing is known about the description that the program was built from: only the encoded opcodes are read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from proofplane.crypto.poseidon2 import MODULUS, permute

_WORD = 2**32 - 1


class Contradiction(Exception):
    """No witness has these values. Not a fault: it is what every search for a false witness should end with."""


@dataclass(frozen=True, slots=True)
class _Opcode:
    wires: tuple[int, ...]
    narrow: Callable[[Search], None]


@dataclass(slots=True)
class Search:
    """One program and what is known about its wires."""

    opcodes: list[_Opcode]
    low: list[int]
    high: list[int]
    """Each wire's bounds; equal ones are its value."""
    _touching: list[list[int]]
    """By wire, the constraints that it stands in."""
    _queue: deque[int] = field(default_factory=deque)
    _queued: set[int] = field(default_factory=set)
    _trail: list[tuple[int, int, int]] = field(default_factory=list)

    @classmethod
    def of(cls, bytecode: bytes, without: Iterable[int] = ()) -> Search:
        """Of an encoded program; the constraints of the indices `without` are left out."""
        ((function,), _) = msgspec.msgpack.decode(bytecode[1:])
        left_out = set(without)
        whole = [_opcode(each) for each in function[1]]
        count = 1 + max(wire for opcode in whole for wire in opcode.wires)
        opcodes = [each if index not in left_out else _Opcode((), _nothing) for index, each in enumerate(whole)]
        search = cls(opcodes, [0] * count, [MODULUS - 1] * count, [[] for _ in range(count)])
        for index, opcode in enumerate(opcodes):
            for wire in opcode.wires:
                search._touching[wire].append(index)
        search._queue.extend(range(len(opcodes)))
        search._queued.update(search._queue)
        return search

    def value(self, wire: int) -> int | None:
        """What the wire is in every witness, if that is known."""
        return self.low[wire] if self.low[wire] == self.high[wire] else None

    def open(self) -> list[int]:
        """Wires without a value."""
        return [wire for wire, low in enumerate(self.low) if low != self.high[wire]]

    def give(self, values: Mapping[int, int]) -> None:
        """Fixes wires; raises `Contradiction` where that is out of bounds."""
        for wire, value in values.items():
            self.narrow(wire, value, value)

    def settle(self) -> None:
        """Draws the conclusions that need no guess; raises `Contradiction` if there is no witness."""
        while self._queue:
            index = self._queue.popleft()
            self._queued.discard(index)
            self.opcodes[index].narrow(self)

    def run(self) -> None:
        """Draws all conclusions; raises `Contradiction` if there is no witness."""
        self.settle()
        found = True
        while found:
            guessed = [self._probe(wire) for wire in self.open() if (self.low[wire], self.high[wire]) == (0, 1)]
            found = any(guessed)

    @contextmanager
    def trying(self, values: Mapping[int, int]) -> Iterator[None]:
        """Gives more wires to a settled search and draws all conclusions, which are forgotten at the end; raises as `run` does."""
        mark = len(self._trail)
        try:
            self.give(values)
            self.run()
            yield
        finally:
            self._forget(mark)

    def refutes(self, values: Mapping[int, int]) -> bool:
        """Whether no witness has these values besides those that were given before."""
        try:
            with self.trying(values):
                return False
        except Contradiction:
            return True

    def narrow(self, wire: int, low: int, high: int) -> None:
        """The wire is `low` to `high`, besides what was known."""
        low, high = max(low, self.low[wire]), min(high, self.high[wire])
        if low > high:
            raise Contradiction
        if (low, high) != (self.low[wire], self.high[wire]):
            self._trail.append((wire, self.low[wire], self.high[wire]))
            self.low[wire], self.high[wire] = low, high
            for index in self._touching[wire]:
                if index not in self._queued:
                    self._queued.add(index)
                    self._queue.append(index)

    def _probe(self, wire: int) -> bool:
        """Fixes a wire of 0 or 1 if one of them cannot be; whether it could."""
        if self.low[wire] == self.high[wire]:
            return False
        for guess in (0, 1):
            mark = len(self._trail)
            try:
                self.narrow(wire, guess, guess)
                self.settle()
            except Contradiction:
                self._forget(mark)
                self.narrow(wire, 1 - guess, 1 - guess)
                self.settle()
                return True
            self._forget(mark)
        return False

    def _forget(self, mark: int) -> None:
        while len(self._trail) > mark:
            wire, self.low[wire], self.high[wire] = self._trail.pop()
        self._queue.clear()
        self._queued.clear()


def _nothing(_: Search) -> None:
    """Of a constraint that is left out."""


def _opcode(encoded: dict[str, Any]) -> _Opcode:
    ((kind, body),) = encoded.items()
    if kind == "AssertZero":
        return _assert_zero(*body)
    ((name, arguments),) = body.items()
    readers: dict[str, Callable[..., _Opcode]] = {"RANGE": _range, "AND": _and, "Poseidon2Permutation": _permutation}
    return readers[name](*arguments)


def _range(operand: dict[str, Any], bits: int) -> _Opcode:
    wire = operand["Witness"]
    return _Opcode((wire,), lambda search: search.narrow(wire, 0, (1 << bits) - 1))


def _and(left: dict[str, Any], right: dict[str, Any], bits: int, output: int) -> _Opcode:
    assert bits == 32
    wires = [operand["Witness"] for operand in (left, right) if "Witness" in operand]
    constants = [_number(operand["Constant"]) for operand in (left, right) if "Constant" in operand]

    def narrow(search: Search) -> None:
        for wire in wires:
            search.narrow(wire, 0, _WORD)
        known = [*constants, *(value for wire in wires if (value := search.value(wire)) is not None)]
        if len(known) == 2:
            search.narrow(output, known[0] & known[1], known[0] & known[1])
        else:
            search.narrow(output, 0, min([_WORD, *known]))

    return _Opcode((*wires, output), narrow)


def _permutation(operands: list[dict[str, Any]], outputs: list[int]) -> _Opcode:
    inputs = [operand["Witness"] for operand in operands]

    def narrow(search: Search) -> None:
        known = [value for wire in inputs if (value := search.value(wire)) is not None]
        if len(known) == len(inputs):
            for wire, value in zip(outputs, permute(known), strict=True):
                search.narrow(wire, value, value)

    return _Opcode((*inputs, *outputs), narrow)


def _assert_zero(products: list[Any], terms: list[Any], rest: bytes) -> _Opcode:
    quadratic = [(_number(factor), left, right) for factor, left, right in products]
    linear = [(_number(factor), wire) for factor, wire in terms]
    constant = _number(rest)
    wires = {wire for _, wire in linear} | {wire for _, left, right in quadratic for wire in (left, right)}

    def narrow(search: Search) -> None:
        known, factors, squares = constant, dict[int, int](), dict[int, int]()
        for factor, left, right in quadratic:
            first, second = search.value(left), search.value(right)
            if first is not None and second is not None:
                known += factor * first * second
            elif first is not None:
                factors[right] = factors.get(right, 0) + factor * first
            elif second is not None:
                factors[left] = factors.get(left, 0) + factor * second
            elif left == right:
                squares[left] = squares.get(left, 0) + factor
            else:
                return
        for factor, wire in linear:
            if (value := search.value(wire)) is not None:
                known += factor * value
            else:
                factors[wire] = factors.get(wire, 0) + factor
        factors = {wire: factor % MODULUS for wire, factor in factors.items() if factor % MODULUS}
        if squares:
            _square(search, known % MODULUS, factors, squares)
        else:
            _sum(search, known % MODULUS, factors)

    return _Opcode(tuple(wires), narrow)


def _square(search: Search, known: int, factors: dict[int, int], squares: dict[int, int]) -> None:
    """a w^2 + b w = 0: w is 0 or -b / a."""
    if known or len(squares) != 1 or set(factors) - set(squares):
        return
    ((wire, factor),) = squares.items()
    search.narrow(wire, 0, -factors.get(wire, 0) * pow(factor, -1, MODULUS) % MODULUS)


def _sum(search: Search, known: int, factors: dict[int, int]) -> None:
    """known + sum(factor * wire) = 0 modulo r."""
    if not factors:
        if known:
            raise Contradiction
        return
    widest = max(factors, key=lambda wire: search.high[wire] - search.low[wire])
    scale = -pow(factors[widest], -1, MODULUS)
    others = {wire: _signed(factor * scale) for wire, factor in factors.items() if wire != widest}
    # widest = start + sum(others), where the sum is least to most.
    start = known * scale % MODULUS
    least = sum(factor * (search.low if factor > 0 else search.high)[wire] for wire, factor in others.items())
    most = sum(factor * (search.high if factor > 0 else search.low)[wire] for wire, factor in others.items())
    lowest = (start + least) % MODULUS
    if most - least < MODULUS and lowest + most - least < MODULUS:
        search.narrow(widest, lowest, lowest + most - least)
    _integers(search, known, factors)


def _integers(search: Search, known: int, factors: dict[int, int]) -> None:
    """If no sum of these wires goes once around r, it is an equation of integers, which bounds each wire by all others."""
    signed = {wire: _signed(factor) for wire, factor in factors.items()}
    ends = {wire: sorted((factor * search.low[wire], factor * search.high[wire])) for wire, factor in signed.items()}
    least, most = sum(low for low, _ in ends.values()), sum(high for _, high in ends.values())
    if most - least >= MODULUS:
        return
    target = least + (-known - least) % MODULUS
    if target > most:
        raise Contradiction
    for wire, factor in signed.items():
        low, high = target - (most - ends[wire][1]), target - (least - ends[wire][0])
        if factor < 0:
            low, high, factor = -high, -low, -factor
        search.narrow(wire, -(-low // factor), high // factor)


def _signed(value: int) -> int:
    value %= MODULUS
    return value if value <= MODULUS // 2 else value - MODULUS


def _number(raw: bytes) -> int:
    return int.from_bytes(raw, "big")
