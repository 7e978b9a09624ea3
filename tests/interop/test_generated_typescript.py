"""Generated TypeScript: whole contracts compile, and their runtime passes its own tests."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from kit.generated import BOTH, contract
from kit.typescript import PACKAGE, build, compile_project, require_node
from proofplane.codegen.generate import generate, language
from proofplane.codegen.language import Sides

NODE_TEST_SECONDS = 300
"""Bound on the runtime's own tests, which take two seconds."""


def test_the_runtime_passes_its_own_tests() -> None:
    node = require_node()
    build()
    command = [node, "--test", "build/test/"]
    done = subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True, timeout=NODE_TEST_SECONDS, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "sides",
    [
        BOTH,
        pytest.param(Sides(client=True, server=False), marks=pytest.mark.slow),
        pytest.param(Sides(client=False, server=True), marks=pytest.mark.slow),
    ],
    ids=["both", "client", "server"],
)
def test_whole_contracts_compile_with_both_sides_and_with_each_alone(sides: Sides, tmp_path: Path) -> None:
    require_node()
    build()
    modules = tmp_path / "node_modules"
    (modules / "@proofplane").mkdir(parents=True)
    (modules / "@proofplane" / "rpc").symlink_to(PACKAGE)
    for shared in (".bin", "@types"):
        (modules / shared).symlink_to(PACKAGE / "node_modules" / shared)
    for name in ("bb", "aztec_wsdb"):
        generate(contract(name), language("typescript"), sides, tmp_path / "generated")
    options = {**json.loads((PACKAGE / "tsconfig.json").read_text())["compilerOptions"], "rootDir": ".", "noEmit": True}
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "include": ["**/*.ts"]}))
    compile_project(tmp_path)
