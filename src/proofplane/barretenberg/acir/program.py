"""A finished program: its constraints, how its wires are computed, and the bytes that `bb` reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from proofplane.barretenberg.acir.errors import NoSuchName, WrongInputs
from proofplane.barretenberg.acir.expression import Expression
from proofplane.barretenberg.acir.opcodes import Opcode, field_bytes
from proofplane.barretenberg.field import MODULUS

_MSGPACK = b"\x03"
"""First byte of a program or witness: what follows is msgpack."""


class Values:
    """The wires' values so far; calling it with an expression gives the expression's value."""

    __slots__ = ("wires",)

    def __init__(self) -> None:
        self.wires: list[int] = []
        """By wire index, each 0 to r - 1."""

    def __call__(self, expression: Expression) -> int:
        """The value, 0 to r - 1, of an expression over wires that have one."""
        wires = self.wires
        value = expression.constant
        for index, factor in expression.terms.items():
            value += factor * wires[index]
        for (left, right), factor in expression.products.items():
            value += factor * wires[left] * wires[right]
        return value % MODULUS

    def signed(self, expression: Expression) -> int:
        """The value as the integer nearest to zero, so that the difference of two small numbers comes out as one expects."""
        value = self(expression)
        return value if value <= MODULUS // 2 else value - MODULUS


Rule = Callable[[Values], Sequence[int]]
"""How some wires follow from those before them; must give a value whatever those are, so that false witnesses can be made."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One opcode and the path of names that says what it is for."""

    name: str
    opcode: Opcode


@dataclass(frozen=True, slots=True)
class Step:
    """New wires, by name, and how they are computed; inputs have no rule."""

    wires: tuple[str, ...]
    rule: Rule | None


@dataclass(frozen=True, slots=True)
class Program:
    """What a builder built; immutable, and the same description gives the same bytes."""

    constraints: tuple[Constraint, ...]
    steps: tuple[Step, ...]
    """In the order of the wires' indices."""
    public: tuple[int, ...]
    """The public wires, ascending, which is the order of the public inputs."""

    @property
    def wires(self) -> tuple[str, ...]:
        """The wires' names by index."""
        return tuple(name for step in self.steps for name in step.wires)

    def bytecode(self) -> bytes:
        """The program for `bb`: one function, whose public wires are return values."""
        public = set(self.public)
        inputs = [index for index, name in enumerate(self._input_names()) if name is not None and index not in public]
        opcodes = [constraint.opcode.encode() for constraint in self.constraints]
        function = ["main", opcodes, inputs, [], list(self.public), []]
        return _MSGPACK + msgspec.msgpack.encode([[function], []])

    def compute(self, inputs: Mapping[str, int], lies: Mapping[str, int] | None = None) -> Values:
        """Computes every wire. Nothing is checked: `bb` proves false statements without complaint, and a verifier finds out.

        Args:
            inputs: A value for each input, by name.
            lies: Values that replace what a rule says, by the wire's name; all that is computed from them follows the lie.

        Raises:
            WrongInputs: An input is missing, or a name is none of an input.
            NoSuchName: A lie about a wire that does not exist.
        """
        expected = {name for step in self.steps if step.rule is None for name in step.wires}
        if expected != set(inputs):
            raise WrongInputs(f"inputs missing: {sorted(expected - set(inputs))}; unknown: {sorted(set(inputs) - expected)}")
        untold = dict(lies or {})
        values = Values()
        for step in self.steps:
            found = [inputs[name] for name in step.wires] if step.rule is None else step.rule(values)
            values.wires.extend(untold.pop(name, value) % MODULUS for name, value in zip(step.wires, found, strict=True))
        if untold:
            raise NoSuchName(min(untold))
        return values

    def witness(self, inputs: Mapping[str, int], lies: Mapping[str, int] | None = None) -> bytes:
        """The witness for `bb`, from `compute`."""
        return encode_witness(self.compute(inputs, lies))

    def without(self, *names: str) -> Program:
        """The same program with the constraints of these names left out; raises `NoSuchName` if there is none of that name."""
        for name in names:
            if all(constraint.name != name for constraint in self.constraints):
                raise NoSuchName(name)
        return replace(self, constraints=tuple(constraint for constraint in self.constraints if constraint.name not in names))

    def _input_names(self) -> list[str | None]:
        return [name if step.rule is None else None for step in self.steps for name in step.wires]


def encode_witness(values: Values) -> bytes:
    """All wires' values, by index, as `bb` reads them."""
    return _MSGPACK + msgspec.msgpack.encode([[[0, {index: field_bytes(value) for index, value in enumerate(values.wires)}]]])
