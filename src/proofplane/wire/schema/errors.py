"""What is wrong with a contract: every problem with its place, all reported together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proofplane.base.errors import CallerMistake


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct."""

    place: str
    """Where, by keys: `commands.EchoBytes.request.data`; empty for the whole contract."""
    text: str
    """What is wrong and what to do."""
    line: int | None = None
    """Line of the contract's text, from 1; None if it was not read from a text."""

    def __str__(self) -> str:
        line = "" if self.line is None else f"line {self.line}: "
        return f"{line}{self.place or 'contract'}: {self.text}"


class ContractError(CallerMistake):
    """A contract that cannot be used as it is; `problems` names all that is to be corrected, in the order of the text."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """The message has a line for each problem."""
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line or 0))
        super().__init__("\n".join(map(str, self.problems)))
