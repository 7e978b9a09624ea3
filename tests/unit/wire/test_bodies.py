"""Whole bodies by a contract alone."""

from __future__ import annotations

import pytest

from proofplane.wire.bodies import Bodies, Body, UnknownCommand, UnknownName
from proofplane.wire.schema.parse import parse_contract

CODEC = Bodies(
    parse_contract(
        """{
          "service": "Circuits",
          "types": { "Vk": { "hash": "bytes" } },
          "error": { "name": "CircuitsError", "fields": { "message": "string" } },
          "commands": {
            "Stats": { "request": { "circuit": "bytes" }, "response": { "name": "InfoResponse", "fields": { "gates": "u32" } } },
            "ComputeVk": { "request": {}, "response": "Vk" }
          }
        }"""
    )
)


@pytest.mark.parametrize("number", [None, 7])
def test_requests_and_replies_travel_under_the_names_that_the_contract_gives(number: int | None) -> None:
    request = Body("Stats", {"circuit": b"c"}, number)
    assert CODEC.read_request(CODEC.write_request(request)) == request
    for reply in (
        Body("InfoResponse", {"gates": 3}, number),
        Body("Vk", {"hash": b"h"}, number),
        Body("CircuitsError", {"message": "m"}, number),
    ):
        assert CODEC.read_reply(CODEC.write_reply(reply)) == reply


def test_hello_belongs_to_every_contract() -> None:
    hello = Body("Hello", {"schema_hash": bytes(32)})
    assert CODEC.read_request(CODEC.write_request(hello)) == hello
    answer = Body("HelloResponse", {"schema_hash": bytes(32), "ids": True, "max_frame": 1})
    assert CODEC.read_reply(CODEC.write_reply(answer)) == answer


def test_names_that_the_contract_does_not_have_are_refused_both_ways() -> None:
    with pytest.raises(UnknownName, match="Circuits has no 'StatsResponse'"):
        CODEC.read_reply(b"\x92\xadStatsResponse\x80")
    with pytest.raises(UnknownCommand, match="it has Hello, Stats, ComputeVk"):
        CODEC.write_request(Body("Gone", {}))
