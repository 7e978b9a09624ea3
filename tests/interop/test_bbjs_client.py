"""The raw TypeScript client of `@aztec/bb.js` calls a Python server of ours that stands where `bb` stands."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kit.generated import BOTH, contract
from proofplane.codegen.generate import generate, language

PLACE = Path(__file__).parent / "bbjs"
SERVER = Path(__file__).parents[1] / "kit" / "bb_server.py"
SECONDS = 60
"""Bound on the whole conversation, which takes two."""


def test_the_vendors_client_is_answered_as_by_bb(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or not (PLACE / "node_modules" / "@aztec" / "bb.js").is_dir():
        pytest.skip("@aztec/bb.js is not installed: run `npm ci --ignore-scripts` in tests/interop/bbjs")
    generate(contract("bb"), language("python"), BOTH, tmp_path)
    binary = tmp_path / "bb"
    binary.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, str(SERVER), str(tmp_path)])} "$@"\n')
    binary.chmod(0o755)
    done = subprocess.run([node, "calls.mjs", str(binary)], cwd=PLACE, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert "Expected `bytes` of length >= 32" in answers.pop("short")
    assert answers == {
        "hashes": [hashlib.blake2s(bytes([size]) * size).hexdigest() for size in range(64)],
        "sum": ["02" * 32, "01" * 32],
        "permuted": [f"{byte:02x}" * 32 for byte in (3, 2, 1, 0)],
        "gates": [1 << 20, 1 << 20, [1, 2, 3]],
        "failed": "no luck with 1 bytes",
        "unserved": "PedersenHash is not served here",
    }
