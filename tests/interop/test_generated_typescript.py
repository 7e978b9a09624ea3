"""Generated TypeScript: whole contracts compile, its runtime passes its own tests, and it talks to itself and to Python."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kit.generated import BOTH, ROOT, contract
from kit.typescript import ADDON, ECHO, PACKAGE, build, compile_project, require_node
from proofplane.codegen.generate import generate, language
from proofplane.codegen.language import Sides

CALL_SECONDS = 60
"""Bound on one echo script, which takes a fifth of a second."""

NODE_TEST_SECONDS = 300
"""Bound on the runtime's own tests, which take two seconds."""

PYTHON_ECHO = (sys.executable, str(ROOT / "examples" / "echo.py"))


@pytest.fixture(scope="session")
def typescript_echo() -> tuple[str, str]:
    """The built echo program."""
    node = require_node()
    build()
    return node, str(ECHO)


@contextmanager
def served(program: tuple[str, str], address: str) -> Iterator[None]:
    """Serves echo for the time of a block; afterwards the server must have ended well."""
    with subprocess.Popen([*program, "serve", address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield
            process.stdin.close()
            assert process.wait(CALL_SECONDS) == 0
        finally:
            process.kill()


def call(program: tuple[str, str], address: str, mode: str) -> list[str]:
    """Runs the script of calls; returns what it printed."""
    done = subprocess.run([*program, "call", address, mode], capture_output=True, text=True, timeout=CALL_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


ORDERS = {"plain": "order: 1 2 3 4", "ids": "order: 4 3 2 1"}


def check_cell(server: tuple[str, str], client: tuple[str, str], address: str) -> None:
    """One pair of languages over one transport, plain and with ids."""
    with served(server, address):
        for mode, order in ORDERS.items():
            assert call(client, address, mode) == [order, "ok"]


def test_the_runtime_passes_its_own_tests(typescript_echo: tuple[str, str]) -> None:
    compile_project(PACKAGE / "test" / "tsconfig.json")
    command = [typescript_echo[0], "--test", "build/test/"]
    done = subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True, timeout=NODE_TEST_SECONDS, check=False)
    assert done.returncode == 0, done.stdout


def test_whole_contracts_compile_with_both_sides_and_with_each_alone(typescript_echo: tuple[str, str], tmp_path: Path) -> None:
    modules = tmp_path / "node_modules"
    (modules / "@proofplane").mkdir(parents=True)
    (modules / "@proofplane" / "rpc").symlink_to(PACKAGE)
    for shared in (".bin", "@types"):
        (modules / shared).symlink_to(PACKAGE / "node_modules" / shared)
    for folder, sides in (("both", BOTH), ("client", Sides(client=True, server=False)), ("server", Sides(client=False, server=True))):
        for name in ("bb", "aztec_wsdb"):
            generate(contract(name), language("typescript"), sides, tmp_path / folder)
    options = {**json.loads((PACKAGE / "tsconfig.json").read_text())["compilerOptions"], "rootDir": ".", "noEmit": True}
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "include": ["**/*.ts"]}))
    compile_project(tmp_path)


@pytest.mark.parametrize("language_", ["typescript", "python"])
def test_golden_frames_come_out_as_they_must(typescript_echo: tuple[str, str], language_: str) -> None:
    program = typescript_echo if language_ == "typescript" else PYTHON_ECHO
    frames = [
        (json.loads(line), kind)
        for kind in ("echo", "echo.lenient", "echo.refused")
        for line in (ROOT / "schema" / "golden" / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    asked = "".join(f"{frame['kind']} {frame['hex']}\n" for frame, _ in frames)
    done = subprocess.run([*program, "golden"], input=asked, capture_output=True, text=True, timeout=CALL_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    wrong = []
    for (frame, kind), answer in zip(frames, done.stdout.splitlines(), strict=True):
        refused = answer.startswith("error ")
        right = refused if kind == "echo.refused" else answer == frame.get("canonical", frame["hex"])
        if not right:
            wrong.append((frame["name"], answer[:200]))
    assert wrong == []
    assert len(frames) >= 40


def test_typescript_talks_to_itself(typescript_echo: tuple[str, str], tmp_path: Path) -> None:
    check_cell(typescript_echo, typescript_echo, str(tmp_path / "echo.sock"))


def test_python_calls_typescript(typescript_echo: tuple[str, str], tmp_path: Path) -> None:
    check_cell(typescript_echo, PYTHON_ECHO, str(tmp_path / "echo.sock"))


def test_typescript_calls_python(typescript_echo: tuple[str, str], tmp_path: Path) -> None:
    check_cell(PYTHON_ECHO, typescript_echo, str(tmp_path / "echo.sock"))


@pytest.mark.parametrize(("server", "client"), [("typescript", "typescript"), ("typescript", "python"), ("python", "typescript")])
def test_the_same_over_shared_memory(typescript_echo: tuple[str, str], tmp_path: Path, server: str, client: str) -> None:
    if not ADDON.exists():
        pytest.skip("the addon is not built: run `npm run build:native` in bindings/typescript")
    programs = {"typescript": typescript_echo, "python": PYTHON_ECHO}
    name = f"echo-{abs(hash(str(tmp_path))):x}"
    check_cell(programs[server], programs[client], f"{name}.shm")
    assert list(Path("/dev/shm").glob(f"{name}*")) == []
