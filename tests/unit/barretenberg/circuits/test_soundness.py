"""No second witness: searches of the encoded step circuits for any witness, honest generator or not, find only what the rules say."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kit.acir_attacks import Search
from kit.step_lies import Lie, lies_about, lies_about_plain, lies_about_retarget
from kit.step_stories import GENESIS, HONEST, TWO_WEEKS, computed, honest_values, state, wire
from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.acir.program import Program
from proofplane.barretenberg.circuits.header_step import StepCircuit, circuit_for, public_inputs
from proofplane.barretenberg.circuits.retarget import retargeted
from proofplane.barretenberg.circuits.sha256 import header_digest, message_cuts
from proofplane.barretenberg.circuits.state import state_inputs
from proofplane.barretenberg.circuits.target import assert_met, compact, covers
from proofplane.barretenberg.circuits.words import BYTES, held
from proofplane.base.errors import Refused
from proofplane.base.ids import BlockId, MalformedId
from proofplane.bitcoin.networks import Network, rules_of
from proofplane.bitcoin.rules import HeaderRejected, HeaderState, accept, retarget
from proofplane.bitcoin.target import target_from_bits

FREE = ("earlier", "lead if earlier/chunk 0", "lead if earlier/chunk 11", "lead if earlier/chunk 22")
"""Which six of the earlier times are counted is the prover's choice."""

MAY_BE_OPEN = {
    *(f"rules/above median/{index}/{name}" for index in range(11) for name in FREE),
    "rules/epoch/first of epoch/inverse",  # of zero: any number
}

ONE_BY_DEFAULT = (StepCircuit.PLAIN, pytest.param(StepCircuit.RETARGET, marks=pytest.mark.slow))
"""Where both circuits have the same constraints."""

times = st.integers(0, 2**32 - 1)
near = st.integers(GENESIS.time - 5 * TWO_WEEKS, GENESIS.time + 3 * TWO_WEEKS)


@lru_cache
def hashed(circuit: StepCircuit) -> Search:
    """What follows from the genesis header alone."""
    search = Search.of(circuit.circuit())
    inputs = HONEST[circuit].inputs
    search.give({wire(circuit, name): value for name, value in inputs.items() if name.startswith("header/")})
    search.settle()
    return search


def numbers(circuit: StepCircuit, before: HeaderState) -> Mapping[int, int]:
    return {wire(circuit, name): value for name, value in state_inputs(before, "before").items()}


@pytest.mark.parametrize("circuit", ONE_BY_DEFAULT)
def test_header_and_state_leave_nothing_open_but_which_times_are_counted(circuit: StepCircuit) -> None:
    """So the hash, the target, the retarget and both commitments are functions of header and state, and no witness gives others."""
    story, search = HONEST[circuit], hashed(circuit)
    names, honest = circuit.program().wires, honest_values(story).wires
    with search.trying(numbers(circuit, story.before)):
        assert {names[index] for index in search.open()} <= MAY_BE_OPEN
        assert [search.value(index) for index in circuit.program().public] == [honest[index] for index in circuit.program().public]


@pytest.mark.parametrize("circuit", ONE_BY_DEFAULT)
def test_all_numbers_of_header_and_state_have_32_bits_whatever_the_prover_says(circuit: StepCircuit) -> None:
    search = Search.of(circuit.circuit())
    search.settle()
    for name in HONEST[circuit].inputs:
        bits = 128 if name.startswith("before/last") else 32
        assert search.high[wire(circuit, name)] < 2**bits, name


@pytest.mark.parametrize("circuit", ONE_BY_DEFAULT)
def test_what_is_hashed_opens_to_one_state_only(circuit: StepCircuit) -> None:
    """Poseidon2 binds the packed elements; these are fixed here, and every number of the state follows."""
    story = HONEST[circuit]
    before = replace(story.before, window=tuple(range(2**32 - 11, 2**32)), epoch_start=2**32 - 1)
    search = Search.of(circuit.circuit())
    values = circuit.program().compute({**story.inputs, **state_inputs(before, "before")}).wires
    inputs = {name: value for name, value in state_inputs(before, "before").items() if name.startswith("before/last")}
    search.give({wire(circuit, name): value for name, value in inputs.items()})
    packed = [wire(circuit, f"state before/block 1/input {place}") for place in range(2)]
    search.give({index: values[index] for index in packed})
    search.settle()
    for name, value in state_inputs(before, "before").items():
        assert search.value(wire(circuit, name)) == value, name


