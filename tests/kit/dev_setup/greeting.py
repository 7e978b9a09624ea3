"""Pools of the insecure copy of `bb`: the proof that a fresh verifier must accept, and how such a verifier is started."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec

from kit import bb_cache
from kit.dev_setup.binary import dev_binary, insecure_bb
from kit.dev_setup.points import dev_crs
from kit.dev_setup.session import session
from kit.echo_program import PATIENCE
from kit.kept import kept
from proofplane import rpc
from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.acir.program import Program
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.generated.barretenberg import CircuitInput, CircuitProve, CircuitVerify
from proofplane.barretenberg.specs import verifier_spec
from proofplane.pool.types import WorkerSpec

LOG_POINTS = 9
"""log2 of the points for a circuit of one gate: `bb` adds rows of its own."""

ROOT_OF_49 = 7

_SETTINGS = Flavor.NOIR_RECURSIVE_NO_ZK.settings


def square() -> Program:
    """Somebody knows a square root of the public number."""
    builder = Builder()
    root = builder.input("root")
    builder.publish("square", root * root)
    return builder.program()


def prove_square(program: Path, points: Path) -> CircuitVerify:
    """The question whether 49 is a square, with a proof by this `bb` over these points."""
    circuit = square()
    given = CircuitInput(name="square", bytecode=circuit.bytecode(), verification_key=b"")
    witness = circuit.witness({"root": ROOT_OF_49})
    with session(program, points) as bb:
        made = bb.call(CircuitProve(circuit=given, witness=witness, settings=_SETTINGS), timeout=PATIENCE)
    return CircuitVerify(verification_key=made.vk.bytes, public_inputs=made.public_inputs, proof=made.proof, settings=_SETTINGS)


def good_proof() -> CircuitVerify:
    """What a pool of insecure copies asks each fresh one."""
    contents = (dev_binary().parent.name.encode(), square().bytecode())
    made = kept("insecure-good-proof", contents, _make) / "request"
    return msgspec.msgpack.decode(made.read_bytes(), type=CircuitVerify)


def _make(folder: Path) -> None:
    (folder / "request").write_bytes(msgspec.msgpack.encode(prove_square(dev_binary(), dev_crs(LOG_POINTS))))


def insecure_verifier_spec(threads: int = 1) -> WorkerSpec:
    """What `specs.verifier_spec` gives, for the insecure copy: a fresh process must accept its good proof instead of the genuine one."""
    good = good_proof()

    async def greet(client: rpc.Client) -> None:
        assert (await client.call(good, timeout=PATIENCE)).verified

    return replace(verifier_spec(insecure_bb(), bb_cache.verification_crs(), threads), greet=greet)
