"""Unit tests of `proofplane.barretenberg.circuits.state`: what a commitment covers, and that the circuit's is the same."""

from dataclasses import replace

import pytest

from kit.acir_gadgets import Gadget
from kit.step_stories import GENESIS, state
from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.circuits.errors import Unprovable
from proofplane.barretenberg.circuits.state import commitment, commitment_of, opened, state_inputs
from proofplane.base.ids import BlockCommitment, Height
from proofplane.bitcoin.networks import Network
from proofplane.crypto.poseidon2 import hash_fields

STATE = replace(state(7, times=tuple(range(100, 111)), epoch_start=55, next_bits=66), last=BlockCommitment(Height(7), GENESIS.block_id))


def described(b: Builder) -> None:
    with b.part("state"):
        opening = opened(b)
    b.publish("out", commitment_of(b, "hash", opening))


def test_a_commitment_is_the_hash_of_the_packed_state() -> None:
    raw = GENESIS.block_id
    first = sum(time << 32 * place for place, time in enumerate(range(100, 107)))
    second = sum(number << 32 * place for place, number in enumerate([107, 108, 109, 110, 7, 66, 55]))
    tag = int.from_bytes(b"proofplane mainnet header state", "big")
    halves = int.from_bytes(raw[:16], "big"), int.from_bytes(raw[16:], "big")
    assert int(commitment(STATE)) == hash_fields([tag, *halves, first, second])


def test_the_circuit_computes_the_same() -> None:
    gadget, inputs = Gadget(described), state_inputs(STATE, "state")
    assert gadget.broken(inputs) == set()
    (published,) = gadget.program.compute(inputs).wires[gadget.program.public[0] :][:1]
    assert published == int(commitment(STATE))


def test_everything_that_is_covered_makes_a_difference() -> None:
    others = [
        replace(STATE, last=BlockCommitment(Height(8), STATE.last.block_id)),
        replace(STATE, last=BlockCommitment(Height(7), GENESIS.previous)),
        replace(STATE, next_bits=67),
        replace(STATE, epoch_start=56),
        *(replace(STATE, window=tuple(time + (place == index) for place, time in enumerate(STATE.window))) for index in range(11)),
    ]
    assert len({commitment(other) for other in (STATE, *others)}) == 1 + len(others)


def test_work_and_the_place_in_the_ring_are_not_covered() -> None:
    turned = replace(STATE, window=(*STATE.window[4:], *STATE.window[:4]), head=7)
    assert commitment(turned) == commitment(STATE)
    assert commitment(replace(STATE, work=5)) == commitment(STATE)
    assert commitment(replace(STATE, head=1)) != commitment(STATE)


def test_states_that_no_commitment_covers_are_refused() -> None:
    with pytest.raises(Unprovable, match="mainnet only"):
        commitment(replace(STATE, network=Network.REGTEST))
    for other in (replace(STATE, epoch_start=2**32), replace(STATE, next_bits=-1), replace(STATE, window=(2**32, *STATE.window[1:]))):
        with pytest.raises(Unprovable, match="32 bits"):
            commitment(other)
