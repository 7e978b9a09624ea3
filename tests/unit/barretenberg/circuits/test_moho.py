"""The links of the recursive circuits: each rule is what refuses each false link, and an honest chain breaks none."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from kit.acir_check import Checker
from proofplane.barretenberg.acir.opcodes import Aggregation
from proofplane.barretenberg.acir.program import Program, Values
from proofplane.barretenberg.circuits.header_step import StepCircuit
from proofplane.barretenberg.circuits.moho import FLAVOR, Inner, StepKeys, base, base_inputs, chain, chain_inputs, key_hash, own_key_is
from proofplane.barretenberg.field import MODULUS, Fr
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.proofs import UltraHonkProof

GENESIS, MIDDLE, TIP = 11, 22, 33
"""Commitments of three states, one step apart."""

HASH = (44, 55)

SEED = random.Random(5)


def some_key() -> VerificationKey:
    """Bytes that may be a key."""
    numbers = [bytes(31) + bytes([value]) for value in (20, 12, 5)]
    return VerificationKey(b"".join([*numbers, *(some_field() for _ in range(112))]))


def some_field() -> bytes:
    return SEED.randrange(MODULUS).to_bytes(32, "big")


def inner(*public_inputs: int) -> Inner:
    """Public inputs with a proof that is none: the proofs themselves are not what is tested here."""
    proof = UltraHonkProof.of(some_field() for _ in range(FLAVOR.proof_size(0)))
    return Inner(tuple(map(Fr.of, public_inputs)), proof)


STEPS = StepKeys(some_key(), some_key())
BASE_KEY, CHAIN_KEY, OTHER_KEY = some_key(), some_key(), some_key()
OWN = key_hash(CHAIN_KEY)
BASE = base(STEPS)
CHAIN = chain(STEPS, BASE_KEY)

FIRST = inner(GENESIS, MIDDLE, *HASH)
NEXT = inner(MIDDLE, TIP, *HASH)
BEFORE = inner(GENESIS, MIDDLE, 66, 77, OWN)


def unmet(program: Program, values: Values) -> set[str]:
    """Names of the broken constraints; the proofs inside are not judged."""
    judged = program.without(*(each.name for each in program.constraints if isinstance(each.opcode, Aggregation)))
    return {judged.constraints[index].name for index in Checker(judged.bytecode()).broken(values.wires)}


def after_chain(*, before: Inner = BEFORE, key: VerificationKey = CHAIN_KEY, is_base: bool = False) -> dict[str, int]:
    return dict(chain_inputs(StepCircuit.PLAIN, NEXT, OWN, before, key, is_base=is_base))


def published(program: Program, inputs: Mapping[str, int]) -> list[int]:
    values = program.compute(inputs)
    assert unmet(program, values) == set()
    return [values.wires[index] for index in program.public]


@pytest.mark.parametrize("circuit", StepCircuit)
def test_the_base_publishes_its_step_from_genesis_on(circuit: StepCircuit) -> None:
    assert published(BASE, base_inputs(circuit, FIRST, OWN)) == [GENESIS, MIDDLE, *HASH, OWN]


@pytest.mark.parametrize("circuit", StepCircuit)
@pytest.mark.parametrize(("key", "is_base"), [(BASE_KEY, True), (CHAIN_KEY, False)])
def test_the_chain_publishes_the_genesis_of_before_and_the_end_of_the_step(
    circuit: StepCircuit, key: VerificationKey, is_base: bool
) -> None:
    inputs = chain_inputs(circuit, NEXT, OWN, BEFORE, key, is_base=is_base)
    assert published(CHAIN, inputs) == [GENESIS, TIP, *HASH, OWN]


@pytest.mark.parametrize(
    ("inputs", "rules"),
    [
        pytest.param(after_chain(before=inner(GENESIS, TIP, 66, 77, OWN)), {"step follows"}, id="the step begins elsewhere"),
        pytest.param(after_chain(before=inner(GENESIS, MIDDLE, 66, 77, OWN + 1)), {"same chain circuit"}, id="a chain of another circuit"),
        pytest.param(after_chain(key=OTHER_KEY), {"previous/base or own key"}, id="a key that is neither"),
        pytest.param(after_chain(key=BASE_KEY), {"previous/base or own key"}, id="the base's key called the chain's"),
        pytest.param(after_chain(is_base=True), {"previous/base or own key"}, id="the chain's key called the base's"),
        pytest.param(after_chain() | {"previous/is base": 2}, {"previous/is base", "previous/base or own key"}, id="neither of both"),
        pytest.param(after_chain() | {"step/circuit": 2}, {"step/circuit"}, id="no step circuit"),
        pytest.param(after_chain() | {"own key": OWN + 1}, {"same chain circuit", "previous/base or own key"}, id="another own key"),
    ],
)
def test_a_false_link_breaks_its_rule_and_no_other(inputs: Mapping[str, int], rules: set[str]) -> None:
    assert unmet(CHAIN, CHAIN.compute(inputs)) == rules


@pytest.mark.parametrize("name", ["commitment genesis", "commitment after", "hash high", "hash low", "own key hash"])
def test_a_public_input_cannot_be_a_lie(name: str) -> None:
    assert unmet(CHAIN, CHAIN.compute(after_chain(), {name: 99})) == {name}


def test_a_mixture_of_the_two_other_keys_is_named_by_neither() -> None:
    """With `is base` free to be any number, some mixture of the base's hash and the own one would name any key."""
    wanted = key_hash(OTHER_KEY)
    share = (wanted - OWN) * pow(key_hash(BASE_KEY) - OWN, -1, MODULUS) % MODULUS
    inputs = after_chain(key=OTHER_KEY) | {"previous/is base": share}
    assert unmet(CHAIN, CHAIN.compute(inputs)) == {"previous/is base"}


@pytest.mark.parametrize("circuit", StepCircuit)
def test_the_step_is_verified_under_the_key_of_its_circuit_and_its_own_public_inputs(circuit: StepCircuit) -> None:
    values = CHAIN.compute(chain_inputs(circuit, NEXT, OWN, BEFORE, CHAIN_KEY, is_base=False))
    step, previous = (each.opcode for each in CHAIN.constraints if isinstance(each.opcode, Aggregation))
    for opcode, key, proof in ((step, (STEPS.plain, STEPS.retarget)[circuit], NEXT), (previous, CHAIN_KEY, BEFORE)):
        assert b"".join(values(field).to_bytes(32, "big") for field in opcode.key) == key.raw
        assert values(opcode.key_hash) == key_hash(key)
        assert [values(field) for field in opcode.public_inputs] == [int(field) for field in proof.public_inputs]
        assert b"".join(values(field).to_bytes(32, "big") for field in opcode.proof) == proof.proof.raw


def test_no_wire_of_a_step_key_can_be_a_lie() -> None:
    names = [f"step/key/{index}" for index in range(115)] + ["step/key hash"]
    named = set(BASE.wires)
    for name in names:
        if name in named:
            assert name in unmet(BASE, BASE.compute(base_inputs(StepCircuit.PLAIN, FIRST, OWN), {name: 99})), name
    assert len(named & set(names)) == len(names)


def test_whoever_verifies_holds_the_own_key_against_the_key() -> None:
    public_inputs = tuple(map(Fr.of, (GENESIS, TIP, *HASH, OWN)))
    assert own_key_is(CHAIN_KEY, public_inputs)
    assert not own_key_is(OTHER_KEY, public_inputs)
    assert not own_key_is(CHAIN_KEY, public_inputs[1:])
