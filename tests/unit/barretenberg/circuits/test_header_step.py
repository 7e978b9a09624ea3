"""Unit tests of `proofplane.barretenberg.circuits.header_step`: circuits and plain rules agree, on real headers and on made-up ones."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.step_lies import WORK
from kit.step_stories import ABOVE_TARGET, GENESIS, HONEST, Story, broken, computed, state
from proofplane.barretenberg.acir.program import encode_witness
from proofplane.barretenberg.circuits.errors import Unprovable
from proofplane.barretenberg.circuits.header_step import StepCircuit, circuit_for, public_inputs, witness
from proofplane.base.ids import BlockCommitment, BlockId, Hash32, Height
from proofplane.bitcoin.header import HEADER_SIZE, Header
from proofplane.bitcoin.networks import Network, known_epoch_start
from proofplane.bitcoin.rules import HeaderState, accept, anchor_state, median_time, next_bits_after

FIRST = 40_000

STEPS = (40_001, 40_002, 40_012, 40_318, 40_319, 40_320, 40_321, 42_335, 46_367)
"""Heights: the first few with a window not yet full, a retarget and its neighbours, two more retargets."""

times = st.integers(0, 40)


def real_steps(data_dir: Path) -> Iterator[Story]:
    """The steps of the headers file, in order."""
    raw = (data_dir / "bitcoin" / "mainnet-headers-40000-49999.raw").read_bytes()
    headers = [Header.decode(raw[start : start + HEADER_SIZE]) for start in range(0, len(raw), HEADER_SIZE)]
    epoch_start = known_epoch_start(Network.MAINNET, FIRST)
    assert epoch_start is not None
    before = anchor_state(Network.MAINNET, BlockCommitment(Height(FIRST), headers[0].block_id), headers[0].bits, epoch_start)
    for header in headers[1:]:
        yield Story(circuit_for(before), before, header)
        before = accept(before, header)


@pytest.mark.data
def test_real_headers_meet_the_circuits_and_publish_their_states(data_dir: Path) -> None:
    for story in real_steps(data_dir):
        height = story.before.last.height + 1
        if height in STEPS:
            assert (story.circuit is StepCircuit.RETARGET) is (height % 2016 == 2015)
            assert broken(story, computed(story)) == set()
            assert published(story) == [int(each) for each in public_inputs(story.before, accept(story.before, story.header))]
        if height == STEPS[-1]:
            break


@pytest.mark.data
def test_the_witness_is_what_the_generator_computes_and_steps_chain(data_dir: Path) -> None:
    first, second = islice(real_steps(data_dir), 2)
    assert witness(first.before, first.header) == encode_witness(computed(first))
    assert published(first)[1] == published(second)[0]


@settings(max_examples=15, deadline=None)
@given(
    height=st.one_of(st.integers(0, 2**32 - 2), st.sampled_from([2013, 2014, 2015, 2016 * 2_000_000 - 2])),
    window=st.tuples(*[times] * 11),
    time=times,
    epoch_start=times,
    bits=st.sampled_from([0x1D00FFFF, 0x1C14D86A, 0x170A1B2C]),
    wrong_parent=st.booleans(),
    wrong_bits=st.sampled_from([0, 0, 1]),
)
def test_made_up_steps_break_what_they_break_of_the_rules_and_nothing_else(
    height: int, window: tuple[int, ...], time: int, epoch_start: int, bits: int, wrong_parent: bool, wrong_bits: int
) -> None:
    header = Header(2, BlockId(bytes(range(32))), Hash32(bytes(range(32))), time, bits, 5)
    before = state(height, header, times=window, epoch_start=epoch_start, next_bits=bits - wrong_bits)
    if wrong_parent:
        before = replace(before, last=BlockCommitment(before.last.height, GENESIS.block_id))
    expected = {"rules/previous hash high", "rules/previous hash low"} if wrong_parent else set()
    if wrong_bits:
        expected |= {"rules/bits"}
    if time <= median_time(window):
        expected |= {"rules/above median/six"}
    story = Story(circuit_for(before), before, header)
    found = broken(story, computed(story))
    assert "rules/work/top word" in found  # nobody mined it
    assert {name for name in found if not name.startswith(WORK)} == expected
    if not expected:
        assert published(story) == [int(each) for each in public_inputs(before, following(before, header))]


def test_the_circuit_is_that_of_the_place_in_the_epoch() -> None:
    assert [circuit_for(state(height)).name for height in (0, 2013, 2014, 2015, 4030)] == [
        "PLAIN",
        "PLAIN",
        "RETARGET",
        "PLAIN",
        "RETARGET",
    ]


@pytest.mark.parametrize("circuit", StepCircuit)
def test_the_other_circuit_takes_no_step(circuit: StepCircuit) -> None:
    honest = HONEST[circuit]
    assert broken(honest, computed(honest)) == set()
    (other,) = set(StepCircuit) - {circuit}
    story = replace(honest, circuit=other)
    expected = {"rules/epoch/not last of epoch/chunks"} if other is StepCircuit.PLAIN else {"rules/epoch/last of epoch"}
    assert broken(story, computed(story)) == expected


@pytest.mark.parametrize(
    ("before", "header", "reason"),
    [
        (replace(state(1000), last=BlockCommitment(Height(1000), GENESIS.block_id)), GENESIS, "rule continuity"),
        (state(1000, next_bits=0x1C00FFFF), GENESIS, "rule bits"),
        (state(1000, times=(0,) * 5 + (GENESIS.time,) * 6), GENESIS, "rule time"),
        (state(1000, ABOVE_TARGET), ABOVE_TARGET, "rule work"),
        (replace(state(1000), network=Network.REGTEST), GENESIS, "mainnet only"),
    ],
)
def test_what_cannot_be_proved_is_refused_with_the_reason(before: HeaderState, header: Header, reason: str) -> None:
    with pytest.raises(Unprovable, match=reason):
        witness(before, header)


def test_the_committed_keys_are_two_of_the_flavour_s_size() -> None:
    keys = {circuit.key() for circuit in StepCircuit}
    assert [len(key) for key in keys] == [3680, 3680]


def following(before: HeaderState, header: Header) -> HeaderState:
    """The state after a header whose work is not looked at."""
    height = before.last.height + 1
    epoch_start = header.time if height % 2016 == 0 else before.epoch_start
    return replace(
        before,
        last=BlockCommitment(Height(height), header.block_id),
        next_bits=next_bits_after(header, height, epoch_start, before.network),
        epoch_start=epoch_start,
        window=(*before.window[1:], header.time),
    )


def published(story: Story) -> list[int]:
    """The public inputs of the generator's witness."""
    values = computed(story)
    return [values.wires[index] for index in story.circuit.program().public]
