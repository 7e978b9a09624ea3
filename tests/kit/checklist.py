"""Finds which test covers which statement of the checklist and which upstream defect, by reading the tests' source.

`python tests/kit/checklist.py` prints the table that docs/design/proving.md holds.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
STATEMENTS = range(1, 81)
NOT_APPLICABLE = dict.fromkeys((71, 72, 73, 74), "the RPC methods come with a later capability")
DEFECTS = "abcdefghijklm"


def covered() -> dict[int, list[str]]:
    """Statement -> tests marked with `checklist(number)`, as `path::name`, sorted."""
    found: dict[int, list[str]] = {number: [] for number in STATEMENTS}
    for place, test in _tests():
        for number in sorted({number for mark in test.decorator_list for number in _numbers(mark)}):
            found[number].append(place)
    return {number: sorted(places) for number, places in found.items()}


def defects() -> dict[str, list[str]]:
    """Letter of the upstream defect -> tests named after it."""
    found: dict[str, list[str]] = {letter: [] for letter in DEFECTS}
    for place, test in _tests():
        for letter in DEFECTS:
            if test.name.startswith(f"test_defect_{letter}_"):
                found[letter].append(place)
    return found


def table() -> str:
    """The table in Markdown: the first test of each statement, and how many more there are."""
    lines = ["| statement | test |", "| --- | --- |"]
    for number, places in covered().items():
        text = f"not applicable: {NOT_APPLICABLE[number]}" if number in NOT_APPLICABLE else _short(places)
        lines.append(f"| {number} | {text} |")
    lines += ["", "| defect | test |", "| --- | --- |"]
    lines += [f"| {letter} | {_short(places)} |" for letter, places in defects().items()]
    return "\n".join(lines) + "\n"


def _short(places: list[str]) -> str:
    if not places:
        return "**none**"
    more = f" and {len(places) - 1} more" if len(places) > 1 else ""
    return f"`{places[0]}`{more}"


def _tests() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path in sorted(TESTS.rglob("test_*.py")):
        if "node_modules" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield f"{path.relative_to(TESTS)}::{node.name}", node


def _numbers(mark: ast.expr) -> list[int]:
    if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "checklist":
        return [argument.value for argument in mark.args if isinstance(argument, ast.Constant) and isinstance(argument.value, int)]
    return []


if __name__ == "__main__":
    print(table(), end="")
