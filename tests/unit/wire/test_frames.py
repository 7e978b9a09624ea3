"""Framing: whatever the cuts, the same bodies; never trusting a length."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.wire.frames import BodyTooLarge, FrameCutOff, FrameDecoder, OversizedFrame, encode_frame


def drain(decoder: FrameDecoder) -> list[bytes]:
    found = []
    while (body := decoder.next_frame()) is not None:
        found.append(body)
    return found


@given(st.lists(st.binary(max_size=40)), st.lists(st.integers(1, 30)))
def test_the_same_bodies_come_out_however_the_stream_is_cut(bodies: list[bytes], steps: list[int]) -> None:
    stream = b"".join(map(encode_frame, bodies))
    decoder = FrameDecoder()
    found: list[bytes] = []
    at = 0
    for step in [*steps, len(stream)]:
        decoder.receive(stream[at : at + step])
        at += step
        found += drain(decoder)
    decoder.end()
    assert found == bodies
    assert decoder.pending == 0


def test_a_frame_of_no_bytes_is_a_frame() -> None:
    decoder = FrameDecoder()
    decoder.receive(bytes(8))
    assert drain(decoder) == [b"", b""]


def test_a_body_at_the_limit_passes_and_one_over_it_ends_the_stream_for_good() -> None:
    decoder = FrameDecoder(limit=5)
    decoder.receive(encode_frame(b"12345") + encode_frame(b"123456") + encode_frame(b"1"))
    assert decoder.next_frame() == b"12345"
    for _ in range(2):
        with pytest.raises(OversizedFrame) as caught:
            decoder.next_frame()
        assert (caught.value.size, caught.value.limit) == (6, 5)
        decoder.receive(encode_frame(b"1"))
    assert decoder.pending == 0


def test_a_huge_length_reserves_nothing() -> None:
    decoder = FrameDecoder(limit=2**32 - 1)
    decoder.receive(b"\xff\xff\xff\xffabc")
    assert decoder.next_frame() is None
    assert decoder.pending == 7


@pytest.mark.parametrize("stream", [b"\x01", b"\x01\0\0", b"\x02\0\0\0a"])
def test_a_stream_that_ends_inside_a_frame_is_told_from_one_that_ends_between_frames(stream: bytes) -> None:
    decoder = FrameDecoder()
    decoder.receive(stream)
    assert decoder.next_frame() is None
    with pytest.raises(FrameCutOff) as caught:
        decoder.end()
    assert caught.value.pending == len(stream)


def test_a_body_over_the_limit_is_not_sent() -> None:
    assert encode_frame(b"ab", limit=2) == b"\x02\0\0\0ab"
    with pytest.raises(BodyTooLarge, match="3 bytes is over the limit of 2"):
        encode_frame(b"abc", limit=2)
