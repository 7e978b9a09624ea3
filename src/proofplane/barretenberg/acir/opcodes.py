"""The opcodes that our circuits are made of, each in the form that goes into a program.

Wires are indices; an input of a black box is a wire or a constant. Every opcode refuses a witness that breaks it:

* `AssertZero`: the expression is 0.
* `Range`: the wire is 0 to 2^bits - 1.
* `And32`: `output` is the bitwise AND of both inputs, **and both inputs are 0 to 2^32 - 1**.
* `Permutation`: the outputs are the Poseidon2 permutation of the inputs.
* `Aggregation`: the proof is valid for the key and the public inputs, by Barretenberg's recursive verifier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proofplane.barretenberg.acir.expression import Expression
from proofplane.barretenberg.field import MODULUS


def field_bytes(value: int) -> bytes:
    """32 bytes, big-endian, of `value` reduced modulo r."""
    return (value % MODULUS).to_bytes(32, "big")


@dataclass(frozen=True, slots=True)
class AssertZero:
    """The expression is zero."""

    expression: Expression

    def encode(self) -> Mapping[str, Any]:
        """The opcode as msgpack takes it."""
        products = [[field_bytes(factor), left, right] for (left, right), factor in sorted(self.expression.products.items())]
        terms = [[field_bytes(factor), wire] for wire, factor in sorted(self.expression.terms.items())]
        return {"AssertZero": [products, terms, field_bytes(self.expression.constant)]}


@dataclass(frozen=True, slots=True)
class Range:
    """The wire `input` is a number of at most `bits` bits."""

    input: int
    bits: int

    def encode(self) -> Mapping[str, Any]:
        """The opcode as msgpack takes it."""
        return _black_box("RANGE", {"Witness": self.input}, self.bits)


@dataclass(frozen=True, slots=True)
class And32:
    """`output` is the bitwise AND of two numbers of 32 bits."""

    left: Expression
    right: Expression
    output: int

    def encode(self) -> Mapping[str, Any]:
        """The opcode as msgpack takes it."""
        return _black_box("AND", _input(self.left), _input(self.right), 32, self.output)


@dataclass(frozen=True, slots=True)
class Permutation:
    """`outputs` are the Poseidon2 permutation of `inputs`, four each."""

    inputs: tuple[Expression, ...]
    outputs: tuple[int, ...]

    def encode(self) -> Mapping[str, Any]:
        """The opcode as msgpack takes it."""
        return _black_box("Poseidon2Permutation", [_input(each) for each in self.inputs], list(self.outputs))


@dataclass(frozen=True, slots=True)
class Aggregation:
    """A proof that is verified inside the circuit."""

    key: tuple[Expression, ...]
    proof: tuple[Expression, ...]
    public_inputs: tuple[Expression, ...]
    key_hash: Expression
    kind: int

    def encode(self) -> Mapping[str, Any]:
        """The opcode as msgpack takes it."""
        lists = [[_input(each) for each in fields] for fields in (self.key, self.proof, self.public_inputs)]
        always = {"Constant": field_bytes(1)}
        return _black_box("RecursiveAggregation", *lists, _input(self.key_hash), self.kind, always)


Opcode = AssertZero | Range | And32 | Permutation | Aggregation


def _black_box(name: str, *arguments: object) -> Mapping[str, Any]:
    return {"BlackBoxFuncCall": {name: list(arguments)}}


def _input(expression: Expression) -> Mapping[str, Any]:
    if (known := expression.known) is not None:
        return {"Constant": field_bytes(known)}
    return {"Witness": expression.wire}
