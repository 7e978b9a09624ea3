"""What the builder of programs refuses: each is a mistake in the description of a circuit or in the values handed to it."""

from __future__ import annotations

from proofplane.base.errors import CallerMistake


class NotExpressible(CallerMistake):
    """A term of a degree that no constraint can hold, or an operand of a kind that its opcode does not take: name it by a wire first."""


class NameTaken(CallerMistake):
    """Two wires or two constraints of one program with the same name: open a part of its own for each."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"there is a wire or a constraint named {self.name!r} already"


class NoSuchName(CallerMistake):
    """A name that no wire, input or constraint of the program has."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"the program has nothing named {self.name!r}"


class WrongInputs(CallerMistake):
    """The values given are not exactly one for each input of the program."""
