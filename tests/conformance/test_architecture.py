"""The layout tells the architecture: what linters do not hold is held here."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_SOURCE = _ROOT / "src" / "proofplane"
_LAYERS = [
    "cli",
    "node",
    "chain | anchor | proving | (worldstate)",
    "barretenberg",
    "pool",
    "rpc",
    "codegen",
    "lean | bitcoin | service | storage | wire",
    "crypto",
    "base",
    "(_native)",
]
"""The layers of the design, top down; in parentheses packages that are not there yet, and the extension: no linter can read its imports."""

_NATIVE_USERS = {"crypto", "rpc", "__init__.py"}
"""Kernels, rings and the reactor; and the project's version, which the package itself gives."""
_PURE = {"bitcoin", "lean", "wire"}
_IMPURE_MODULES = {"asyncio", "datetime", "os", "pathlib", "random", "secrets", "socket", "sqlite3", "subprocess", "threading", "time"}
_MOST_LINES = 400

_FILES = sorted(_SOURCE.rglob("*.py"))


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def _package(path: Path) -> str:
    return path.relative_to(_SOURCE).parts[0]


def test_the_import_contract_is_the_designs_list_of_layers() -> None:
    settings = tomllib.loads((_ROOT / "pyproject.toml").read_text())
    (contract,) = settings["tool"]["importlinter"]["contracts"]

    assert contract["layers"] == _LAYERS
    assert contract["exhaustive"]


def test_only_crypto_and_rpc_use_the_native_extension() -> None:
    users = {_package(path) for path in _FILES if any(name.startswith("proofplane._native") for name in _imports(path))}

    assert users <= _NATIVE_USERS


def test_pure_packages_import_nothing_that_acts() -> None:
    acting = {
        str(path.relative_to(_SOURCE)): found for path in _FILES if _package(path) in _PURE and (found := _imports(path) & _IMPURE_MODULES)
    }

    assert acting == {}


@pytest.mark.parametrize("path", _FILES, ids=lambda path: str(path.relative_to(_SOURCE)))
def test_a_file_says_what_it_is_for_and_fits_in_the_head(path: Path) -> None:
    text = path.read_text()
    purpose = ast.get_docstring(ast.parse(text))

    assert purpose, "the first line says in one sentence what the file is for"
    assert len(text.splitlines()) <= _MOST_LINES or path.parent.name == "generated"
    assert "TYPE_CHECKING" not in text


def test_verifying_a_chain_imports_nothing_of_proving() -> None:

    code = (
        "import sys, proofplane.cli.commands.verify_chain; print(*(name for name in sys.modules if name.startswith('proofplane.proving')))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == ""
