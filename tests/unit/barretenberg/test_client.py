"""Whatever the command, a field element that is not canonical is not sent, and every call has a deadline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kit.generated import contract
from kit.scripted_bb import ScriptedBb
from proofplane.barretenberg.client import MODULI, canonical, commands
from proofplane.barretenberg.field import Fr, NotCanonical
from proofplane.barretenberg.generated import barretenberg
from proofplane.barretenberg.generated.barretenberg import Blake2s, Blake2sResponse, Poseidon2Hash, Poseidon2HashResponse
from proofplane.rpc.codec import Codec
from proofplane.wire import Command
from proofplane.wire.names import pascal, snake
from proofplane.wire.schema.model import Array, FixedBytes, List, Named, Scalar, Struct, Type

SCHEMA = contract("bb")

BLANKS: dict[Scalar, Any] = {Scalar.BYTES: b"", Scalar.STRING: "", Scalar.BOOL: False}


def value(type_: Type, element: Callable[[str], bytes]) -> Any:
    """A value of a type of the contract, with `element(alias)` at each field element, two in each list."""
    if isinstance(type_, Named) and type_.name in MODULI:
        return element(type_.name)
    match SCHEMA.resolve(type_):
        case Struct() as struct:
            return message(struct, element)
        case List(inner):
            return [value(inner, element), value(inner, element)]
        case Array(inner, size):
            return tuple(value(inner, element) for _ in range(size))
        case FixedBytes(size):
            return bytes(size)
        case Scalar() as scalar:
            return BLANKS.get(scalar, 0)
        case other:
            raise AssertionError(other)


def message(struct: Struct, element: Callable[[str], bytes]) -> Any:
    return getattr(barretenberg, pascal(struct.name))(**{snake(field.name): value(field.type, element) for field in struct.fields})


def largest(alias: str) -> bytes:
    return (MODULI[alias] - 1).to_bytes(32, "big")


def built(struct: Struct, wrong: int | None = None) -> tuple[Command[Any], int]:
    """A request with the largest element everywhere, but the modulus at place `wrong`; and how many elements it has."""
    places: list[str] = []

    def element(alias: str) -> bytes:
        places.append(alias)
        return MODULI[alias].to_bytes(32, "big") if len(places) - 1 == wrong else largest(alias)

    return message(struct, element), len(places)


@pytest.mark.parametrize("struct", [command.request for command in SCHEMA.commands], ids=lambda struct: struct.name)
def test_every_field_element_of_every_command_is_checked(struct: Struct) -> None:
    request, places = built(struct)
    canonical(request)
    for place in range(places):
        with pytest.raises(NotCanonical, match=f"{struct.name}.*not less than the modulus"):
            canonical(built(struct, place)[0])


def test_the_contract_has_field_elements_to_check() -> None:
    assert sum(built(command.request)[1] for command in SCHEMA.commands) > 80
    assert {alias.name for alias in SCHEMA.aliases} == {*MODULI, "Fq2"}


def test_what_is_not_bytes_is_named() -> None:
    with pytest.raises(NotCanonical, match=r"Poseidon2Hash\.inputs\[1\] is no Fr"):
        canonical(Poseidon2Hash([bytes(32), "x" * 32]))  # type: ignore[list-item]  # what an unchecked caller may do


async def test_a_request_that_is_not_canonical_is_not_sent() -> None:
    bb = ScriptedBb({})
    with pytest.raises(NotCanonical):
        await commands(bb, timeout=1.0).poseidon2_hash(inputs=[b"\xff" * 32])
    assert bb.asked == []


async def test_elements_as_values_are_sent_as_their_bytes() -> None:
    bb = ScriptedBb({Poseidon2Hash: Poseidon2HashResponse(bytes(32))})
    await commands(bb, timeout=1.0).poseidon2_hash(inputs=[Fr.of(1), Fr.of(2)])
    codec = Codec(barretenberg.CONTRACT)
    assert codec.encode(bb.asked[0]) == codec.encode(Poseidon2Hash([bytes(31) + b"\x01", bytes(31) + b"\x02"]))


async def test_every_call_has_a_deadline() -> None:
    bb = ScriptedBb({Blake2s: Blake2sResponse(bytes(32)), Poseidon2Hash: Poseidon2HashResponse(bytes(32))})
    calls = commands(bb, timeout=1.5)
    assert await calls.blake2s(data=b"") == Blake2sResponse(bytes(32))
    await calls.poseidon2_hash(inputs=[], timeout=0.25)
    assert bb.timeouts == [1.5, 0.25]
