"""Chonk proofs for tests, valid for the insecure copy of `bb` only: made once, several seconds each, and kept."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from kit.dev_setup.binary import dev_binary
from kit.dev_setup.chonk_stack import HIDING, Layer, programs
from kit.dev_setup.points import CHONK, dev_crs
from kit.dev_setup.session import session
from kit.echo_program import PATIENCE
from kit.kept import kept
from proofplane.barretenberg.generated.barretenberg import (
    ChonkAccumulate,
    ChonkComputeVk,
    ChonkLoad,
    ChonkProve,
    ChonkStart,
    CircuitInputNoVk,
    Poseidon2Hash,
)
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.proofs import ChonkProof
from proofplane.rpc.blocking import BlockingClient

MOST = 64
"""Bound of a fixture: making so many takes several minutes."""

_FIRST = 1_000
"""What the first proof hands on; each further one hands on the next number."""


@dataclass(frozen=True, slots=True)
class ChonkFixture:
    """Proofs of distinct values under one key."""

    key: VerificationKey
    proofs: tuple[ChonkProof, ...]


def chonk_fixture(count: int = 1) -> ChonkFixture:
    """`count` distinct proofs; the first test that asks makes those that are missing, 5 to 7 s each.

    Raises:
        OutsideTests: No test asks.
    """
    assert 1 <= count <= MOST
    proofs = tuple(ChonkProof((_made(index) / "proof").read_bytes()) for index in range(count))
    return ChonkFixture(VerificationKey(_layers()[-1].key), proofs)


def _made(index: int) -> Path:
    return kept(f"insecure-chonk-{index}", _contents(), lambda folder: _make(index, folder))


def _contents() -> tuple[bytes, ...]:
    return (dev_binary().parent.name.encode(), *(program.bytecode() for program in programs().values()))


def _make(index: int, folder: Path) -> None:
    with session(dev_binary(), dev_crs(CHONK)) as bb:
        (folder / "proof").write_bytes(_prove(bb, _layers(), _FIRST + index))


def _layers() -> list[Layer]:
    folder = kept("insecure-chonk-keys", _contents(), _make_keys)
    return [
        Layer(name, each, (folder / f"{name}.key").read_bytes(), (folder / f"{name}.hash").read_bytes())
        for name, each in programs().items()
    ]


def _make_keys(folder: Path) -> None:
    with session(dev_binary(), dev_crs(CHONK)) as bb:
        for name, program in programs().items():
            circuit = CircuitInputNoVk(name=name, bytecode=program.bytecode())
            key = bb.call(ChonkComputeVk(circuit=circuit, use_zk_flavor=name == HIDING), timeout=PATIENCE)
            (folder / f"{name}.key").write_bytes(key.bytes)
            (folder / f"{name}.hash").write_bytes(bb.call(Poseidon2Hash(inputs=key.fields), timeout=PATIENCE).hash)


def _prove(bb: BlockingClient, layers: list[Layer], value: int) -> bytes:
    bb.call(ChonkStart(num_circuits=len(layers)), timeout=PATIENCE)
    for before, layer in pairwise([None, *layers]):
        assert layer is not None
        bb.call(ChonkLoad(circuit=layer.circuit), timeout=PATIENCE)
        bb.call(ChonkAccumulate(witness=layer.witness(value, before)), timeout=PATIENCE)
    proof = bb.call(ChonkProve(), timeout=PATIENCE).proof
    parts = (proof.hiding_oink_proof, proof.merge_proof, proof.eccvm_proof, proof.ipa_proof, proof.joint_proof)
    return b"".join(field for part in parts for field in part)
