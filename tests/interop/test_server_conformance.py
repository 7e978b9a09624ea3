"""Raw frames that no generated client sends, against the echo server of every language: docs/design/reactor.md says what must come back."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kit.echo_builds import LANGUAGES, echo_program
from kit.echo_program import end, left_over, served
from kit.rpc_raw import RawClient, frame, numbered, plain

MAX_FRAME = 64 << 20
"""What every server takes unless told otherwise, bytes."""

SOON, LATE = 0, 300
"""Milliseconds of sleep: none, and so many that a reply which must not wait for it is surely first."""


@pytest.fixture(scope="module", params=LANGUAGES)
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for all tests: what one client does may not harm the next."""
    place = str(tmp_path_factory.mktemp("conformance") / f"{request.param}.sock")
    with served(echo_program(request.param), place) as process:
        yield place
        assert end(process) == 0
    assert left_over(place) == []


def body(value: object) -> bytes:
    packed: bytes = msgspec.msgpack.encode(value)
    return packed


def sleep(milliseconds: int, token: int, number: int | None = None) -> bytes:
    fields = {"milliseconds": milliseconds, "token": token}
    return plain("Sleep", fields) if number is None else numbered(number, "Sleep", fields)


def echo(data: bytes) -> bytes:
    return plain("EchoBytes", {"data": data})


def echoed(data: bytes) -> list[Any]:
    return ["EchoBytesResponse", {"data": data}]


def slept(token: int) -> list[Any]:
    return ["SleepResponse", {"token": token}]


def assert_error(reply: Any) -> None:
    name, fields = reply
    assert name == "ErrorResponse"
    assert fields.keys() == {"message"}
    assert fields["message"]


