"""The canonical form, the hash that two ends compare, and the text for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kit.small_contracts import RIGHT, command, text
from proofplane.wire.schema.canonical import canonical_json, schema_hash, to_jsonc
from proofplane.wire.schema.parse import parse_contract

SCHEMAS = Path(__file__).parents[4] / "schema"
ECHO = "711e0ff9404b76d07808697d97281d9ad3cf0c9bf9dbc2473cb1e8553c06b262"
"""Both ends of every older build say this of the echo service: a change of the form must be wanted."""

TWO = {"A": {"x": "u8", "y": "u8"}, "B": {"z": "u8"}}
COMMANDS = {"Act": {"request": {"a": "A", "b": "B"}, "response": {}}, "Undo": {"request": {}, "response": {}}}


def reordered(value: dict[str, Any]) -> dict[str, Any]:
    return dict(reversed(value.items()))


def hash_of(**changed: Any) -> bytes:
    return schema_hash(parse_contract(text(**{"types": TWO, "commands": COMMANDS, **changed})))


def test_the_hash_of_the_echo_service_is_frozen() -> None:
    assert schema_hash(parse_contract((SCHEMAS / "echo.jsonc").read_text("utf-8"))).hex() == ECHO


def test_the_canonical_form_is_one_line_of_ascii_json() -> None:
    assert canonical_json(parse_contract(text())) == (
        '{"aliases":{"Fr":"bin32","TreeId":"u32"},"commands":{"Walk":[[["to","Point"]],"WalkResponse",[]]},'
        '"error":["ErrorResponse",[["message","string"]]],"form":1,"service":"Test","types":{"Point":[["x","Fr"],["y","Fr"]]}}'
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"types": reordered(TWO)},
        {"aliases": reordered(RIGHT["aliases"])},
        {"commands": reordered(COMMANDS)},
    ],
)
def test_the_order_of_aliases_types_and_commands_does_not_change_the_hash(changed: dict[str, Any]) -> None:
    assert hash_of(**changed) == hash_of()


def test_docs_and_blanks_do_not_change_the_hash() -> None:
    commented = text(types=TWO, commands=COMMANDS).replace('"x"', '\n// Across.\n"x"').replace(":", " : ")
    assert schema_hash(parse_contract("// Doc.\n" + commented)) == hash_of()


@pytest.mark.parametrize(
    "changed",
    [
        {"service": "Other"},
        {"types": {**TWO, "A": reordered(TWO["A"])}},
        {"types": {**TWO, "A": {"x": "u8", "w": "u8"}}},
        {"types": {**TWO, "A": {"x": "u8", "y": "u16"}}},
        {"types": {**TWO, "C": {}}},
        {"aliases": {"Fr": "bin31", "TreeId": "u32"}},
        {"error": {"name": "TestError", "fields": {"message": "string"}}},
        {"commands": {**COMMANDS, "Undo": {"request": {}, "response": {"name": "Undone", "fields": {}}}}},
        {"commands": {**COMMANDS, "Undo": {"request": {"a": "u8"}, "response": {}}}},
        {"commands": {**COMMANDS, "Undo": {"request": {}, "response": {"a": "u8"}}}},
    ],
)
def test_names_types_and_the_order_of_fields_change_the_hash(changed: dict[str, Any]) -> None:
    assert hash_of(**changed) != hash_of()


@pytest.mark.parametrize("file", ["echo", "bb", "aztec_wsdb"])
def test_what_is_printed_is_read_as_an_equal_contract(file: str) -> None:
    schema = parse_contract((SCHEMAS / f"{file}.jsonc").read_text("utf-8"))
    assert parse_contract(to_jsonc(schema)) == schema


def test_docs_of_every_place_are_printed_and_read_again() -> None:
    contract = json.loads(text(commands=command({"data": "u8"}, {"name": "Answer", "fields": {"data": "u8?"}})))
    documented = json.dumps(contract, indent=1)
    for key in ("Fr", "Point", "x", "error", "Act", "request", "response", "data"):
        documented = documented.replace(f'"{key}":', f'\n// About {key},\n// in two lines.\n"{key}":')
    schema = parse_contract("// All.\n" + documented)
    printed = to_jsonc(schema)
    assert parse_contract(printed) == schema
    assert printed.count("// in two lines.") == 9
