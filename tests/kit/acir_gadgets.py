"""Small circuits around one gadget, judged by the checker: what holds, which constraints a lie breaks, what comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kit.acir_check import Checker
from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.field import MODULUS


class Gadget:
    """A circuit that was described by a function, and its judge."""

    def __init__(self, describe: Callable[[Builder], None]) -> None:
        b = Builder()
        describe(b)
        self.program = b.program()
        self._checker = Checker(self.program.bytecode())

    def broken(self, inputs: Mapping[str, int], lies: Mapping[str, int] | None = None) -> set[str]:
        """Names of the constraints that do not hold for what the generator makes of these inputs and lies."""
        values = self.program.compute(inputs, lies)
        return {self.program.constraints[index].name for index in self._checker.broken(values.wires)}

    def published(self, inputs: Mapping[str, int], lies: Mapping[str, int] | None = None) -> list[int]:
        """The public outputs, signed: as the integers nearest to zero."""
        wires = self.program.compute(inputs, lies).wires
        return [wires[index] if wires[index] <= MODULUS // 2 else wires[index] - MODULUS for index in self.program.public]
