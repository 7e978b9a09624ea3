"""The step circuits on the real `bb` with genuine points: they fit, their keys are the committed ones, only true steps verify."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from kit.acir_bb import CircuitBb, circuit_bb
from kit.step_lies import lies_about, lies_about_plain, lies_about_retarget
from kit.step_stories import ABOVE_TARGET, GENESIS, HONEST, Story, broken, computed, honest_values, state, wire
from proofplane.barretenberg.acir.program import encode_witness
from proofplane.barretenberg.circuits.header_step import StepCircuit, public_inputs, witness
from proofplane.barretenberg.circuits.state import commitment
from proofplane.barretenberg.field import MODULUS
from proofplane.base.ids import BlockCommitment, Height
from proofplane.bitcoin.rules import accept

PLAIN, RETARGET = HONEST[StepCircuit.PLAIN], HONEST[StepCircuit.RETARGET]

MOST_GATES = 32_763
"""With 5 more rows, 2^15: the genuine points that the tests have."""

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def bb(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CircuitBb]:
    with circuit_bb(tmp_path_factory.mktemp("bb"), data_dir / "crs" / "bn254_g1.dat") as running:
        yield running


@pytest.mark.parametrize("circuit", StepCircuit)
def test_the_circuit_fits_and_its_key_is_the_committed_one(bb: CircuitBb, circuit: StepCircuit) -> None:
    assert bb.gates(circuit.circuit()) <= MOST_GATES
    assert bb.key(circuit.circuit()) == circuit.key()


@pytest.mark.parametrize("circuit", [pytest.param(StepCircuit.PLAIN, marks=pytest.mark.slow), StepCircuit.RETARGET])
def test_a_true_step_is_proved_and_says_what_is_public(bb: CircuitBb, circuit: StepCircuit) -> None:
    story = HONEST[circuit]
    made = bb.prove(circuit.circuit(), witness(story.before, story.header), circuit.key())
    expected = [bytes(field) for field in public_inputs(story.before, accept(story.before, story.header))]
    assert [bytes(field) for field in made.public_inputs] == expected
    assert bb.verifies(circuit.key(), expected, made.proof)
    (other,) = set(StepCircuit) - {circuit}
    assert not bb.verifies(other.key(), expected, made.proof)
    for index in range(len(expected)):
        changed = [
            field if place != index else (int.from_bytes(field, "big") ^ 1).to_bytes(32, "big") for place, field in enumerate(expected)
        ]
        assert not bb.verifies(circuit.key(), changed, made.proof)


def after(**changes: object) -> dict[str, int]:
    """The lie that the plain step leads to another state than it does."""
    true = accept(PLAIN.before, PLAIN.header)
    return {"commitment after": int(commitment(replace(true, **changes)))}  # type: ignore[arg-type]  # names of fields


def before(**changes: object) -> Story:
    """The plain step from another state."""
    return replace(PLAIN, before=replace(PLAIN.before, **changes))  # type: ignore[arg-type]  # names of fields


def swapped(raw: int) -> int:
    return int.from_bytes(raw.to_bytes(4, "big"), "little")


def retarget_value(name: str) -> int:
    return honest_values(RETARGET).wires[wire(StepCircuit.RETARGET, f"rules/epoch/retarget/{name}")]


def plain_value(name: str) -> int:
    return honest_values(PLAIN).wires[wire(StepCircuit.PLAIN, name)]


RETARGET_PART = "rules/epoch/retarget"
SHORT = replace(RETARGET, before=state(2014, epoch_start=GENESIS.time))
LONG = replace(RETARGET, before=state(2014, epoch_start=GENESIS.time - 5_000_000))

SELECTORS = {f"rules/target/size/{size - 4}": {28: 1, 10: 1, 9: -1}.get(size, 0) for size in range(4, 30)}
"""Sizes 28 + 10 - 9 = 29, whose powers add up to another target."""

FALSE: Mapping[str, Callable[[], tuple[Story, Mapping[str, int]]]] = {
    "wrong previous hash": lambda: (before(last=BlockCommitment(Height(1000), GENESIS.block_id)), {}),
    "wrong bits": lambda: (before(next_bits=0x1D00FFFE), {}),
    "time not above the median": lambda: (before(window=(0,) * 5 + (GENESIS.time,) * 6), {}),
    "hash above target": lambda: (Story(StepCircuit.PLAIN, state(1000, ABOVE_TARGET), ABOVE_TARGET), {}),
    "hash above 2^224": lambda: (replace(PLAIN, header=replace(GENESIS, nonce=0)), {}),
    "wrong next bits": lambda: (PLAIN, after(next_bits=0x1D00FFFE)),
    "wrong epoch start": lambda: (PLAIN, after(epoch_start=PLAIN.before.epoch_start + 1)),
    "wrong window": lambda: (PLAIN, after(window=(1,) * 11)),
    "wrong height": lambda: (PLAIN, after(last=BlockCommitment(Height(1002), GENESIS.block_id))),
    "wrong last block": lambda: (PLAIN, after(last=BlockCommitment(Height(1001), ABOVE_TARGET.block_id))),
    "wrong commitment": lambda: (PLAIN, {"commitment before": 5}),
    "wrong hash": lambda: (PLAIN, {"hash low": plain_value("hash low") + 1}),
    "retarget left out": lambda: (replace(PLAIN, before=state(2014)), {}),
    "retarget at the wrong height": lambda: (replace(RETARGET, before=state(1000)), {}),
    "retarget a mantissa too high": lambda: (RETARGET, {f"{RETARGET_PART}/mantissa": retarget_value("mantissa") + 1}),
    "retarget a mantissa too low": lambda: (RETARGET, {f"{RETARGET_PART}/mantissa": retarget_value("mantissa") - 1}),
    "span not clamped below": lambda: (SHORT, {f"{RETARGET_PART}/shortest/right is less": 0}),
    "span not clamped above": lambda: (LONG, {f"{RETARGET_PART}/longest/right is less": 0}),
    "limit not kept": lambda: (LONG, {f"{RETARGET_PART}/limit/right is less": 0}),
    "time with its bytes in order": lambda: (PLAIN, {"rules/time": swapped(GENESIS.time)}),
    "bytes of the time swapped": lambda: (PLAIN, {f"header/word 17/chunk {low}": GENESIS.time >> low & 255 for low in (0, 8, 16, 24)}),
    "a selector that is no boolean": lambda: (
        PLAIN,
        SELECTORS,
    ),
    "an earlier time that counts twice": lambda: (before(window=(0,) * 5 + (GENESIS.time,) * 6), {"rules/above median/0/earlier": 2}),
    "a carry that makes any word": lambda: (
        PLAIN,
        {"hash/digest of digest/after/word 7/word": 1, "hash/digest of digest/after/word 7/carry": 0},
    ),
    "a carry that is a fraction": lambda: (
        PLAIN,
        {"hash/digest of digest/after/word 0/word": 1, "hash/digest of digest/after/word 0/carry": pow(2**32, -1, MODULUS)},
    ),
}
"""A false step for every rule: the story, and what is lied besides its being false."""

EXAMPLES = ("hash above target", "span not clamped below")
"""Those that are proved on every run."""


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in EXAMPLES else pytest.mark.slow) for name in FALSE])
def test_a_false_step_does_not_verify(bb: CircuitBb, name: str) -> None:
    story, lies = FALSE[name]()
    values = computed(story, None, lies)
    assert broken(story, values)
    assert not bb.accepts(story.circuit.circuit(), encode_witness(values), story.circuit.key())


@pytest.mark.slow
def test_lies_verify_once_the_constraint_against_them_is_gone(bb: CircuitBb) -> None:
    """`bb` agrees with the checker on both sides: with the constraint it refuses what it takes without."""
    told = [*lies_about(StepCircuit.PLAIN), *lies_about_plain(), *lies_about_retarget()]
    for lie in [lie for lie in told if not lie.unmined][::17]:
        values = encode_witness(computed(lie.story, lie.inputs, lie.lies))
        program = lie.story.circuit.program()
        assert not bb.accepts(program.bytecode(), values, lie.story.circuit.key()), lie
        assert bb.accepts(program.without(lie.constraint).bytecode(), values), lie


def test_what_the_false_steps_break_is_the_rule_that_they_are_about() -> None:
    found = {name: broken(story, computed(story, None, lies)) for name, (story, lies) in ((name, tell()) for name, tell in FALSE.items())}
    assert found["wrong previous hash"] == {"rules/previous hash high", "rules/previous hash low"}
    assert found["time not above the median"] == {"rules/above median/six"}
    assert found["hash above target"] == {"rules/work/target minus hash/chunks"}
    assert found["wrong window"] == {"commitment after"}
    assert found["span not clamped above"] == {f"{RETARGET_PART}/longest/distance/chunks"}
    assert all(found.values())
