"""The real, unmodified `bb` on genuine ceremony points, for tests of circuits: counts gates, makes keys, proves, verifies."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kit.bbjs import binary
from kit.echo_program import PATIENCE
from proofplane import rpc
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.generated.barretenberg import (
    CONTRACT,
    BarretenbergBlockingClient,
    CircuitInput,
    CircuitInputNoVk,
    CircuitProveResponse,
)
from proofplane.rpc.errors import CallFailed

_SETTINGS = Flavor.NOIR_RECURSIVE_NO_ZK.settings


@dataclass(frozen=True, slots=True)
class CircuitBb:
    """One running process; every circuit in the flavour of our steps."""

    client: BarretenbergBlockingClient

    def gates(self, bytecode: bytes) -> int:
        """`num_gates`; needs no points."""
        circuit = CircuitInput(name="test", bytecode=bytecode, verification_key=b"")
        return self.client.circuit_stats(circuit=circuit, include_gates_per_opcode=False, settings=_SETTINGS).num_gates

    def gates_by_opcode(self, bytecode: bytes) -> list[int]:
        """Gates of each opcode, in their order."""
        circuit = CircuitInput(name="test", bytecode=bytecode, verification_key=b"")
        return list(self.client.circuit_stats(circuit=circuit, include_gates_per_opcode=True, settings=_SETTINGS).gates_per_opcode)

    def key(self, bytecode: bytes) -> bytes:
        """The verification key."""
        return self.client.circuit_compute_vk(circuit=CircuitInputNoVk(name="test", bytecode=bytecode), settings=_SETTINGS).bytes

    def prove(self, bytecode: bytes, witness: bytes, key: bytes = b"") -> CircuitProveResponse:
        """A proof, whether or not the witness satisfies the circuit."""
        circuit = CircuitInput(name="test", bytecode=bytecode, verification_key=key)
        return self.client.circuit_prove(circuit=circuit, witness=witness, settings=_SETTINGS)

    def verifies(self, key: bytes, public_inputs: list[bytes], proof: list[bytes]) -> bool:
        """Whether the proof is valid; an error of `bb` is a no."""
        try:
            return self.client.circuit_verify(verification_key=key, public_inputs=public_inputs, proof=proof, settings=_SETTINGS).verified
        except CallFailed:
            return False

    def accepts(self, bytecode: bytes, witness: bytes, key: bytes = b"") -> bool:
        """Whether a proof from this witness verifies, for the public inputs that the witness has."""
        made = self.prove(bytecode, witness, key)
        return self.verifies(key or made.vk.bytes, made.public_inputs, made.proof)


@contextmanager
def circuit_bb(directory: Path, points: Path | None = None) -> Iterator[CircuitBb]:
    """Starts `bb` in `directory`; `points` is a file of ceremony points, without which only gates can be counted."""
    if points is not None:
        (directory / "bn254_g1.dat").symlink_to(points)
    address = str(directory / "bb.sock")
    command = [str(binary("bb")), "msgpack", "run", "--input", address]
    environment = {**os.environ, "CRS_PATH": str(directory), "HARDWARE_CONCURRENCY": "2"}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdin=quiet, stdout=quiet, stderr=quiet) as process:
        try:
            with rpc.connect_blocking(address, CONTRACT, child=process.pid) as client:
                yield CircuitBb(BarretenbergBlockingClient(client))
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
