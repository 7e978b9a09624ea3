"""Writes the step circuits' verification keys anew: `python -m proofplane.barretenberg.circuits.write_keys`, after a circuit was changed.

It takes the pinned `bb` and 2^15 ceremony points (`proofplane bb setup`). New keys make all earlier step proofs invalid, so it is a new
version of the statement: the predicate of every instance that uses the circuits changes with them.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from proofplane.barretenberg.binary import find_binary
from proofplane.barretenberg.circuits.header_step import StepCircuit
from proofplane.barretenberg.crs import find_crs
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.generated.barretenberg import CircuitComputeVk, CircuitInputNoVk
from proofplane.barretenberg.one_shot import ask

_TIMEOUT = 120.0
"""Seconds; half a second on an idle machine."""


def main(folder: Path = Path(__file__).parent / "keys") -> None:
    """Writes the files and prints their checksums, by which a predicate names the keys."""
    binary, crs = find_binary(), find_crs()
    for circuit in StepCircuit:
        described = CircuitInputNoVk(name=circuit.name.lower(), bytecode=circuit.circuit())
        request = CircuitComputeVk(circuit=described, settings=Flavor.NOIR_RECURSIVE_NO_ZK.settings)
        key = ask(binary.path, request, crs.directory, _TIMEOUT).bytes
        (folder / f"{circuit.name.lower()}.vk").write_bytes(key)
        sys.stdout.write(f"{circuit.name.lower()} {hashlib.sha256(key).hexdigest()}\n")


if __name__ == "__main__":
    main()
