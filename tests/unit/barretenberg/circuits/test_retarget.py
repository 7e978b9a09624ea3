"""Unit tests of `proofplane.barretenberg.circuits.retarget` and `target`: they agree with the plain rules on every target they cover."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from kit.acir_gadgets import Gadget
from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.circuits.retarget import retargeted
from proofplane.barretenberg.circuits.target import assert_met, compact, covers
from proofplane.barretenberg.circuits.words import BYTES, held
from proofplane.bitcoin.networks import Network, rules_of
from proofplane.bitcoin.rules import EPOCH_SECONDS, retarget
from proofplane.bitcoin.target import target_from_bits

RULES = rules_of(Network.MAINNET)
NOW = 2**31

bits_covered = st.builds(lambda size, mantissa: size << 24 | mantissa, st.integers(4, 29), st.integers(0x8000, 0x7FFFFF)).filter(
    lambda bits: target_from_bits(bits) <= target_from_bits(RULES.limit_bits)
)
edges = [factor * EPOCH_SECONDS // 4 + off for factor in (1, 16) for off in (-1, 0, 1)]
spans = st.one_of(st.sampled_from(edges), st.integers(EPOCH_SECONDS // 4, EPOCH_SECONDS * 4), st.integers(-NOW, NOW - 1))


def described(b: Builder) -> None:
    bits = compact(b, "bits", held(b, "raw", b.input("raw"), BYTES))
    first, last = (held(b, name, b.input(name)).value for name in ("first", "last"))
    b.publish("target", b.define("doubled", 2 * bits.target))
    b.publish("next", retargeted(b, "retarget", bits, first, last))


def met(b: Builder) -> None:
    digest = [held(b, f"word {index}", word, BYTES) for index, word in enumerate(b.inputs("word", 8))]
    assert_met(b, "work", digest, b.input("target"))


RETARGET, MET = Gadget(described), Gadget(met)


def inputs(bits: int, span: int) -> dict[str, int]:
    return {"raw": int.from_bytes(bits.to_bytes(4, "little"), "big"), "first": NOW, "last": NOW + span}


@given(bits=bits_covered, span=spans)
@example(RULES.limit_bits, EPOCH_SECONDS * 4)
@example(RULES.limit_bits, EPOCH_SECONDS)
@example(RULES.limit_bits, EPOCH_SECONDS // 2 + 100)
@example(0x1C7FFFFF, EPOCH_SECONDS + 1)
@example(0x1C008000, EPOCH_SECONDS - 1)
@example(0x04008000, EPOCH_SECONDS // 4)
@example(0x1D00D86A, -5)
def test_the_next_bits_are_those_of_the_plain_rule(bits: int, span: int) -> None:
    assert covers(bits)
    assert RETARGET.broken(inputs(bits, span)) == set()
    target, following = RETARGET.published(inputs(bits, span))
    assert target == 2 * target_from_bits(bits)
    assert following == retarget(bits, NOW, NOW + span, RULES)


@given(bits=bits_covered, span=spans, off=st.sampled_from([-256, -1, 1, 256]))
def test_no_other_mantissa_passes(bits: int, span: int, off: int) -> None:
    names = RETARGET.program.wires
    mantissa = RETARGET.program.compute(inputs(bits, span)).wires[names.index("retarget/mantissa")]
    broken = RETARGET.broken(inputs(bits, span), {"retarget/mantissa": mantissa + off})
    assert broken & {"retarget/remainder from 0/chunks", "retarget/remainder below divisor/chunks"}


@given(bits=bits_covered, span=spans, shift=st.integers(0, 2))
def test_no_other_size_passes(bits: int, span: int, shift: int) -> None:
    shifts = [f"retarget/shift/{index}" for index in range(3)]
    values = RETARGET.program.compute(inputs(bits, span))
    honest = [values.wires[RETARGET.program.wires.index(name)] for name in shifts].index(1)
    assume(shift != honest)
    broken = RETARGET.broken(inputs(bits, span), {name: int(index == shift) for index, name in enumerate(shifts)})
    assert broken & {"retarget/mantissa not negative/chunks", "retarget/mantissa canonical/chunks"}


@pytest.mark.parametrize(
    ("bits", "reason"),
    [
        (0x03123456, "size chosen"),
        (0x1E000001, "size chosen"),
        (0x207FFFFF, "size chosen"),
        (0x1C800001, "not negative"),
        (0x1CFFFFFF, "not negative"),
    ],
)
def test_bits_that_are_not_covered_have_no_proof(bits: int, reason: str) -> None:
    assert f"bits/{reason}" in RETARGET.broken(inputs(bits, EPOCH_SECONDS))


@pytest.mark.parametrize("bits", [0x03123456, 0x1E000001, 0x1C007FFF, 0x207FFFFF])
def test_bits_that_are_not_canonical_or_out_of_reach_are_not_covered(bits: int) -> None:
    assert not covers(bits)


@given(hash_=st.integers(0, 2**224 - 1), off=st.integers(-(2**100), 2**100))
@example(0, 0)
@example(2**224 - 1, 0)
@example(2**224 - 1, -1)
@example(0, -1)
def test_a_hash_is_met_by_targets_that_are_not_below_it(hash_: int, off: int) -> None:
    target = hash_ + off
    assume(target < 2**224)
    raw = hash_.to_bytes(32, "little")
    words = {f"word/{index}": int.from_bytes(raw[4 * index : 4 * index + 4], "big") for index in range(8)}
    expected = {"work/target minus hash/chunks"} if off < 0 else set()
    assert MET.broken({**words, "target": target}) == expected


def test_a_hash_of_more_than_224_bits_meets_no_target() -> None:
    words = {f"word/{index}": int(index == 7) for index in range(8)}
    assert MET.broken({**words, "target": 2**224 - 1}) == {"work/top word"}
