"""The proofs that are verified: made once with the genuine points, and kept as the tests keep theirs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from bare import Program, Question, bare, question
from setting import FIRST_HEIGHT, Setting

from kit.bb_circuits import fourth_power, witness
from kit.kept import kept
from proofplane.anchor.headers_file import HeadersFile
from proofplane.barretenberg.circuit import Circuit
from proofplane.barretenberg.circuits import header_step
from proofplane.barretenberg.circuits.header_step import StepCircuit, circuit_for
from proofplane.barretenberg.field import Fr
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.generated.barretenberg import CircuitInput, CircuitProve, CircuitProveResponse, CircuitVerify
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.proofs import UltraHonkProof
from proofplane.base.ids import Height
from proofplane.bitcoin.header import Header
from proofplane.bitcoin.networks import Network
from proofplane.bitcoin.rules import HeaderState, anchor_state
from proofplane.node.header_check import FLAVOR, step_keys

BEFORE = {StepCircuit.PLAIN: 45_000, StepCircuit.RETARGET: 46_366}
"""Heights whose next block's step is the circuit's."""


@dataclass(frozen=True, slots=True)
class Verifiable:
    """A proof with what it takes to verify it, as the library takes it, and as bytes for `bb`."""

    key: VerificationKey
    inputs: tuple[Fr, ...]
    proof: UltraHonkProof
    flavor: Flavor

    def question(self) -> Question:
        """The request, packed, and that it must hold."""
        request = CircuitVerify(self.key.raw, list(self.inputs), list(self.proof.parts), self.flavor.settings)
        return question(request, {"verified": True})


@dataclass(frozen=True, slots=True)
class Step:
    """A real header's step, to prove."""

    before: HeaderState
    header: Header
    circuit: Circuit
    key: VerificationKey

    def witness(self) -> bytes:
        """Computed anew."""
        return header_step.witness(self.before, self.header)

    def request(self) -> CircuitProve:
        """What `bb` is asked."""
        given = CircuitInput(self.circuit.name, self.circuit.bytecode, self.key.raw)
        return CircuitProve(given, self.witness(), self.circuit.flavor.settings)


def step(setting: Setting, which: StepCircuit) -> Step:
    """The step of the block after `BEFORE`."""
    with HeadersFile(setting.headers, Network.MAINNET, Height(FIRST_HEIGHT)) as file:
        point = file.anchor(Height(BEFORE[which]))
        header = file.header(Height(BEFORE[which] + 1))
    before = anchor_state(Network.MAINNET, point.block, point.next_bits, point.epoch_start)
    if circuit_for(before) is not which:
        raise SystemExit(f"the block after {BEFORE[which]} is not for the circuit {which.name}")
    return Step(before, header, Circuit("header step", which.circuit(), FLAVOR), step_keys()[which])


def step_proof(setting: Setting) -> Verifiable:
    """The proof of a plain step: 2^15 rows, no zero knowledge, 410 field elements."""
    made = step(setting, StepCircuit.PLAIN)
    (proved,) = _proofs(f"header-step-{BEFORE[StepCircuit.PLAIN]}", setting, made.circuit, made.key, lambda: [made.witness()])
    return proved


def distinct_proofs(setting: Setting, number: int) -> list[Verifiable]:
    """As many proofs of the smallest circuit, each for another statement; 40 ms each the first time."""
    circuit = fourth_power(FLAVOR)
    return _proofs(f"fourth-powers-{number}", setting, circuit, None, lambda: [witness(x) for x in range(2, number + 2)])


def _proofs(name: str, setting: Setting, circuit: Circuit, key: VerificationKey | None, witnesses: Any) -> list[Verifiable]:
    contents = (setting.binary.sha256, circuit.bytecode, b"" if key is None else key.raw)
    folder = kept(f"bench-{name}", contents, lambda place: _prove(setting.prover(), circuit, key, witnesses(), place))
    found = [
        msgspec.msgpack.decode((folder / str(number)).read_bytes(), type=CircuitProveResponse) for number in range(len(list(folder.iterdir())))
    ]
    return [
        Verifiable(VerificationKey(one.vk.bytes), tuple(map(Fr, one.public_inputs)), UltraHonkProof.of(one.proof), circuit.flavor) for one in found
    ]


def _prove(program: Program, circuit: Circuit, key: VerificationKey | None, witnesses: list[bytes], place: Path) -> None:
    given = CircuitInput(circuit.name, circuit.bytecode, b"" if key is None else key.raw)
    with bare(program) as (bb,):
        for number, values in enumerate(witnesses):
            reply = bb.ask(question(CircuitProve(given, values, circuit.flavor.settings)))
            (place / str(number)).write_bytes(msgspec.msgpack.encode(msgspec.msgpack.decode(reply)[1]))
