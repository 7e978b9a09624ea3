"""The recursive circuits on the real `bb`: their gates, and a chain of mainnet headers across a retarget over the insecure setup."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit import acir_bb, bb_cache
from kit.cli_headers import MAINNET_FIRST, MAINNET_NAME
from kit.dev_setup.binary import dev_binary
from kit.dev_setup.points import dev_crs
from kit.dev_setup.session import session
from proofplane.barretenberg.circuit import Circuit
from proofplane.barretenberg.circuits import header_step, moho
from proofplane.barretenberg.circuits.header_step import StepCircuit, circuit_for
from proofplane.barretenberg.circuits.moho import FLAVOR, Inner, StepKeys
from proofplane.barretenberg.errors import CircuitTooLarge
from proofplane.barretenberg.field import SIZE, Fr
from proofplane.barretenberg.generated.barretenberg import (
    CircuitComputeVk,
    CircuitInput,
    CircuitInputNoVk,
    CircuitProve,
    CircuitVerify,
)
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.proofs import UltraHonkProof
from proofplane.barretenberg.prover import open_prover
from proofplane.barretenberg.verifier import open_verifier
from proofplane.base.ids import BlockCommitment, Height
from proofplane.bitcoin.header import HEADER_SIZE, Header
from proofplane.bitcoin.networks import BLOCKS_PER_EPOCH, Network
from proofplane.bitcoin.rules import HeaderState, accept, anchor_state
from proofplane.rpc.blocking import BlockingClient

pytestmark = pytest.mark.slow

LOG_POINTS = 21
"""The chain circuit has between 2^20 and 2^21 gates."""

PATIENCE = 900.0
"""Bound of one key or proof, seconds: the largest take 20 to 60 on two quiet cores."""

SUMCHECK = 100 * SIZE + SIZE - 1
"""A byte of a number of the sumcheck in a proof; a point that is not on the curve would be an error when the proof around it is made."""

ANCHOR = 46_365
"""The steps that follow are an ordinary one, the last of an epoch, and the first of the next."""


class Recursion:
    """One insecure `bb` over points of the known secret, for circuits of our flavour."""

    def __init__(self, bb: BlockingClient) -> None:
        self._bb = bb

    def key(self, bytecode: bytes) -> VerificationKey:
        circuit = CircuitInputNoVk(name="circuit", bytecode=bytecode)
        return VerificationKey(self._bb.call(CircuitComputeVk(circuit=circuit, settings=FLAVOR.settings), timeout=PATIENCE).bytes)

    def prove(self, bytecode: bytes, witness: bytes, key: VerificationKey) -> Inner:
        circuit = CircuitInput(name="circuit", bytecode=bytecode, verification_key=key.raw)
        made = self._bb.call(CircuitProve(circuit=circuit, witness=witness, settings=FLAVOR.settings), timeout=PATIENCE)
        return Inner(tuple(map(Fr, made.public_inputs)), UltraHonkProof.of(made.proof))

    def verifies(self, key: VerificationKey, proved: Inner) -> bool:
        request = CircuitVerify(
            verification_key=key.raw,
            public_inputs=[*map(bytes, proved.public_inputs)],
            proof=[*map(bytes, proved.proof.fields)],
            settings=FLAVOR.settings,
        )
        return self._bb.call(request, timeout=PATIENCE).verified


@pytest.fixture
def recursion() -> Iterator[Recursion]:
    with session(dev_binary(), dev_crs(LOG_POINTS)) as bb:
        yield Recursion(bb)


def mainnet(data_dir: Path) -> tuple[HeaderState, list[Header]]:
    """The state at the anchor, and the headers after it."""
    raw = (data_dir / "bitcoin" / MAINNET_NAME).read_bytes()

    def header(height: int) -> Header:
        start = (height - MAINNET_FIRST) * HEADER_SIZE
        return Header.decode(raw[start : start + HEADER_SIZE])

    anchor = header(ANCHOR)
    epoch_start = header(ANCHOR - ANCHOR % BLOCKS_PER_EPOCH).time
    state = anchor_state(Network.MAINNET, BlockCommitment(Height(ANCHOR), anchor.block_id), anchor.bits, epoch_start)
    return state, [header(ANCHOR + step) for step in (1, 2, 3)]


def proved_steps(bb: Recursion, keys: StepKeys, state: HeaderState, headers: list[Header]) -> list[tuple[StepCircuit, Inner]]:
    steps = []
    for header in headers:
        circuit = circuit_for(state)
        key = (keys.plain, keys.retarget)[circuit]
        steps.append((circuit, bb.prove(circuit.circuit(), header_step.witness(state, header), key)))
        state = accept(state, header)
    return steps


def test_the_gates_are_those_of_the_document(tmp_path: Path) -> None:
    keys = StepKeys.committed()
    with acir_bb.circuit_bb(tmp_path) as bb:
        gates = [bb.gates(program.bytecode()) for program in (moho.base(keys), moho.chain(keys, keys.plain))]
    assert gates == [682_100, 1_429_463]


@pytest.mark.data
async def test_with_the_genuine_points_the_recursive_circuits_are_refused_before_bb_begins(data_dir: Path) -> None:
    circuit = Circuit("base", moho.base(StepKeys.committed()).bytecode(), FLAVOR)
    async with (
        open_verifier(bb_cache.bb(), bb_cache.verification_crs(), processes=1) as verifier,
        open_prover(verifier, bb_cache.bb(), bb_cache.proving_crs(data_dir)) as prover,
    ):
        with pytest.raises(CircuitTooLarge) as refused:
            await prover.key(circuit)
    assert (refused.value.gates, refused.value.needed, refused.value.points) == (682_100, 2**20, 32_769)


@pytest.mark.data
def test_a_chain_of_recursive_proofs_says_what_its_steps_say_and_no_more(recursion: Recursion, data_dir: Path) -> None:
    state, headers = mainnet(data_dir)
    keys = StepKeys(*(recursion.key(circuit.circuit()) for circuit in StepCircuit))
    steps = proved_steps(recursion, keys, state, headers)
    assert [circuit for circuit, _ in steps] == [StepCircuit.PLAIN, StepCircuit.RETARGET, StepCircuit.PLAIN]

    base = moho.base(keys)
    base_key = recursion.key(base.bytecode())
    chain = moho.chain(keys, base_key)
    chain_key = recursion.key(chain.bytecode())
    own = moho.key_hash(chain_key)

    first = recursion.prove(base.bytecode(), base.witness(moho.base_inputs(*steps[0], own)), base_key)
    inputs = moho.chain_inputs(*steps[1], own, first, base_key, is_base=True)
    second = recursion.prove(chain.bytecode(), chain.witness(inputs), chain_key)
    inputs = moho.chain_inputs(*steps[2], own, second, chain_key, is_base=False)
    third = recursion.prove(chain.bytecode(), chain.witness(inputs), chain_key)

    assert [recursion.verifies(*each) for each in ((base_key, first), (chain_key, second), (chain_key, third))] == [True] * 3
    after = state
    for header in headers:
        after = accept(after, header)
    assert third.public_inputs[:4] == header_step.public_inputs(state, after)
    assert moho.own_key_is(chain_key, third.public_inputs)


@pytest.mark.data
def test_around_a_tampered_proof_there_is_a_proof_that_does_not_verify(recursion: Recursion, data_dir: Path) -> None:
    state, headers = mainnet(data_dir)
    keys = StepKeys(*(recursion.key(circuit.circuit()) for circuit in StepCircuit))
    ((circuit, step),) = proved_steps(recursion, keys, state, headers[:1])
    raw = bytearray(step.proof.raw)
    raw[SUMCHECK] ^= 1
    tampered = Inner(step.public_inputs, UltraHonkProof(bytes(raw)))
    base = moho.base(keys)
    key = recursion.key(base.bytecode())
    assert not recursion.verifies(key, recursion.prove(base.bytecode(), base.witness(moho.base_inputs(circuit, tampered, 0)), key))
