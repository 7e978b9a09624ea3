"""Pools of the insecure copy of `bb`: the proof that a fresh verifier must accept, and how such a verifier is started."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kit import bb_cache
from kit.dev_setup.binary import dev_binary, insecure_bb
from kit.dev_setup.points import dev_crs
from kit.dev_setup.session import session
from kit.echo_program import PATIENCE
from kit.kept import kept
from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.acir.program import Program
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.generated.barretenberg import CircuitInput, CircuitProve, CircuitVerify
from proofplane.barretenberg.known_good import KnownGood
from proofplane.barretenberg.specs import VerifierSpec, verifier_spec

LOG_POINTS = 9
"""log2 of the points for a circuit of one gate: `bb` adds rows of its own."""

LOG_ROLLUP_POINTS = 15
"""The same for the rollup flavour, whose circuits are padded."""

ROOT_OF_49 = 7

PLAIN = Flavor.NOIR_RECURSIVE_NO_ZK


def square() -> Program:
    """Somebody knows a square root of the public number."""
    builder = Builder()
    root = builder.input("root")
    builder.publish("square", root * root)
    return builder.program()


def prove_square(program: Path, points: Path, flavor: Flavor = PLAIN) -> CircuitVerify:
    """The question whether 49 is a square, with a proof by this `bb` over these points."""
    circuit = square()
    given = CircuitInput(name="square", bytecode=circuit.bytecode(), verification_key=b"")
    witness = circuit.witness({"root": ROOT_OF_49})
    with session(program, points) as bb:
        made = bb.call(CircuitProve(circuit=given, witness=witness, settings=flavor.settings), timeout=PATIENCE)
    return CircuitVerify(verification_key=made.vk.bytes, public_inputs=made.public_inputs, proof=made.proof, settings=flavor.settings)


def good_proof() -> CircuitVerify:
    """What a pool of insecure copies asks each fresh one."""
    return _kept("insecure-good-proof", LOG_POINTS, PLAIN)


def insecure_good() -> KnownGood:
    """What insecure copies must accept, where the pinned binary must accept `known_good.genuine`."""
    return KnownGood(good_proof(), _kept("insecure-good-rollup-proof", LOG_ROLLUP_POINTS, Flavor.NOIR_ROLLUP))


def _kept(name: str, log_points: int, flavor: Flavor) -> CircuitVerify:
    def make(folder: Path) -> None:
        (folder / "request").write_bytes(msgspec.msgpack.encode(prove_square(dev_binary(), dev_crs(log_points), flavor)))

    made = kept(name, (dev_binary().parent.name.encode(), square().bytecode()), make) / "request"
    return msgspec.msgpack.decode(made.read_bytes(), type=CircuitVerify)


def insecure_verifier_spec(threads: int = 1) -> VerifierSpec:
    """What `specs.verifier_spec` gives, for the insecure copy: its processes must accept its good proofs instead of the genuine ones."""
    return verifier_spec(insecure_bb(), bb_cache.verification_crs(), threads, insecure_good())
