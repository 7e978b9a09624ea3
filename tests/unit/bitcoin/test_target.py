"""Unit tests of `proofplane.bitcoin.target`; the fixed values are those of Bitcoin Core's own tests of the compact form."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.base.errors import CallerMistake
from proofplane.bitcoin.target import MalformedTarget, bits_from_target, target_from_bits, work_of


@pytest.mark.parametrize(
    ("bits", "target"),
    [
        (0x01123456, 0x12),
        (0x02123456, 0x1234),
        (0x03123456, 0x123456),
        (0x04123456, 0x12345600),
        (0x02008000, 0x80),
        (0x05009234, 0x92340000),
        (0x20123456, 0x123456 << 232),
        (0x1D00FFFF, 0xFFFF << 208),
        (0x207FFFFF, 0x7FFFFF << 232),
        (0x2200_00FF, 0xFF << 248),
        (0x2100_FFFF, 0xFFFF << 240),
    ],
)
def test_a_compact_form_stands_for_its_target(bits: int, target: int) -> None:
    assert target_from_bits(bits) == target


@pytest.mark.parametrize(
    ("bits", "why"),
    [
        (0, "zero"),
        (0x00123456, "zero"),
        (0x01003456, "zero"),
        (0x02000056, "zero"),
        (0x03000000, "zero"),
        (0x04000000, "zero"),
        (0x01FEDCBA, "negative"),
        (0x04923456, "negative"),
        (0x04800001, "negative"),
        (0xFF123456, "over 256 bits"),
        (0x23000001, "over 256 bits"),
        (0x22000100, "over 256 bits"),
        (0x21010000, "over 256 bits"),
    ],
)
def test_a_compact_form_without_a_target_is_refused(bits: int, why: str) -> None:
    with pytest.raises(MalformedTarget) as caught:
        target_from_bits(bits)
    assert caught.value.bits == bits
    with pytest.raises(MalformedTarget):
        work_of(bits)


@pytest.mark.parametrize(
    ("target", "bits"),
    [
        (0, 0),
        (0x12, 0x01120000),
        (0x80, 0x02008000),
        (0x1234, 0x02123400),
        (0x123456, 0x03123456),
        (0x12345678, 0x04123456),
        (0x92340000, 0x05009234),
        (2**256 - 1, 0x2100FFFF),
    ],
)
def test_a_target_has_one_canonical_compact_form(target: int, bits: int) -> None:
    assert bits_from_target(target) == bits


@given(st.integers(1, 2**256 - 1))
def test_the_compact_form_drops_all_but_the_leading_bytes(target: int) -> None:
    kept = target_from_bits(bits_from_target(target))
    assert kept <= target
    assert target - kept < max(1, target >> 15)
    assert bits_from_target(kept) == bits_from_target(target)


@given(st.integers(0, 2**32 - 1))
def test_every_compact_form_is_refused_or_stands_for_a_target_that_keeps_its_value(bits: int) -> None:
    try:
        target = target_from_bits(bits)
    except MalformedTarget:
        return
    assert 0 < target < 2**256
    assert target_from_bits(bits_from_target(target)) == target


@pytest.mark.parametrize("target", [-1, 2**256])
def test_a_target_outside_of_256_bits_is_the_callers_mistake(target: int) -> None:
    with pytest.raises(CallerMistake):
        bits_from_target(target)


@pytest.mark.parametrize(("bits", "work"), [(0x1D00FFFF, 0x1_0001_0001), (0x207FFFFF, 2), (0x2100FFFF, 1), (0x01010000, 2**255)])
def test_work_is_the_expected_number_of_hashes(bits: int, work: int) -> None:
    assert work_of(bits) == work


def test_the_error_survives_the_way_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(MalformedTarget(0x04923456))).bits == 0x04923456
