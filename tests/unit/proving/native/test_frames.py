"""The messages between the native prover and its child processes."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.proving.native import frames
from proofplane.proving.native.frames import (
    HEADER_SIZE,
    MAX_FRAME,
    Batch,
    FrameTooLong,
    Job,
    MalformedFrame,
    Order,
    Outcome,
    PrerequisiteFailed,
    Proved,
    Ready,
    Report,
    Results,
    Unexecutable,
    Unfulfillable,
    Withdraw,
    Withdrawn,
    decode_order,
    decode_report,
    encode,
    length,
)

_counts = st.integers(0, 2**63)
_texts = st.text(max_size=frames.MAX_REASON)
_jobs = st.builds(
    Job,
    st.binary(min_size=32, max_size=32),
    st.binary(max_size=50),
    st.binary(max_size=300),
    st.lists(st.one_of(st.binary(max_size=100), st.integers(0, 100)), max_size=3),
)
_outcomes: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(Proved, st.binary(max_size=200), st.binary(min_size=64, max_size=64)),
    st.builds(Unexecutable, _texts),
    st.builds(Unfulfillable, _texts),
    st.builds(PrerequisiteFailed, _texts),
)
_batches = st.builds(Batch, _counts, st.lists(_jobs, max_size=5))
_orders = st.one_of(_batches, st.builds(Withdraw, _counts))
_reports = st.one_of(
    st.builds(Withdrawn, _counts),
    st.builds(Ready, st.text(max_size=64)),
    st.builds(Results, _counts, _counts, st.lists(_outcomes, min_size=1, max_size=5)),
)


@given(_orders)
def test_an_order_survives_its_frame(order: Order) -> None:
    frame = encode(order)
    assert length(frame[:HEADER_SIZE]) == len(frame) - HEADER_SIZE
    assert decode_order(frame[HEADER_SIZE:]) == order


@given(_reports)
def test_a_report_survives_its_frame(report: Report) -> None:
    assert decode_report(encode(report)[HEADER_SIZE:]) == report


def test_a_full_block_fits_in_a_batch() -> None:
    job = Job(bytes(32), b"", bytes(4_000_000), [])
    assert decode_order(encode(Batch(1, [job]))[HEADER_SIZE:]) == Batch(1, [job])


def test_a_message_over_the_limit_is_not_sent() -> None:
    with pytest.raises(FrameTooLong, match=str(MAX_FRAME)):
        encode(Batch(1, [Job(bytes(32), b"", bytes(MAX_FRAME), [])]))


def test_a_header_over_the_limit_is_malformed() -> None:
    assert length(MAX_FRAME.to_bytes(4, "little")) == MAX_FRAME
    with pytest.raises(MalformedFrame):
        length((MAX_FRAME + 1).to_bytes(4, "little"))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_malformed_and_nothing_else(payload: bytes) -> None:
    for decode in (decode_order, decode_report):
        with contextlib.suppress(MalformedFrame):
            decode(payload)


@pytest.mark.parametrize(
    "payload", [b"", b"\xc1", b"\x92\x02\xa1\xff", b"\x91" * 100_000, b"\x92\x09\xa0", encode(Ready("v"))[HEADER_SIZE:-1]]
)
def test_damaged_bytes_are_malformed(payload: bytes) -> None:
    for decode in (decode_order, decode_report):
        with pytest.raises(MalformedFrame):
            decode(payload)


@given(_reports, st.data())
def test_a_changed_byte_gives_a_report_or_is_malformed(report: Report, data: st.DataObject) -> None:
    payload = bytearray(encode(report)[HEADER_SIZE:])
    payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(MalformedFrame):
        decode_report(bytes(payload))


@pytest.mark.parametrize(
    "report",
    [
        Results(1, 0, [Proved(b"", bytes(63))]),
        Results(1, 0, [Proved(bytes(frames.MAX_PUBLIC_VALUES + 1), bytes(64))]),
        Results(1, 0, [Unexecutable("x" * (frames.MAX_REASON + 1))]),
        Results(1, 0, []),
        Results(1, -1, [Unexecutable("x")]),
        Ready("v" * 65),
    ],
)
def test_a_report_out_of_bounds_is_malformed(report: Report) -> None:
    with pytest.raises(MalformedFrame):
        decode_report(encode(report)[HEADER_SIZE:])


def test_a_chain_of_failures_names_its_first_cause_once() -> None:
    assert frames.prerequisite_failed(frames.prerequisite_failed("no key")) == "prerequisite failed: no key"
