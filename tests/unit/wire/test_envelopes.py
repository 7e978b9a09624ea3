"""Envelopes: both shapes, every reason code; the refused golden frames hold the same rules for every language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.wire.envelopes import (
    MAX_ID,
    BadEnvelopeValue,
    Envelope,
    EnvelopeReason,
    UnreadableEnvelope,
    read_reply,
    read_request,
    write_reply,
    write_request,
)

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=60).filter(lambda name: len(name.encode()) <= 255)
IDS = st.none() | st.integers(1, MAX_ID)


@given(NAMES, st.binary(min_size=1, max_size=80), IDS)
def test_what_is_written_is_read_again(name: str, payload: bytes, number: int | None) -> None:
    assert read_request(write_request(name, payload, number)) == Envelope(number, name, payload)
    assert read_reply(write_reply(name, payload, number)) == Envelope(number, name, payload)


def test_the_bytes_are_those_of_the_real_peers() -> None:
    assert write_request("Blake2s", b"\x80") == b"\x91\x92\xa7Blake2s\x80"
    assert write_reply("Blake2sResponse", b"\x80") == b"\x92\xafBlake2sResponse\x80"
    assert write_request("A", b"\x80", 300) == b"\x92\xcd\x01\x2c\x92\xa1A\x80"
    assert write_reply("A", b"\x80", 1) == b"\x92\x01\x92\xa1A\x80"


@pytest.mark.parametrize(
    ("reason", "request_body", "reply_body"),
    [
        (EnvelopeReason.EMPTY, b"", b""),
        (EnvelopeReason.NOT_AN_ENVELOPE, b"\x93\x01\x02\x03", b"\x91\x92\xa1A\x80"),
        (EnvelopeReason.ID_NOT_AN_INTEGER, b"\x92\xa1A\x80", b"\x92\xc0\x92\xa1A\x80"),
        (EnvelopeReason.ID_ZERO, b"\x92\x00\x92\xa1A\x80", b"\x92\xd0\x00\x92\xa1A\x80"),
        (EnvelopeReason.NOT_A_PAIR, b"\x91\xa1A", b"\x92\x01\x93\xa1A\x80\x80"),
        (EnvelopeReason.BAD_NAME, b"\x91\x92\x05\x80", b"\x92\x01\x92\xda\x01\x00"),
        (EnvelopeReason.NAME_NOT_UTF8, b"\x91\x92\xa1\xff\x80", b"\x92\xa1\xff\x80"),
        (EnvelopeReason.TRUNCATED, b"\x91\x92\xa1A", b"\x92\xa5A"),
    ],
)
def test_each_reason_is_given_for_requests_and_for_replies(reason: EnvelopeReason, request_body: bytes, reply_body: bytes) -> None:
    with pytest.raises(UnreadableEnvelope) as request_error:
        read_request(request_body)
    with pytest.raises(UnreadableEnvelope) as reply_error:
        read_reply(reply_body)
    assert request_error.value.reason is reason
    assert reply_error.value.reason is reason
    assert len(str(reply_error.value)) > 10


def test_the_reasons_are_those_of_the_reactor() -> None:
    assert {reason.value for reason in EnvelopeReason} == {
        "empty", "not_an_envelope", "id_not_an_integer", "id_zero", "not_a_pair", "bad_name", "name_not_utf8", "truncated",
    }  # fmt: skip


@given(NAMES, st.binary(min_size=1, max_size=20), IDS, st.data())
def test_no_envelope_that_was_cut_off_is_read(name: str, payload: bytes, number: int | None, data: st.DataObject) -> None:
    whole = write_request(name, payload, number)
    cut = whole[: data.draw(st.integers(0, len(whole) - len(payload)))]
    with pytest.raises(UnreadableEnvelope) as caught:
        read_request(cut)
    assert caught.value.reason in (EnvelopeReason.EMPTY, EnvelopeReason.TRUNCATED)


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused_with_a_reason(body: bytes) -> None:
    for read in (read_request, read_reply):
        try:
            envelope = read(body)
        except UnreadableEnvelope:
            pass  # with one of its reasons; anything else would be an error here
        else:
            assert body.endswith(envelope.payload)


@pytest.mark.parametrize(("name", "number"), [("A", 0), ("A", MAX_ID + 1), ("n" * 256, None), ("\ud800", None)])
def test_what_an_envelope_cannot_carry_is_not_written(name: str, number: int | None) -> None:
    with pytest.raises(BadEnvelopeValue):
        write_request(name, b"\x80", number)