ODD = {
    "empty frame": b"",
    "not msgpack": b"\xc1",
    "nil": b"\xc0",
    "a number": b"\x07",
    "a map": b"\x80",
    "empty array": b"\x90",
    "outer array of three": body([1, 2, 3]),
    "inner not an array": body(["EchoBytes"]),
    "inner of one": body([["EchoBytes"]]),
    "inner of three": body([["EchoBytes", {}, {}]]),
    "name not a string": body([[7, {}]]),
    "name binary": body([[b"EchoBytes", {}]]),
    "name not utf-8": b"\x91\x92\xa1\xff\x80",
    "name longer than any": body([["n" * 256, {}]]),
    "unwrapped pair": body(["EchoBytes", {"data": b""}]),
    "id zero": body([0, ["EchoBytes", {"data": b""}]]),
    "negative id": body([-1, ["EchoBytes", {"data": b""}]]),
    "fractional id": body([1.0, ["EchoBytes", {"data": b""}]]),
    "no payload": b"\x91\x92\xa9EchoBytes",
    "cut short": body([["EchoBytes", {}]])[:-3],
    "unknown method": body([["Nothing", {}]]),
    "fields missing": body([["EchoBytes", {}]]),
    "fields of the wrong type": body([["EchoBytes", {"data": 3}]]),
    "payload nil": body([["EchoBytes", None]]),
    "bytes after the fields": body([["EchoBytes", {"data": b""}]]) + b"\xc0",
    "garbage": bytes(range(200, 256)),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_an_odd_body_gets_an_error_in_its_place_and_the_connection_goes_on(address: str, odd: bytes) -> None:
    async with RawClient(address) as client:
        await client.send(echo(b"before") + frame(odd) + echo(b"after"))

        assert await client.reply() == echoed(b"before")
        assert_error(await client.reply())
        assert await client.reply() == echoed(b"after")


ODD_WITH_ID = {
    "inner missing": b"\x92\x07",
    "inner nil": body([7, None]),
    "inner of one": body([7, ["EchoBytes"]]),
    "inner of three": body([7, ["EchoBytes", {}, {}]]),
    "name not a string": body([7, [7, {}]]),
    "name not utf-8": b"\x92\x07\x92\xa1\xff\x80",
    "no payload": b"\x92\x07\x92\xa9EchoBytes",
    "signed id": b"\x92\xd3\0\0\0\0\0\0\0\x07\xc0",
    "unknown method": body([7, ["Nothing", {}]]),
    "fields missing": body([7, ["EchoBytes", {}]]),
}


@pytest.mark.parametrize("odd", ODD_WITH_ID.values(), ids=ODD_WITH_ID)
async def test_an_odd_body_with_an_id_that_can_be_read_gets_an_error_under_it(address: str, odd: bytes) -> None:
    async with RawClient(address) as client:
        await client.send(frame(odd))

        number, error = await client.reply()
        assert number == 7
        assert_error(error)


async def test_the_longest_name_is_unknown_and_not_malformed_in_any_width(address: str) -> None:
    name = b"n" * 255
    async with RawClient(address) as client:
        for head in (b"\xd9\xff", b"\xda\x00\xff", b"\xdb\x00\x00\x00\xff"):
            await client.send(frame(b"\x91\x92" + head + name + b"\x80"))
            _, fields = await client.reply()
            assert name.decode() in fields["message"]


async def test_an_id_in_flight_is_refused_and_the_earlier_request_keeps_its_answer(address: str) -> None:
    async with RawClient(address) as client:
        await client.send(sleep(LATE, 1, 7) + sleep(SOON, 2, 7))

        number, error = await client.reply()
        assert number == 7
        assert_error(error)
        assert await client.reply() == [7, slept(1)]
        await client.send(sleep(SOON, 3, 7))
        assert await client.reply() == [7, slept(3)]


async def test_plain_replies_come_in_order_and_numbered_ones_when_they_are_done(address: str) -> None:
    async with RawClient(address) as client:
        await client.send(sleep(LATE, 1) + sleep(SOON, 2) + sleep(LATE, 3, 30) + sleep(SOON, 4, 40))

        replies = [await client.reply() for _ in range(4)]
        assert replies[0] == [40, slept(4)]
        assert [reply for reply in replies if isinstance(reply[0], str)] == [slept(1), slept(2)]
        assert [30, slept(3)] in replies


@pytest.mark.parametrize("payload", [{}, None, {"schema_hash": b"short"}, 7], ids=repr)
async def test_hello_is_answered_whatever_its_payload_is(address: str, payload: object) -> None:
    async with RawClient(address) as client:
        await client.send(plain("Hello", payload) + numbered(9, "Hello", payload))

        replies = [await client.reply(), await client.reply()]
        greeting = next(reply for reply in replies if reply[0] == "HelloResponse")
        assert list(greeting[1]) == ["schema_hash", "ids", "max_frame"]
        assert (len(greeting[1]["schema_hash"]), greeting[1]["ids"], greeting[1]["max_frame"]) == (32, True, MAX_FRAME)
        assert [9, greeting] in replies


@pytest.mark.parametrize("length", [MAX_FRAME + 1, 2**32 - 1])
async def test_a_frame_over_the_limit_gets_an_error_in_its_place_and_the_connection_ends(address: str, length: int) -> None:
    async with RawClient(address) as client:
        await client.send(sleep(LATE, 1) + struct.pack("<I", length) + b"and some of it")

        assert await client.reply() == slept(1)
        assert_error(await client.reply())
        assert await client.ended()


async def test_what_was_asked_before_the_client_stopped_sending_is_answered(address: str) -> None:
    async with RawClient(address) as client:
        await client.send(sleep(LATE, 1) + echo(b"last"))
        client.writer.write_eof()

        assert await client.reply() == slept(1)
        assert await client.reply() == echoed(b"last")
        assert await client.ended()


async def test_half_a_frame_and_silence_hold_up_nobody(address: str) -> None:
    async with RawClient(address) as half, RawClient(address) as other:
        await half.send(echo(b"in two parts")[:9])
        await other.send(echo(b"other"))
        assert await other.reply() == echoed(b"other")

        await half.send(echo(b"in two parts")[9:])
        assert await half.reply() == echoed(b"in two parts")


async def test_a_client_that_leaves_before_its_reply_hurts_nobody(address: str) -> None:
    async with RawClient(address) as leaver:
        await leaver.send(sleep(LATE, 1) + sleep(LATE, 2, 7))
    async with RawClient(address) as other:
        await other.send(sleep(LATE, 3) + echo(b"hello"))
        assert await other.reply() == slept(3)
        assert await other.reply() == echoed(b"hello")


def test_the_socket_is_its_owners_alone(address: str) -> None:
    assert Path(address).stat().st_mode & 0o777 == 0o600
