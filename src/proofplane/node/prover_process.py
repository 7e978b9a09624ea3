"""The prover's child process: the anchor's programs behind the native prover's frames.

Started as `python -m proofplane.node.prover_process KEYFILE...`; it holds no state but the keys and ends with its standard input.
"""

from __future__ import annotations

import sys
from pathlib import Path

from proofplane.anchor.programs import RECURSIVE_PROGRAM_ID, STEP_PROGRAM_ID, run_recursive, run_step
from proofplane.base.errors import ProofplaneError
from proofplane.crypto.keyfile import load_key
from proofplane.proving.native.keyring import Keyring
from proofplane.proving.native.worker import serve


def command(key_files: tuple[Path, ...]) -> tuple[str, ...]:
    """The command line that starts one child with these key files; `-P` keeps modules of the working directory out of it."""
    return (sys.executable, "-P", "-m", __spec__.name, *(str(file) for file in key_files))


def main(arguments: list[str]) -> None:
    """Serves jobs until standard input ends; ends with one line if a key file cannot be used."""
    try:
        keyring = Keyring([load_key(Path(file)) for file in arguments])
    except ProofplaneError as error:
        sys.exit(f"prover process: {error}")
    serve({STEP_PROGRAM_ID: run_step, RECURSIVE_PROGRAM_ID: run_recursive}, keyring)


if __name__ == "__main__":
    main(sys.argv[1:])