@settings(max_examples=40, deadline=None)
@given(
    height=st.one_of(st.integers(0, 2**32 - 2), st.integers(0, 2**20).map(lambda epoch: epoch * 2016 + 2014)),
    window=st.tuples(*[st.one_of(near, times)] * 11),
    epoch_start=st.one_of(near, times),
    next_bits=st.sampled_from([GENESIS.bits] * 7 + [GENESIS.bits - 1]),
    parent=st.sampled_from([GENESIS.previous] * 7 + [GENESIS.block_id]),
)
@example(2**32 - 1, (0,) * 11, 0, GENESIS.bits, GENESIS.previous)
@example(2**32 - 2, (0,) * 11, 0, GENESIS.bits, GENESIS.previous)
@example(2015, (0,) * 5 + (GENESIS.time - 1,) * 6, 7, GENESIS.bits, GENESIS.previous)
@example(2015, (0,) * 5 + (GENESIS.time,) * 6, 7, GENESIS.bits, GENESIS.previous)
@example(2014, (0,) * 11, GENESIS.time + 1, GENESIS.bits, GENESIS.previous)
@example(2014, (0,) * 11, 2**32 - 1, GENESIS.bits, GENESIS.previous)
@example(2014, (0,) * 11, GENESIS.time - 4 * TWO_WEEKS, GENESIS.bits, GENESIS.previous)
@example(2014, (2**32 - 1,) * 11, GENESIS.time, GENESIS.bits, GENESIS.previous)
def test_from_any_state_there_is_a_witness_for_the_step_that_the_rules_make_and_for_no_other(
    height: int, window: tuple[int, ...], epoch_start: int, next_bits: int, parent: BlockId
) -> None:
    before = state(height, times=window, epoch_start=epoch_start, next_bits=next_bits)
    before = replace(before, last=replace(before.last, block_id=parent))
    for circuit in StepCircuit:
        search = hashed(circuit)
        try:
            after = accept(before, GENESIS)
        except (HeaderRejected, MalformedId):
            after = None
        if after is None or circuit is not circuit_for(before):
            assert search.refutes(numbers(circuit, before))
            continue
        with search.trying(numbers(circuit, before)):
            found = [search.value(index) for index in circuit.program().public]
        assert found == [int(each) for each in public_inputs(before, after)]


def next_target(b: Builder) -> None:
    bits = compact(b, "bits", held(b, "raw", b.input("raw"), BYTES))
    first, last = (held(b, name, b.input(name)).value for name in ("first", "last"))
    b.publish("target", b.define("doubled", 2 * bits.target))
    b.publish("next", retargeted(b, "retarget", bits, first, last))


def work(b: Builder) -> None:
    digest = [held(b, f"word {index}", word, BYTES) for index, word in enumerate(b.inputs("word", 8))]
    bits = compact(b, "bits", held(b, "raw", b.input("raw"), BYTES))
    assert_met(b, "work", digest, bits.target)


@lru_cache
def part(describe: Callable[[Builder], None]) -> tuple[Search, Program]:
    b = Builder()
    describe(b)
    program = b.program()
    search = Search.of(program.bytecode())
    search.settle()
    return search, program


def swapped(word: int) -> int:
    return int.from_bytes(word.to_bytes(4, "big"), "little")


LIMIT = rules_of(Network.MAINNET).limit_bits

bits = st.one_of(
    st.builds(lambda size, mantissa: size << 24 | mantissa, st.integers(4, 29), st.integers(0x8000, 0x7FFFFF)),
    st.builds(
        lambda size, mantissa: size << 24 | mantissa,
        st.integers(2, 31),
        st.sampled_from([0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFF, 0x800000]),
    ),
    st.integers(0, 2**32 - 1),
)


