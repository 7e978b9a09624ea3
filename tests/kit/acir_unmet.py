"""Which constraints of a program some wires break, by name: judged in plain Python, without `bb`."""

from __future__ import annotations

from proofplane.barretenberg.acir.opcodes import Aggregation, And32, AssertZero, Opcode, Permutation, Range
from proofplane.barretenberg.acir.program import Program, Values
from proofplane.crypto import poseidon2


def unmet(program: Program, values: Values) -> set[str]:
    """Names of the broken constraints; proofs within the circuit are not looked at."""
    return {constraint.name for constraint in program.constraints if not _met(constraint.opcode, values)}


def _met(opcode: Opcode, values: Values) -> bool:
    match opcode:
        case AssertZero():
            return values(opcode.expression) == 0
        case Range():
            return values.wires[opcode.input] < 1 << opcode.bits
        case And32():
            left, right = values(opcode.left), values(opcode.right)
            return max(left, right) < 1 << 32 and values.wires[opcode.output] == left & right
        case Permutation():
            expected = poseidon2.permute([values(each) for each in opcode.inputs])
            return [values.wires[index] for index in opcode.outputs] == expected
        case Aggregation():
            return True
