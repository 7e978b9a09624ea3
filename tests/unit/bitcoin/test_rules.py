"""Unit tests of `proofplane.bitcoin.rules`, on regtest headers made here; the mainnet ones are in `tests/vectors`."""

import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.base.ids import BlockCommitment, BlockId, Hash32, Height
from proofplane.bitcoin.header import Header
from proofplane.bitcoin.mining import grind
from proofplane.bitcoin.networks import Network, rules_of
from proofplane.bitcoin.rules import (
    ContinuityError,
    HeaderRejected,
    HeaderRule,
    HeaderState,
    InvalidAnchor,
    PowMismatch,
    PowNotMet,
    TimestampError,
    accept,
    anchor_state,
    median_time,
    next_bits_after,
    retarget,
)
from proofplane.bitcoin.target import target_from_bits

REGTEST = rules_of(Network.REGTEST)
MAINNET = rules_of(Network.MAINNET)
GENESIS = BlockCommitment(Height(0), REGTEST.genesis.block_id)
BITS = REGTEST.limit_bits


def start(height: int = 0) -> HeaderState:
    return anchor_state(Network.REGTEST, replace(GENESIS, height=Height(height)), BITS, REGTEST.genesis.time)


def child(state: HeaderState, time: int) -> Header:
    return grind(Header(0x20000000, state.last.block_id, Hash32(bytes(32)), time, state.next_bits, 0))


def chain(times: list[int], state: HeaderState) -> HeaderState:
    for time in times:
        state = accept(state, child(state, time))
    return state


def without_work(header: Header) -> Header:
    """The header with a nonce whose hash is above regtest's target."""
    nonces = (replace(header, nonce=nonce) for nonce in range(1000))
    return next(bad for bad in nonces if int.from_bytes(bad.block_id, "little") > target_from_bits(BITS))


def test_an_anchor_begins_with_a_window_of_zeros_and_no_work() -> None:
    assert start() == HeaderState(Network.REGTEST, GENESIS, BITS, REGTEST.genesis.time, (0,) * 11, 0, 0)


def test_an_accepted_header_moves_every_field_of_the_state() -> None:
    before = start()
    header = child(before, 1_300_000_000)
    assert accept(before, header) == HeaderState(
        network=Network.REGTEST,
        last=BlockCommitment(Height(1), header.block_id),
        next_bits=BITS,
        epoch_start=REGTEST.genesis.time,
        window=(1_300_000_000, *(0,) * 10),
        head=1,
        work=2,
    )


def test_the_window_is_a_ring_in_which_the_twelfth_time_replaces_the_first() -> None:
    after = chain([100 + n for n in range(12)], start())
    assert after.window == (111, *range(101, 111))
    assert (after.head, after.work) == (1, 24)


def test_the_first_block_of_an_epoch_sets_the_epoch_start_and_no_other_does() -> None:
    state = start(height=2014)
    starts = []
    for time in (10, 20, 30):
        state = accept(state, child(state, time))
        starts.append(state.epoch_start)
    assert starts == [REGTEST.genesis.time, 20, 20]


def test_regtest_keeps_its_bits_over_the_end_of_an_epoch() -> None:
    assert chain([10, 20], start(height=2013)).next_bits == BITS
    assert retarget(0x1D00FFFF, 0, 1, REGTEST) == 0x1D00FFFF


@pytest.mark.checklist(35)
def test_each_violation_gives_its_own_error_and_the_first_rule_in_order_wins() -> None:
    # Given a full window, and a header that breaks all four rules
    state = chain([1000 + n for n in range(11)], start())
    other = BlockId(b"\x07" * 32)
    good = child(state, 2000)
    bad = without_work(replace(good, previous=other, bits=0x1D00FFFF, time=1005))
    reported = []
    # When one rule after the other is mended, in order
    for mend in ({"previous": state.last.block_id}, {"bits": BITS}, {"time": 1006}):
        with pytest.raises(HeaderRejected) as caught:
            accept(state, bad)
        reported.append(caught.value)
        bad = without_work(replace(bad, **mend))
    with pytest.raises(PowNotMet) as last:
        accept(state, bad)
    # Then each error is that of the first rule still broken, with its values
    continuity, bits, time = reported
    assert isinstance(continuity, ContinuityError)
    assert (continuity.expected, continuity.found) == (state.last.block_id, other)
    assert isinstance(bits, PowMismatch)
    assert (bits.expected, bits.found) == (BITS, 0x1D00FFFF)
    assert isinstance(time, TimestampError)
    assert (time.time, time.median) == (1005, 1005)
    assert (last.value.block_id, last.value.target) == (bad.block_id, target_from_bits(BITS))
    assert [error.rule for error in (*reported, last.value)] == list(HeaderRule)


