"""Contracts read from text: what is understood, and where what is not is said to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.small_contracts import command, text
from proofplane.base.errors import CallerMistake
from proofplane.wire.schema.errors import ContractError, Problem
from proofplane.wire.schema.model import Alias, Command, Field, FixedBytes, Map, Named, Scalar, Struct, Tuple
from proofplane.wire.schema.parse import parse_contract

SCHEMAS = Path(__file__).parents[4] / "schema"


def problems(contract: str) -> dict[str, str]:
    with pytest.raises(ContractError) as caught:
        parse_contract(contract)
    return {problem.place: problem.text for problem in caught.value.problems}


def test_every_part_of_a_contract_is_read_with_its_docs() -> None:
    schema = parse_contract(
        """// The whole.
        {
          "service": "Test",
          "aliases": {
            // An element.
            "Fr": "bin32"
          },
          "types": {
            // A point.
            "Point": {
              // Across.
              "x": "Fr"
            }
          },
          // What went wrong.
          "error": { "message": "string" },
          "commands": {
            // Walks.
            "Walk": {
              // Where to.
              "request": { "to": "Point" },
              // Nothing.
              "response": {}
            }
          }
        }"""
    )
    assert schema.doc == "The whole."
    assert schema.aliases == (Alias("Fr", FixedBytes(32), "An element."),)
    assert schema.types == (Struct("Point", (Field("x", Named("Fr"), "Across."),), "A point."),)
    assert schema.error == Struct("ErrorResponse", (Field("message", Scalar.STRING),), "What went wrong.")
    request = Struct("Walk", (Field("to", Named("Point")),), "Where to.")
    assert schema.commands == (Command(request, Struct("WalkResponse", (), "Nothing."), "Walks."),)
    assert schema.commands[0].name == "Walk"


def test_names_that_differ_from_the_rule_are_given() -> None:
    named = {"name": "InfoResponse", "fields": {"name": "string", "fields": "u32[]"}}
    schema = parse_contract(text(commands=command({}, named), error={"name": "TestError", "fields": {"message": "string"}}))
    assert schema.commands[0].response == Struct("InfoResponse", (Field("name", Scalar.STRING), schema.commands[0].response.fields[1]))
    assert schema.error.name == "TestError"


def test_fields_that_are_called_name_and_fields_are_fields() -> None:
    schema = parse_contract(text(commands=command({}, {"name": "string", "fields": "u32[]"})))
    assert [field.name for field in schema.commands[0].response.fields] == ["name", "fields"]
    assert schema.commands[0].response.name == "ActResponse"


def test_a_response_may_be_one_of_the_types() -> None:
    schema = parse_contract(text(commands=command({}, "Point")))
    assert schema.commands[0].response is schema.types[0]


def test_a_map_may_be_keyed_by_an_alias_of_an_integer_through_another_alias() -> None:
    aliases = {"Fr": "bin32", "TreeId": "Count", "Count": "u16"}
    schema = parse_contract(text(aliases=aliases, commands=command({"state": "{TreeId: (Fr, u64)}"})))
    assert schema.commands[0].request.fields[0].type == Map(Scalar.U16, Tuple((Named("Fr"), Scalar.U64)))
    assert schema.resolve(Named("TreeId")) is Scalar.U16


def test_types_and_aliases_stand_behind_what_they_use_and_otherwise_in_the_order_of_the_text() -> None:
    types = {"Line": {"from_point": "Point", "to_point": "Point"}, "Alone": {}, "Point": {"x": "Pair"}}
    schema = parse_contract(text(aliases={"Pair": "Fr[2]", "Fr": "bin32"}, types=types, commands=command({})))
    assert [struct.name for struct in schema.types] == ["Point", "Line", "Alone"]
    assert [alias.name for alias in schema.aliases] == ["Fr", "Pair"]


@pytest.mark.parametrize(
    ("changed", "place", "message"),
    [
        ({"service": None}, "", "the key 'service' is missing"),
        ({"service": 5}, "service", "a string"),
        ({"error": None}, "", "the key 'error' is missing"),
        ({"commands": None}, "", "the key 'commands' is missing"),
        ({"commands": []}, "commands", "is an object"),
        ({"extra": {}}, "extra", "is not a key here; the keys are service, aliases, types, error, commands"),
        ({"types": {"Point": "Fr"}}, "types.Point", "is an object: fields and their types"),
        ({"types": {"Point": {"x": "Fr", "y": 5}}}, "types.Point.y", "is a type, a string"),
        ({"types": {"Point": {"x": "Fr", "y": "i32"}}}, "types.Point.y", "'i32' is not a type: expected a type"),
        ({"aliases": {"Fr": {}}}, "aliases.Fr", "is a type, a string"),
        ({"commands": {"Act": {"request": {}}}}, "commands.Act", "the key 'response' is missing"),
        ({"commands": {"Act": {"request": {}, "response": {}, "reply": {}}}}, "commands.Act.reply", "is not a key here"),
        ({"commands": command({"data": "byte"})}, "commands.Act.request.data", "'byte' is not a type"),
        ({"commands": command({}, "Gone")}, "commands.Act.response", "'Gone' is not one of the types"),
        ({"commands": command({}, {"name": 5, "fields": {}})}, "commands.Act.response.name", "a string"),
        ({"commands": command({}, {"fields": {}})}, "commands.Act.response", "the key 'name' is missing"),
        ({"commands": command({}, {"name": "A", "fields": {"x": "y"}})}, "commands.Act.response.fields.x", "'y' is not a type"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(changed: dict[str, object], place: str, message: str) -> None:
    contract = text(**changed)
    assert message in problems(contract)[place]


def test_all_problems_are_told_together_with_their_lines() -> None:
    contract = (
        '{\n"service": "Test",\n"types": {"A": {\n"x": "i8"}},\n"error": {"message": "string"},\n"commands": {\n"Act": {"request": 5}}}'
    )
    with pytest.raises(ContractError) as caught:
        parse_contract(contract)
    assert [(problem.place, problem.line) for problem in caught.value.problems] == [
        ("types.A.x", 4),
        ("commands.Act", 7),
        ("commands.Act.request", 7),
    ]
    assert str(caught.value).startswith("line 4: types.A.x: 'i8' is not a type")
    assert isinstance(caught.value, CallerMistake)


def test_a_broken_rule_is_told_with_its_line() -> None:
    contract = text(commands=command({"class": "u8"}))
    with pytest.raises(ContractError) as caught:
        parse_contract(contract)
    line = next(number for number, content in enumerate(contract.splitlines(), 1) if '"class"' in content)
    assert caught.value.problems == (Problem("commands.Act.request.class", caught.value.problems[0].text, line),)


@pytest.mark.parametrize("contract", ["", "[]", "5", "{"])
def test_what_is_not_even_an_object_is_told_so(contract: str) -> None:
    with pytest.raises(ContractError):
        parse_contract(contract)


@pytest.mark.parametrize(("file", "commands"), [("echo", 6), ("bb", 63), ("aztec_wsdb", 30)])
def test_the_contracts_of_the_project_can_be_used(file: str, commands: int) -> None:
    assert len(parse_contract((SCHEMAS / f"{file}.jsonc").read_text("utf-8")).commands) == commands
