"""The prover's child process: the anchor's programs behind the native prover's frames.

A recursive proof over a step that a circuit proved verifies that proof with a `bb` of this process, started with the first of them.

Started as `python -m proofplane.node.prover_process KEYFILE...`; it holds no state but the keys and ends with its standard input.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from proofplane.anchor.programs import RECURSIVE_PROGRAM_ID, STEP_PROGRAM_ID, run_recursive, run_step
from proofplane.base.errors import ProofplaneError
from proofplane.crypto.keyfile import load_key
from proofplane.node.checks import Checks
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
    # Never closed: the process does not leave `serve`, and a `bb` that it has started ends with it.
    recursive = partial(run_recursive, check=Checks().check)
    serve({STEP_PROGRAM_ID: run_step, RECURSIVE_PROGRAM_ID: recursive}, keyring)


if __name__ == "__main__":
    main(sys.argv[1:])
