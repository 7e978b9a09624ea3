"""The rules of contracts: each broken once, each with its place."""

from __future__ import annotations

import keyword
from typing import Any

import pytest

from kit.small_contracts import command, text
from proofplane.wire.schema.errors import ContractError
from proofplane.wire.schema.model import Array, Command, Field, List, Named, Optional, Scalar, Schema, Struct, Tuple
from proofplane.wire.schema.parse import parse_contract
from proofplane.wire.schema.reserved import FIELDS, METHODS
from proofplane.wire.schema.rules import MAX_COMMANDS, MAX_FIELDS, MAX_NAME, broken_rules


def problems(**changed: Any) -> dict[str, str]:
    with pytest.raises(ContractError) as caught:
        parse_contract(text(**changed))
    return {problem.place: problem.text for problem in caught.value.problems}


def test_the_right_contract_breaks_no_rule() -> None:
    assert broken_rules(parse_contract(text())) == []


@pytest.mark.parametrize(
    ("field", "spelled", "language"),
    [
        ("class", "class", "Python"),
        ("lambda", "lambda", "Python"),
        ("namespace", "namespace", "C++"),
        ("constEval", "const_eval", None),
        ("co_await", "co_await", "C++"),
        ("coAwait", "co_await", "C++"),
        ("fn", "fn", "Rust"),
        ("comptime", "comptime", "Zig"),
        ("type", "type", "Rust"),
        ("function", "function", "TypeScript"),
        ("constructor", "constructor", "TypeScript"),
        ("number", "number", None),
        ("bytes", "bytes", None),
    ],
)
def test_fields_may_not_be_reserved_words_as_each_language_spells_them(field: str, spelled: str, language: str | None) -> None:
    if language is None:
        parse_contract(text(commands=command({field: "u8"})))
    else:
        place = f"commands.Act.request.{field}"
        assert problems(commands=command({field: "u8"}))[place].startswith(
            f"{field!r} is {spelled!r} in {language}, which has its own meaning"
        )


def test_pythons_own_list_of_keywords_is_covered() -> None:
    python = next(spelling for spelling in FIELDS if spelling.language == "Python")
    assert set(keyword.kwlist) <= python.reserved


def test_all_five_languages_are_asked_about_fields_and_methods() -> None:
    for spellings in (FIELDS, METHODS):
        assert [spelling.language for spelling in spellings] == ["Python", "C++", "Rust", "Zig", "TypeScript"]
        assert all("while" in spelling.reserved for spelling in spellings)


@pytest.mark.parametrize(("name", "word"), [("Delete", "delete"), ("Import", "import"), ("Then", "then"), ("Close", "close")])
def test_commands_may_not_become_methods_that_cannot_be(name: str, word: str) -> None:
    assert f"is {word!r} in " in problems(commands={name: {"request": {}, "response": {}}})[f"commands.{name}"]


