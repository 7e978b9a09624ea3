"""The builder: one description of a circuit gives both its constraints and the computation of its witness.

Rules of the description:

1. A wire is an input, a public output or comes with a rule how it is computed from wires before it. A rule constrains nothing.
2. Only `assert_zero`, `range`, `and32`, `permute` and `verify_proof`, and what is made of them, constrain.
3. Every wire and every constraint has a name, the path of the parts that it stands in, which no other has:
   a test can lie about any wire and leave out any constraint by its name.
4. A constraint uses the last wire: `bb` refuses a witness that is longer than what the opcodes speak of.

Cost in gates: an assertion of up to four wires with one product is one gate; `bb` splits wider ones, so say what is meant and measure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from proofplane.barretenberg.acir import expression
from proofplane.barretenberg.acir.errors import NameTaken, NotExpressible
from proofplane.barretenberg.acir.expression import Expression
from proofplane.barretenberg.acir.opcodes import Aggregation, And32, AssertZero, Opcode, Permutation, Range
from proofplane.barretenberg.acir.program import Constraint, Program, Rule, Step, Values
from proofplane.crypto import poseidon2

_MASK_32 = 2**32 - 1


class Builder:
    """Collects the description; `program()` ends it."""

    def __init__(self) -> None:
        self._path: tuple[str, ...] = ()
        self._constraints: list[Constraint] = []
        self._steps: list[Step] = []
        self._public: list[int] = []
        self._wires = 0
        self._taken: set[str] = set()
        self._asserted: set[str] = set()

    @contextmanager
    def part(self, name: str | int) -> Iterator[None]:
        """Puts `name` before the names of all that is described inside."""
        before = self._path
        self._path = (*before, str(name))
        try:
            yield
        finally:
            self._path = before

    def input(self, name: str) -> Expression:
        """A private wire whose value is given; nothing is known about it."""
        return self._new((name,), None)[0]

    def inputs(self, name: str, count: int) -> list[Expression]:
        """Private wires `name/0`, `name/1` and so on."""
        return self._new(tuple(f"{name}/{index}" for index in range(count)), None)

    def hint(self, name: str, rule: Callable[[Values], int]) -> Expression:
        """A private wire that honest provers compute by `rule`; nothing is known about it until a constraint says so."""
        return self._new((name,), lambda values: (rule(values),))[0]

    def define(self, name: str, value: Expression) -> Expression:
        """A wire that equals `value`; `value` itself if it is a wire or a constant already."""
        if value.wire is not None or value.known is not None:
            return value
        wire = self.hint(name, lambda values: values(value))
        self.assert_equal(name, wire, value)
        return wire

    def fixed(self, name: str, value: int) -> Expression:
        """A wire that is always `value`, for opcodes that take no constants."""
        wire = self.hint(name, lambda _: value)
        self.assert_equal(name, wire, value)
        return wire

    def publish(self, name: str, value: Expression) -> None:
        """The next public input: a new wire that equals `value`."""
        wire = self.hint(name, lambda values: values(value))
        assert wire.wire is not None
        self._public.append(wire.wire)
        self.assert_equal(name, wire, value)

    def assert_zero(self, name: str, value: Expression) -> None:
        """`value` is 0 modulo r.

        Raises:
            NotExpressible: It is a constant other than zero, which no witness could meet, or has a square and does not fit one gate:
                `bb` 5.0.0 enforces another equation then (define the square first).
        """
        if value.known is not None:
            if value.known:
                raise NotExpressible(f"{self._named(name)}: the constant {value.known} is not zero")
            return
        if value.squares and not value.narrow:
            raise NotExpressible(f"{self._named(name)}: a square in an expression wider than one gate; define the square by itself first")
        self._constrain(name, AssertZero(value))

    def assert_equal(self, name: str, left: Expression, right: Expression | int) -> None:
        """Both are equal modulo r."""
        self.assert_zero(name, left - right)

    def range(self, name: str, wire: Expression, bits: int) -> None:
        """`wire` is 0 to 2^bits - 1. 1.25 gates, one for a single bit.

        `bb` also keeps a list of all numbers of each width in use, about 2^bits / 6 gates: keep to 11 bits and cut wider ones into chunks.
        """
        self._constrain(name, Range(self._index(name, wire), bits))

    def and32(self, name: str, left: Expression, right: Expression) -> Expression:
        """The bitwise AND of two wires or constants, **both held to 32 bits**; of two constants, a constant. 6 gates."""
        if left.known is not None and right.known is not None:
            return expression.constant(left.known & right.known)
        for operand in (left, right):
            if operand.known is None:
                self._index(name, operand)
        output = self.hint(name, lambda values: values(left) & values(right) & _MASK_32)
        self._constrain(name, And32(left, right, self._index(name, output)))
        return output

    def permute(self, name: str, state: Sequence[Expression]) -> list[Expression]:
        """The Poseidon2 permutation of four wires; `bb` takes no constants here. 73 gates."""
        inputs = tuple(state)
        for operand in inputs:
            self._index(name, operand)
        names = tuple(f"{name}/{place}" for place in range(poseidon2.WIDTH))
        outputs = self._new(names, lambda values: poseidon2.permute([values(each) for each in inputs]))
        self._constrain(name, Permutation(inputs, tuple(self._index(name, output) for output in outputs)))
        return outputs

    def verify_proof(
        self,
        name: str,
        *,
        key: Sequence[Expression],
        proof: Sequence[Expression],
        public_inputs: Sequence[Expression],
        key_hash: Expression,
        kind: int,
    ) -> None:
        """The inner proof is valid.

        Args:
            name: Of the constraint.
            key: Fields of the verification key: 115 for UltraHonk.
            proof: Fields of the proof, without the public inputs.
            public_inputs: Of the inner circuit.
            key_hash: Poseidon2 hash of `key`.
            kind: Barretenberg's number of the proof's type: 0 UltraHonk, 6 with zero knowledge.
        """
        for field in (*key, *proof, *public_inputs, key_hash):
            if field.known is None:
                self._index(name, field)
        self._constrain(name, Aggregation(tuple(key), tuple(proof), tuple(public_inputs), key_hash, kind))

    def program(self) -> Program:
        """What was described so far."""
        return Program(tuple(self._constraints), tuple(self._steps), tuple(self._public))

    def _new(self, names: Sequence[str], rule: Rule | None) -> list[Expression]:
        full = tuple(self._named(name) for name in names)
        for name in full:
            if name in self._taken:
                raise NameTaken(name)
            self._taken.add(name)
        first = self._wires
        self._wires += len(full)
        self._steps.append(Step(full, rule))
        return [expression.wire(index) for index in range(first, self._wires)]

    def _constrain(self, name: str, opcode: Opcode) -> None:
        full = self._named(name)
        if full in self._asserted:
            raise NameTaken(full)
        self._asserted.add(full)
        self._constraints.append(Constraint(full, opcode))

    def _index(self, name: str, operand: Expression) -> int:
        index = operand.wire
        if index is None:
            raise NotExpressible(f"{self._named(name)}: the opcode takes a wire here; define one for the expression first")
        return index

    def _named(self, name: str) -> str:
        return "/".join((*self._path, name))
