"""The proofs that are verified: made once with the genuine points, and kept as the tests keep theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from bare import Program, Question, bare, question
from setting import FIRST_HEIGHT, Setting

from kit.bb_circuits import fourth_power, witness
from kit.kept import kept
from proofplane.anchor.headers_file import HeadersFile
from proofplane.barretenberg.circuit import Circuit
from proofplane.barretenberg.circuits import header_step
from proofplane.barretenberg.circuits.header_step import StepCircuit, circuit_for, step_keys
from proofplane.barretenberg.field import Fr
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.generated.barretenberg import CircuitInput, CircuitProve, CircuitProveResponse, CircuitVerify
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.proofs import UltraHonkProof
from proofplane.base.ids import Height
from proofplane.bitcoin.header import Header
from proofplane.bitcoin.networks import Network
from proofplane.bitcoin.rules import HeaderState, anchor_state
from proofplane.node.header_check import FLAVOR

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
    return _proofs(f"header-step-{BEFORE[StepCircuit.PLAIN]}", setting, made.circuit, lambda: [made.witness()])[0]


def distinct_proofs(setting: Setting, number: int) -> list[Verifiable]:
    """As many proofs of the smallest circuit, each of another statement; 40 ms each the first time."""
    return _proofs(f"fourth-powers-{number}", setting, fourth_power(FLAVOR), lambda: map(witness, range(2, number + 2)))


def _proofs(name: str, setting: Setting, circuit: Circuit, witnesses: Callable[[], Iterable[bytes]]) -> list[Verifiable]:
    contents = (setting.binary.sha256, circuit.bytecode)
    folder = kept(f"bench-{name}", contents, lambda place: _prove(setting.prover(), circuit, witnesses(), place / "proofs"))
    made = msgspec.msgpack.decode((folder / "proofs").read_bytes(), type=list[CircuitProveResponse])
    return [
        Verifiable(VerificationKey(one.vk.bytes), tuple(map(Fr, one.public_inputs)), UltraHonkProof.of(one.proof), circuit.flavor)
        for one in made
    ]


def _prove(program: Program, circuit: Circuit, witnesses: Iterable[bytes], place: Path) -> None:
    """Without a key, so that each reply has it."""
    given = CircuitInput(circuit.name, circuit.bytecode, b"")
    with bare(program) as (bb,):
        replies = [bb.ask(question(CircuitProve(given, values, circuit.flavor.settings))) for values in witnesses]
    place.write_bytes(msgspec.msgpack.encode([msgspec.msgpack.decode(reply)[1] for reply in replies]))
