"""The smallest stack of circuits that Chonk folds: an application, its first kernel, the tail and the hiding kernel.

A value and its successor go from the application through the kernels on the databus and come out as the proof's public outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.acir.expression import Expression
from proofplane.barretenberg.acir.program import Constraint, Program
from proofplane.barretenberg.field import elements
from proofplane.barretenberg.generated.barretenberg import CircuitInput

KERNEL = 0
"""The databus column in which a kernel finds what the kernel before it returned."""
APPLICATION = 1
"""The one for what an application returned."""

OINK, TAIL, FINAL = 1, 8, 7
"""Barretenberg's numbers of what a kernel verifies: the stack's first proof, the tail kernel's input, the hiding kernel's."""

HIDING = "hiding"
"""The last circuit, whose key is the proof's."""

_KEY_FIELDS = 163
"""Field elements of the key of every circuit that a kernel verifies."""

_WORDS = 2
"""Words handed on, and public in the end: with two of them a proof has 1,272 fields."""


@dataclass(frozen=True, slots=True)
class Bus:
    """Declares words of the databus: returned by this circuit, or taken from the column of this number."""

    words: tuple[int, ...]
    block: int
    column: int | None

    def encode(self) -> Mapping[str, Any]:
        """The opcode as msgpack takes it."""
        return {"MemoryInit": [self.block, list(self.words), "ReturnData" if self.column is None else {"CallData": self.column}]}


@dataclass(frozen=True, slots=True)
class Layer:
    """One circuit of the stack with its key."""

    name: str
    program: Program
    key: bytes
    """Field elements, 32 bytes each."""
    hash: bytes
    """Poseidon2 hash of the key's elements."""

    @property
    def circuit(self) -> CircuitInput:
        """As `bb` takes it."""
        return CircuitInput(name=self.name, bytecode=self.program.bytecode(), verification_key=self.key)

    def witness(self, value: int, before: Layer | None) -> bytes:
        """The witness for a stack that hands on `value`; `before` is the circuit that this one verifies."""
        inputs = {f"word/{index}": value + index for index in range(_WORDS)}
        if before is not None:
            inputs |= {f"key/{index}": int(field) for index, field in enumerate(elements(before.key))}
            inputs["key hash"] = int.from_bytes(before.hash, "big")
        return self.program.witness(inputs)


def programs() -> dict[str, Program]:
    """The circuits by name, in their order."""
    return {
        "app": application(),
        "init": kernel(OINK, APPLICATION),
        "tail": kernel(TAIL, KERNEL),
        HIDING: kernel(FINAL, KERNEL, hiding=True),
    }


def application() -> Program:
    """Returns its words, which follow one another."""
    builder = Builder()
    words = builder.inputs("word", _WORDS)
    for index in range(1, _WORDS):
        builder.assert_equal(f"next/{index}", words[index], words[index - 1] + 1)
    return _with_bus(builder, (words, None))


def kernel(kind: int, column: int, *, hiding: bool = False) -> Program:
    """Verifies the circuit before it and hands its words on; the hiding kernel makes them public."""
    builder = Builder()
    words = builder.inputs("word", _WORDS)
    key = builder.inputs("key", _KEY_FIELDS)
    builder.verify_proof("before", key=key, proof=(), public_inputs=(), key_hash=builder.input("key hash"), kind=kind)
    if hiding:
        for index, word in enumerate(words):
            builder.publish(f"output/{index}", word)
        return _with_bus(builder, (words, column))
    return _with_bus(builder, (words, None), (words, column))


def _with_bus(builder: Builder, *columns: tuple[list[Expression], int | None]) -> Program:
    program = builder.program()
    opcodes = [
        Constraint(f"bus/{block}", Bus(tuple(word.wire for word in words), block, column)) for block, (words, column) in enumerate(columns)
    ]
    return replace(program, constraints=(*program.constraints, *opcodes))
