"""Messages, contracts and their lookups."""

from __future__ import annotations

import msgspec
import pytest

from proofplane.wire import Command, Contract, ErrorMessage, Hello, HelloResponse, Message, Method, same_schema
from proofplane.wire.messages import DuplicateMethod, NotAHash


class PingResponse(Message, frozen=True):
    tree_id: int = msgspec.field(name="treeId")


class Ping(Command[PingResponse], frozen=True, rename={"tree_id": "treeId"}):
    tree_id: int


class Pong(Command[PingResponse], frozen=True):
    pass


class Failure(ErrorMessage, frozen=True):
    pass


PING = Method(Ping, PingResponse, "Ping", "PingResponse")


def contract(*methods: Method, schema_hash: bytes = bytes(32)) -> Contract:
    return Contract("Test", schema_hash, methods, Failure, "ErrorResponse")


def test_a_contract_finds_its_methods_by_name_and_by_request_class() -> None:
    service = contract(PING, Method(Pong, PingResponse, "Pong", "PingResponse"))
    assert service.by_name["Ping"] is PING
    assert service.by_request[Pong].name == "Pong"
    assert "Gone" not in service.by_name


@pytest.mark.parametrize(
    "second", [Method(Pong, PingResponse, "Ping", "PongResponse"), Method(Ping, PingResponse, "Other", "OtherResponse")]
)
def test_a_contract_refuses_two_methods_with_one_name_or_one_request_class(second: Method) -> None:
    with pytest.raises(DuplicateMethod, match="Test has more than one method"):
        contract(PING, second)


def test_a_contract_refuses_a_hash_of_another_length() -> None:
    with pytest.raises(NotAHash, match="has 31 bytes"):
        contract(PING, schema_hash=bytes(31))


def test_the_lookups_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        contract(PING).by_name["Ping"] = PING  # type: ignore[index]  # what is tested


def test_messages_travel_under_their_names_on_the_wire() -> None:
    assert msgspec.msgpack.encode(Ping(7)) == b"\x81\xa6treeId\x07"
    assert msgspec.msgpack.decode(b"\x82\xa5other\xc0\xa6treeId\xcd\x00\x07", type=Ping) == Ping(7)


def test_messages_are_frozen_and_not_followed_by_the_garbage_collector() -> None:
    for kind in (Ping, PingResponse, Failure, Hello, HelloResponse):
        assert kind.__struct_config__.frozen
        assert not kind.__struct_config__.gc


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [(b"a" * 32, b"a" * 32, True), (b"a" * 32, b"b" * 32, False), (bytes(32), b"b" * 32, True), (b"a" * 32, bytes(32), True)],
)
def test_two_ends_fit_if_their_hashes_are_equal_or_one_has_none(ours: bytes, theirs: bytes, same: bool) -> None:
    assert same_schema(ours, theirs) is same