def test_the_codes_of_the_header_rules_are_fixed() -> None:
    assert [rule.value for rule in HeaderRule] == ["continuity", "bits", "time", "work"]


def test_the_time_must_be_above_the_median_not_above_the_parent() -> None:
    state = chain([1000 + n for n in range(11)], start())
    assert accept(state, child(state, 1006)).last.height == 12
    with pytest.raises(TimestampError):
        accept(state, child(state, 1005))


def test_until_six_blocks_are_in_the_window_any_time_above_zero_passes() -> None:
    state = chain([1000] * 5, start())
    assert median_time(state.window) == 0
    with pytest.raises(TimestampError):
        accept(state, child(state, 0))
    state = accept(state, child(state, 1))
    assert median_time(state.window) == 1


@given(st.lists(st.integers(0, 2**32 - 1), min_size=11, max_size=11))
def test_the_median_has_five_times_below_or_equal_and_five_above_or_equal(times: list[int]) -> None:
    median = median_time(tuple(times))
    assert sum(time < median for time in times) <= 5
    assert sum(time > median for time in times) <= 5
    assert median in times


@pytest.mark.parametrize(
    ("first", "last", "bits", "expected"),
    [
        (1261130161, 1262152739, 0x1D00FFFF, 0x1D00D86A),
        (1231006505, 1233061996, 0x1D00FFFF, 0x1D00FFFF),
        (1279008237, 1279297671, 0x1C05A3F4, 0x1C0168FD),
        (1263163443, 1269211443, 0x1C387F6F, 0x1D00E1FD),
    ],
    ids=["plain", "capped by the limit", "clamped below", "clamped above"],
)
def test_retargets_are_those_of_bitcoin_cores_own_tests(first: int, last: int, bits: int, expected: int) -> None:
    assert retarget(bits, first, last, MAINNET) == expected


def test_defect_m_a_last_block_older_than_the_first_counts_as_the_shortest_span() -> None:
    first = 1_300_000_000
    shortest = retarget(0x1B0404CB, first, first, MAINNET)
    assert target_from_bits(shortest) == pytest.approx(target_from_bits(0x1B0404CB) / 4, rel=1e-4)
    for last in (first - 1, first - 2_000_000, 0):
        assert retarget(0x1B0404CB, first, last, MAINNET) == shortest
        header = replace(MAINNET.genesis, time=last, bits=0x1B0404CB)
        assert next_bits_after(header, 2015, first, Network.MAINNET) == shortest


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_retarget_is_never_beyond_a_factor_of_four_nor_the_limit(first: int, last: int) -> None:
    old = target_from_bits(0x1C387F6F)
    new = target_from_bits(retarget(0x1C387F6F, first, last, MAINNET))
    assert old // 4 * 0.999 <= new <= min(old * 4, target_from_bits(MAINNET.limit_bits))


@pytest.mark.parametrize(("height", "expected"), [(2014, 0x1B0404CB), (2015, 0x1B010132), (2016, 0x1B0404CB), (4031, 0x1B010132)])
def test_only_the_last_block_of_an_epoch_changes_the_next_bits(height: int, expected: int) -> None:
    header = replace(MAINNET.genesis, time=100, bits=0x1B0404CB)
    assert next_bits_after(header, height, 100, Network.MAINNET) == expected


@pytest.mark.parametrize(
    ("network", "bits", "epoch_start"),
    [
        (Network.MAINNET, 0x207FFFFF, 0),
        (Network.MAINNET, 0x1D010000, 0),
        (Network.REGTEST, 0, 0),
        (Network.REGTEST, 0x04923456, 0),
        (Network.REGTEST, 0x207FFFFF, -1),
        (Network.REGTEST, 0x207FFFFF, 2**32),
    ],
)
def test_an_anchor_with_impossible_values_is_the_callers_mistake(network: Network, bits: int, epoch_start: int) -> None:
    with pytest.raises(InvalidAnchor):
        anchor_state(network, GENESIS, bits, epoch_start)


@pytest.mark.parametrize(
    "error",
    [
        ContinuityError(BlockId(bytes(32)), BlockId(b"\x01" * 32)),
        PowMismatch(1, 2),
        TimestampError(3, 4),
        PowNotMet(BlockId(bytes(32)), 5),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_errors_survive_the_way_to_another_process(error: HeaderRejected) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), vars(again), str(again)) == (type(error), vars(error), str(error))


def test_work_stays_at_the_most_that_a_state_can_hold() -> None:
    before = replace(start(), work=2**256 - 2)
    after = chain([1_300_000_000], before)
    assert after.work == 2**256 - 1
    assert chain([1_300_000_001], after).work == 2**256 - 1
