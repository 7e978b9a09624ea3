"""Makes `src/proofplane/barretenberg/data/known_good.bin` anew: the pinned binary and the genuine points are found as always.

The file is what `proofplane.barretenberg.known_good` reads: key, public input and proof of `bb_circuits.fourth_power` for x = 7, joined.
Proofs of this flavour hide nothing and contain no randomness, so the same binary and points give the same file.
"""

from __future__ import annotations

from pathlib import Path

from kit.bb_circuits import fourth_power, witness
from kit.generated import ROOT
from proofplane.barretenberg.binary import find_binary
from proofplane.barretenberg.crs import find_crs
from proofplane.barretenberg.generated.barretenberg import CircuitComputeVk, CircuitInput, CircuitInputNoVk, CircuitProve
from proofplane.barretenberg.known_good import FLAVOR
from proofplane.barretenberg.one_shot import ask

PLACE = ROOT / "src" / "proofplane" / "barretenberg" / "data" / "known_good.bin"

SECONDS = 60.0


def made(bb: Path, crs: Path) -> bytes:
    """The file's content."""
    circuit = fourth_power(FLAVOR)
    key = ask(bb, CircuitComputeVk(CircuitInputNoVk(circuit.name, circuit.bytecode), FLAVOR.settings), crs, SECONDS).bytes
    answer = ask(bb, CircuitProve(CircuitInput(circuit.name, circuit.bytecode, key), witness(7), FLAVOR.settings), crs, SECONDS)
    return b"".join([key, *answer.public_inputs, *answer.proof])


if __name__ == "__main__":
    PLACE.write_bytes(made(find_binary().path, find_crs().directory))
    print(PLACE.relative_to(ROOT))
