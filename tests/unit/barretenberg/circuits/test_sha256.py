"""Unit tests of `proofplane.barretenberg.circuits.sha256`: `hashlib` gives the same, and lies of every kind are found out."""

import hashlib
import re
import struct
from collections import defaultdict
from functools import lru_cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kit.acir_gadgets import Gadget
from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.acir.opcodes import Range
from proofplane.barretenberg.circuits.sha256 import compressed, header_digest, message_cuts
from proofplane.barretenberg.circuits.words import held
from proofplane.barretenberg.field import MODULUS

INPUTS = {f"state/{index}": 0x12345678 * (index + 1) % 2**32 for index in range(8)} | {
    f"word/{index}": 0x9ABCDEF1 * (index + 3) % 2**32 for index in range(16)
}
"""Of one compression."""


def double(b: Builder) -> None:
    words = [held(b, f"word {index}", word, message_cuts(index)) for index, word in enumerate(b.inputs("word", 20))]
    for index, word in enumerate(header_digest(b, words)):
        b.publish(f"out {index}", word.value)


def single(b: Builder) -> None:
    state = [held(b, f"state {index}", word) for index, word in enumerate(b.inputs("state", 8))]
    block = [held(b, f"word {index}", word, message_cuts(index)) for index, word in enumerate(b.inputs("word", 16))]
    for index, word in enumerate(compressed(b, state, block)):
        b.publish(f"out {index}", word.value)


@settings(max_examples=2, deadline=None)
@given(message=st.binary(min_size=80, max_size=80))
@example(b"\xff" * 80)
def test_the_digest_is_that_of_hashlib(message: bytes) -> None:
    inputs = {f"word/{index}": word for index, word in enumerate(struct.unpack(">20I", message))}
    assert header().broken(inputs) == set()
    digest = hashlib.sha256(hashlib.sha256(message).digest()).digest()
    assert header().published(inputs) == list(struct.unpack(">8I", digest))


def kinds() -> list[list[str]]:
    """Names of a compression's constraints, together those that are the same but for the round or word."""
    found = defaultdict(list)
    for constraint in compression().program.constraints:
        if not constraint.name.startswith("out"):
            found[re.sub(r"(round|schedule|word|state) \d+", r"\1", constraint.name)].append(constraint.name)
    return list(found.values())


def test_a_lie_about_any_kind_of_and_sum_or_definition_is_broken_there_alone_and_changes_the_state() -> None:
    opcodes = {constraint.name: constraint.opcode for constraint in compression().program.constraints}
    samples = [names[len(names) // 3] for names in kinds()]
    samples = [name for name in samples if not isinstance(opcodes[name], Range) and not name.endswith("/chunks")]
    assert len(samples) > 15
    for name in samples:
        wire = re.sub("/sum$", "/word", name)
        lies = ({wire: value(wire) ^ 1 << bit} for bit in range(5, 25))
        if not any(result(lie) != result({}) and compression().broken(INPUTS, lie) == {name} for lie in lies):
            pytest.fail(f"no lie about {name} is broken there alone and changes the state")


@pytest.mark.parametrize("part", ["round 7/first", "round 60/fifth", "schedule 20/word", "after/word 0"])
def test_a_carry_that_is_no_small_number_makes_any_state(part: str) -> None:
    missing = value(f"{part}/word") - 12345
    lies = {f"{part}/word": 12345, f"{part}/carry": value(f"{part}/carry") + missing * pow(2**32, -1, MODULUS)}
    assert compression().broken(INPUTS, lies) == {f"{part}/carry"}
    assert result(lies) != result({})


@pytest.mark.parametrize("part", ["word 5", "round 7/fifth", "round 7/first", "schedule 20/mixed 1/cut", "round 0/mixed 0/cut"])
def test_chunks_that_are_not_the_word_make_another_state(part: str) -> None:
    lies = {f"{part}/chunk 0": value(f"{part}/chunk 0") ^ 1}
    assert compression().broken(INPUTS, lies) == {f"{part}/chunks"}
    assert result(lies) != result({})


def test_a_chunk_wider_than_its_place_makes_another_state() -> None:
    """The lowest chunk is shifted out in the schedule, so what it has too much is lost there."""
    lies = {"word 5/chunk 0": value("word 5/chunk 0") + 8, "word 5/chunk 3": value("word 5/chunk 3") - 1}
    assert compression().broken(INPUTS, lies) == {"word 5/chunk 0"}
    assert result(lies) != result({})


def test_a_word_wider_than_32_bits_makes_the_same_state_so_that_it_is_held() -> None:
    """The first word of a block is only added; the circuit would take a header whose first word has 33 bits."""
    wide = INPUTS | {"word/0": INPUTS["word/0"] + 2**32}
    lies = {"word 0/chunk 22": (INPUTS["word/0"] >> 22) + 2**10}
    assert compression().broken(wide, lies) == {"word 0/chunk 22"}
    assert compression().published(wide, lies) == result({})


@lru_cache
def header() -> Gadget:
    return Gadget(double)


@lru_cache
def compression() -> Gadget:
    return Gadget(single)


def result(lies: dict[str, int]) -> list[int]:
    return compression().published(INPUTS, lies) if lies else [value(f"out {index}") for index in range(8)]


def value(wire: str) -> int:
    return honest()[wire]


@lru_cache
def honest() -> dict[str, int]:
    program = compression().program
    return dict(zip(program.wires, program.compute(INPUTS).wires, strict=True))