@settings(max_examples=60, deadline=None)
@given(raw=bits, first=times, span=st.one_of(st.integers(0, 5 * TWO_WEEKS), st.integers(-(2**32), 2**32)))
@example(LIMIT, 0, 4 * TWO_WEEKS)
@example(LIMIT, 0, 2**32 - 1)
@example(LIMIT, 2**32 - 1, -(2**32))
@example(0x1C008000, 5, TWO_WEEKS // 4)
@example(0x1C007FFF, 5, 4 * TWO_WEEKS)
@example(0x04008000, 5, TWO_WEEKS // 4)
@example(0x1C7FFFFF, 5, TWO_WEEKS + 1)
def test_for_any_bits_and_times_there_are_the_next_bits_of_the_rule_and_no_others(raw: int, first: int, span: int) -> None:
    last = min(max(first + span, 0), 2**32 - 1)
    search, program = part(next_target)
    values = {program.wires.index(name): value for name, value in (("raw", swapped(raw)), ("first", first), ("last", last))}
    if search.refutes(values):
        assert not (raw <= LIMIT and covered(raw))
        return
    with search.trying(values):
        found = [search.value(index) for index in program.public]
    assert found == [2 * target_from_bits(raw), retarget(raw, first, last, rules_of(Network.MAINNET))]


@settings(max_examples=60, deadline=None)
@given(raw=bits, off=st.one_of(st.sampled_from([-1, 0, 1, -(2**32), 2**32]), st.integers(-(2**225), 2**225)))
def test_a_hash_has_a_witness_for_the_bits_that_it_meets_and_for_no_others(raw: int, off: int) -> None:
    search, program = part(work)
    stated = 4 <= raw >> 24 <= 29 and not raw & 0x800000
    target = (raw & 0x7FFFFF) << 8 * ((raw >> 24) - 3) if stated else 0
    number = min(max(target + off, 0), 2**256 - 1)
    words = struct.unpack(">8I", number.to_bytes(32, "little"))
    values = {program.wires.index(f"word/{index}"): word for index, word in enumerate(words)}
    # Above the limit, which no state allows, hashes that are too far below the target have no witness either.
    met = stated and 0 <= target - number < 2**224 and number < 2**224
    assert search.refutes({**values, program.wires.index("raw"): swapped(raw)}) is not met


def covered(raw: int) -> bool:
    try:
        return covers(raw)
    except Refused:
        return False


def lies(circuit: StepCircuit) -> list[Lie]:
    own = lies_about_plain() if circuit is StepCircuit.PLAIN else lies_about_retarget()
    return [lie for lie in (*lies_about(circuit), *own) if not lie.unmined]


@pytest.mark.parametrize(
    ("circuit", "every"), [(StepCircuit.RETARGET, 200), *(pytest.param(each, 25, marks=pytest.mark.slow) for each in StepCircuit)]
)
def test_the_search_concludes_nothing_from_a_constraint_that_is_left_out(circuit: StepCircuit, every: int) -> None:
    """A lie that one constraint alone keeps out is a witness without it, so the search must not refute it then."""
    names = [each.name for each in circuit.program().constraints]
    for lie in lies(circuit)[every // 2 :: every]:
        values = dict(enumerate(computed(lie.story, lie.inputs, lie.lies).wires))
        assert _settled(circuit.circuit()).refutes(values), lie
        assert not _settled(circuit.circuit(), names.index(lie.constraint)).refutes(values), lie


def digest(b: Builder) -> None:
    words = [held(b, f"word {index}", word, message_cuts(index)) for index, word in enumerate(b.inputs("word", 20))]
    for index, word in enumerate(header_digest(b, words)):
        b.publish(f"out {index}", word.value)


UNUSED = re.compile(
    r"word (0|16)/"  # only added: its range is the header's, not the hash's
    r"|round 63/first and second"  # for the round after
    r"|first block/after/word [012456]/|second block/after/word [1-7]/"  # the next block holds these by its own chunks and ANDs
)
"""Constraints without which the words of a header have one digest all the same."""


@pytest.mark.slow
def test_without_any_constraint_of_the_hash_the_header_has_more_digests_than_one() -> None:
    """One of each kind, that is of those that are the same but for their round or word, is left out at a time."""
    _, program = part(digest)
    given_words = {program.wires.index(f"word/{index}"): 0x9ABCDEF1 * (index + 3) % 2**32 for index in range(20)}
    kinds: dict[str, list[int]] = {}
    for index, constraint in enumerate(program.constraints):
        if not UNUSED.search(constraint.name):
            kinds.setdefault(re.sub(r"(round|schedule|word|chunk) \d+", r"\1", constraint.name), []).append(index)
    assert len(kinds) > 100
    bytecode = program.bytecode()
    for indices in kinds.values():
        search = Search.of(bytecode, (indices[len(indices) // 3],))
        search.give(given_words)
        search.settle()
        found = [search.value(index) for index in program.public]
        assert None in found, program.constraints[indices[len(indices) // 3]].name


def _settled(bytecode: bytes, *without: int) -> Search:
    search = Search.of(bytecode, without)
    search.settle()
    return search
