"""The example that verifies a proof of the real `bb`, run as a user runs it on files as `bb`'s command line writes them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from kit import bb_cache
from kit.tampered import GOOD, bit_of, flipped
from proofplane.barretenberg.keys import VerificationKey

EXAMPLE = Path(__file__).parents[2] / "examples" / "verify_noir_proof.py"


def run(folder: Path, proof: bytes) -> subprocess.CompletedProcess[str]:
    files = {"proof": proof, "vk": GOOD.key, "public_inputs": GOOD.inputs}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return subprocess.run(
        [sys.executable, EXAMPLE, *(folder / name for name in files), GOOD.flavor.value],
        env={**os.environ, **bb_cache.environment()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_proof_is_verified_and_what_was_verified_is_printed(tmp_path: Path) -> None:
    done = run(tmp_path, GOOD.proof)
    said = f"verified under the key {VerificationKey(GOOD.key).sha256.hex()}\npublic inputs: 2401\n"
    assert (done.stdout, done.stderr, done.returncode) == (said, "", 0)


def test_a_tampered_proof_is_refused_in_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, flipped(GOOD.proof, bit_of(200, 3)))
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.startswith("refused: ")
    assert len(done.stderr.splitlines()) == 1
