"""The wire has rules only: no module of it imports what could wait, read a clock or touch the system."""

from __future__ import annotations

import ast
from pathlib import Path

import proofplane.wire

FORBIDDEN = {
    "asyncio",
    "io",
    "multiprocessing",
    "os",
    "pathlib",
    "select",
    "selectors",
    "shutil",
    "socket",
    "subprocess",
    "threading",
    "time",
    "uvloop",
}


def imports(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).partition(".")[0])
    return found


def test_no_module_of_the_wire_imports_effects() -> None:
    files = sorted(Path(str(proofplane.wire.__file__)).parent.rglob("*.py"))
    assert len(files) > 10
    assert {file.name: imports(file) & FORBIDDEN for file in files if imports(file) & FORBIDDEN} == {}