@pytest.mark.parametrize(
    ("changed", "place", "message"),
    [
        ({"types": {"Point": {}, "Fr": {}}}, "types.Fr", "and so is 'Fr'"),
        ({"types": {"Point": {}, "WalkResponse": {}}}, "commands.Walk.response", None),
        ({"types": {"Point": {}, "Walk": {}}}, "commands.Walk", "'Walk' is 'Walk' in every language, and so is 'Walk'"),
        ({"types": {"Point": {}, "ErrorResponse": {}}}, "error", "and so is 'ErrorResponse'"),
        (
            {"types": {"Point": {}, "DBStats": {}, "DbStats": {}}},
            "types.DbStats",
            "'DbStats' is 'DbStats' in every language, and so is 'DBStats'",
        ),
        (
            {"commands": command({"treeId": "u8", "tree_id": "u8"})},
            "commands.Act.request.tree_id",
            "in Python, and so is 'treeId'",
        ),
        ({"commands": command({}, {"a_b": "u8", "aB": "u8"})}, "commands.Act.response.aB", "and so is 'a_b'"),
        ({"types": {"Point": {}, "Vec": {}}}, "types.Vec", "has its own meaning there"),
        ({"commands": command({}, {"name": "Hello", "fields": {}})}, "commands.Act.response", "belongs to the runtime"),
        ({"commands": {"Hello": {"request": {}, "response": {}}}}, "commands.Hello", "belongs to the runtime"),
        ({"service": "test"}, "service", "'test' is not a name LikeThis"),
        ({"service": "Class"}, "service", "'Class' is 'class' in Python, which has its own meaning"),
        ({"service": "Typing"}, "service", "'Typing' is 'typing' in Python"),
        ({"service": "Std"}, "service", "'Std' is 'std' in C++"),
        ({"service": "Namespace"}, "service", "'Namespace' is 'namespace' in C++"),
        ({"service": "Proofplane"}, "service", "'Proofplane' is 'proofplane' in Python"),
        ({"service": "Time"}, "service", "'Time' is 'time' in C++"),
        ({"service": "Crate"}, "service", "'Crate' is 'crate' in Rust"),
        *(
            ({"types": {"Point": {}, name: {}}}, f"types.{name}", f"{name!r} is in the way of {name!r}")
            for name in ("TestClient", "TestBlockingClient", "TestService", "TestMethod")
        ),
        ({"aliases": {"Fr": "bin32", "TESTClient": "u8"}}, "aliases.TESTClient", "in the way of 'TestClient'"),
        ({"commands": {"TestService": {"request": {}, "response": {}}}}, "commands.TestService", "in the way of 'TestService'"),
        ({"commands": command({}, {"name": "TestClient", "fields": {}})}, "commands.Act.response", "in the way of 'TestClient'"),
        ({"service": "ReadPoint", "types": {"Point": {}, "PointMethods": {}}}, "types.PointMethods", "in the way of 'readPointMethods'"),
        *(
            ({"types": {"Point": {}, name: {}}}, f"types.{name}", "has its own meaning there")
            for name in ("True", "Caller", "Server", "Codec", "Uint8Array", "Readonly", "Record", "Then")
        ),
        ({"commands": {"": {"request": {}, "response": {}}}}, "commands.", "'' is not a name LikeThis"),
        ({"commands": command({"": "u8"})}, "commands.Act.request.", "'' is not a name likeThis"),
        ({"service": ""}, "service", "'' is not a name LikeThis"),
        ({"aliases": {"fr": "bin32"}, "types": {"Point": {}}}, "aliases.fr", "is not a name LikeThis"),
        ({"types": {"Point": {}, "A_b": {}}}, "types.A_b", "is not a name LikeThis"),
        ({"types": {"Point": {}, "A" * (MAX_NAME + 1): {}}}, "types." + "A" * (MAX_NAME + 1), "at most 100"),
        ({"commands": command({"Data": "u8"})}, "commands.Act.request.Data", "is not a name likeThis"),
        ({"commands": command({"a__b": "u8"})}, "commands.Act.request.a__b", "is not a name likeThis"),
        ({"commands": command({"a_": "u8"})}, "commands.Act.request.a_", "is not a name likeThis"),
        ({"commands": command({"größe": "u8"})}, "commands.Act.request.größe", "is not a name likeThis"),
        ({"commands": command({"a": "Gone[]"})}, "commands.Act.request.a", "Gone is neither a type nor an alias"),
        ({"aliases": {"Fr": "bin32", "Points": "Point[]"}}, "aliases.Points", "an alias stands for types without structs"),
        ({"commands": command({"a": "u8??"})}, "commands.Act.request.a", "an optional of an optional"),
        (
            {"aliases": {"Fr": "bin32", "May": "u8?"}, "commands": command({"a": "May?[]"})},
            "commands.Act.request.a",
            "an optional of an optional",
        ),
        ({"commands": command({"a": "bin1048577"})}, "commands.Act.request.a", "a fixed size is 1 to 1048576"),
        ({"commands": command({"a": "u8[1048577]"})}, "commands.Act.request.a", "a fixed size is 1 to 1048576"),
        ({"commands": command({"a": f"({', '.join(['u8'] * 13)})"})}, "commands.Act.request.a", "a tuple has 2 to 12 parts, not 13"),
        ({"commands": {}}, "commands", "one command at least"),
        ({"error": {}}, "error", "exactly the field message"),
        ({"error": {"message": "string", "code": "u32"}}, "error", "exactly the field message"),
        ({"error": {"message": "bytes"}}, "error", "exactly the field message"),
        ({"commands": command({f"f{i}": "u8" for i in range(MAX_FIELDS + 1)})}, "commands.Act.request", "257 fields, the limit is 256"),
        (
            {"commands": {f"C{i}": {"request": {}, "response": {}} for i in range(MAX_COMMANDS + 1)}},
            "commands",
            "1025 commands, the limit is 1024",
        ),
    ],
)
def test_each_rule_is_told_with_its_place(changed: dict[str, Any], place: str, message: str | None) -> None:
    if message is None:  # the type is taken for the response that it equals
        parse_contract(text(**changed))
    else:
        assert message in problems(**changed)[place]


@pytest.mark.parametrize(
    ("types", "place"),
    [
        ({"Node": {"next": "Node"}}, "types.Node"),
        ({"Node": {"next": "Node?"}}, "types.Node"),
        ({"Node": {"children": "Node[]"}}, "types.Node"),
        ({"A": {"b": "B[]"}, "B": {"a": "packed<A>"}}, "types.B"),
    ],
)
def test_no_type_contains_itself_not_even_in_a_list(types: dict[str, Any], place: str) -> None:
    assert "contains itself" in problems(types={"Point": {}, **types})[place]


def test_aliases_that_lead_round_in_a_circle_are_told_and_not_followed() -> None:
    told = problems(aliases={"Fr": "Other", "Other": "Fr", "Own": "Own"}, types={"Point": {}})
    assert {place for place, message in told.items() if "contains itself" in message} == {"aliases.Fr", "aliases.Other", "aliases.Own"}


def test_types_may_not_nest_without_end_through_their_names() -> None:
    types = {"T0": {"x": "u8"}, **{f"T{i}": {"x": f"T{i - 1}[]"} for i in range(1, 40)}}
    told = problems(types={"Point": {}, **types})
    assert "nest deeper than 64" in told["types.T39.x"]
    assert "types.T10.x" not in told


def test_problems_of_many_kinds_are_told_together() -> None:
    told = problems(service="test", error={}, commands=command({"class": "u8", "a": "Gone"}))
    assert set(told) == {"service", "error", "commands.Act.request.class", "commands.Act.request.a"}


def test_a_schema_that_was_not_read_from_a_text_is_held_to_the_same_rules() -> None:
    fields = (
        Field("a", Array(Scalar.U8, 0)),
        Field("b", Tuple((Scalar.U8,))),
        Field("c", List(Named("May"))),
        Field("d", Optional(Optional(Scalar.U8))),
    )
    schema = Schema(
        "Test",
        (),
        (),
        Struct("ErrorResponse", (Field("message", Scalar.STRING),)),
        (Command(Struct("Act", fields), Struct("ActResponse", ())),),
    )
    assert [problem.place for problem in broken_rules(schema)] == ["commands.Act.request.c"]
    known = Schema("Test", (), (Struct("May", ()),), schema.error, schema.commands)
    assert [problem.place.rpartition(".")[2] for problem in broken_rules(known)] == ["a", "b", "d"]
