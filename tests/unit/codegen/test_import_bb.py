"""What the real programs print becomes contracts of ours; the files in `schema/` are exactly that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proofplane.codegen.bb_docs import DOCS
from proofplane.codegen.import_bb import NotAPrintedSchema, import_bb
from proofplane.wire.schema.canonical import to_jsonc
from proofplane.wire.schema.errors import ContractError
from proofplane.wire.schema.model import Array, FixedBytes, List, Map, Named, Optional, Scalar, Schema, Tuple, Type
from proofplane.wire.schema.parse import parse_contract

ROOT = Path(__file__).parents[3]


def printed(file: str) -> str:
    return (ROOT / "tests" / "vectors" / "printed" / f"{file}.json").read_text("utf-8")


BB = import_bb(printed("bb-5.0.0"), "Barretenberg")
WSDB = import_bb(printed("aztec-wsdb-5.0.0"), "AztecWsdb")


def field_type(schema: Schema, struct: str, field: str) -> Type:
    structs = [*schema.types, *(part for command in schema.commands for part in (command.request, command.response))]
    return next(one.type for found in structs if found.name == struct for one in found.fields if one.name == field)


@pytest.mark.parametrize(("schema", "file", "count"), [(BB, "bb", 63), (WSDB, "aztec_wsdb", 30)])
def test_the_committed_contract_is_what_the_program_prints(schema: Schema, file: str, count: int) -> None:
    assert (ROOT / "schema" / f"{file}.jsonc").read_text("utf-8") == to_jsonc(schema)
    assert parse_contract(to_jsonc(schema)) == schema
    assert len(schema.commands) == count


def test_every_command_and_type_of_bb_is_documented_and_no_text_is_left_over() -> None:
    assert [one.name for one in (*BB.commands, *BB.types, *BB.aliases) if not one.doc] == []
    structs = [*BB.types, *(part for command in BB.commands for part in (command.request, command.response))]
    names = {struct.name for struct in structs} | {f"{struct.name}.{field.name}" for struct in structs for field in struct.fields}
    assert set(DOCS["Api"]) <= names


def test_a_program_that_is_not_known_gets_no_texts() -> None:
    assert {command.doc for command in WSDB.commands} == {""}


def test_names_that_differ_from_the_rule_are_kept() -> None:
    answers = {command.name: command.response.name for command in (*BB.commands, *WSDB.commands)}
    odd = {name: answer for name, answer in answers.items() if answer != name + "Response"}
    assert odd == {"CircuitStats": "CircuitInfoResponse"}
    assert (BB.error.name, WSDB.error.name) == ("ErrorResponse", "WsdbErrorResponse")


def test_a_response_that_is_used_as_a_type_is_one() -> None:
    compute = next(command for command in BB.commands if command.name == "CircuitComputeVk")
    assert compute.response in BB.types
    assert field_type(BB, "CircuitProveResponse", "vk") == Named("CircuitComputeVkResponse")


@pytest.mark.parametrize(
    ("schema", "struct", "field", "type_"),
    [
        (BB, "Blake2s", "data", Scalar.BYTES),
        (BB, "Blake2sResponse", "hash", FixedBytes(32)),
        (BB, "Poseidon2Permutation", "inputs", Array(Named("Fr"), 4)),
        (BB, "CircuitVerify", "proof", List(Named("Uint256"))),
        (BB, "Bn254G2Point", "x", Named("Fq2")),
        (BB, "ChonkBatchVerifierQueue", "request_id", Scalar.U64),
        (BB, "EcdsaSecp256r1VerifySignature", "v", Scalar.U8),
        (WSDB, "WsdbGetStateReferenceResponse", "state", Named("StateReference")),
        (WSDB, "WsdbGetTreeInfo", "treeId", Named("MerkleTreeId")),
        (WSDB, "WsdbCopyStores", "compact", Optional(Scalar.BOOL)),
        (WSDB, "WsdbFindSiblingPathsResponse", "paths", List(Optional(Named("SiblingPathAndIndex")))),
        (WSDB, "WsdbAppendLeaves", "leaves", List(Scalar.BYTES)),
        (WSDB, "WsdbCreateFork", "blockNumber", Scalar.U32),
    ],
)
def test_types_become_ours(schema: Schema, struct: str, field: str, type_: Type) -> None:
    assert field_type(schema, struct, field) == type_


def test_what_is_used_and_nowhere_defined_is_what_was_measured() -> None:
    assert BB.resolve(Named("Fq2")) == Array(Named("Fq"), 2)
    assert WSDB.resolve(Named("StateReference")) == Map(Scalar.U32, Tuple((Named("Fr"), Scalar.U64)))
    assert WSDB.resolve(Named("MerkleTreeId")) is Scalar.U32


def test_no_type_is_imported_that_nothing_uses() -> None:
    assert {struct.name for struct in WSDB.types} == {
        "WorldStateRevision", "NullifierLeafValue", "PublicDataLeafValue", "SiblingPathAndIndex", "WorldStateStatusSummary", "DBStats",
        "TreeDBStats", "WorldStateDBStats", "TreeMeta", "WorldStateMeta", "WorldStateStatusFull",
    }  # fmt: skip


ERROR = ["ErrorResponse", {"__typename": "ErrorResponse", "message": "string"}]
DONE = ["ActResponse", {"__typename": "ActResponse"}]


def made(request: Any, *responses: Any, error: Any = ERROR) -> str:
    commands = ["named_union", [["Act", {"__typename": "Act", "field": request}]]]
    return json.dumps({"__typename": "Api", "commands": commands, "responses": ["named_union", [error, *(responses or [DONE])]]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[]", "is an object"),
        ("{}", "the key 'commands' should have"),
        ("[" * 100_000, "not JSON"),
        (made("long long"), "no type that is known here"),
        (made(["map", ["string", "bool"]]), "no type that is known here"),
        (made(["alias", ["fr", "int"]]), "stands for 'int', not for binN"),
        (made({"field": "bool"}), "has a '__typename'"),
        (made("bool", error=DONE), "the first response should be the error's"),
        (made("bool", DONE, ["Other", {"__typename": "Other"}]), "responses without a command: \\['Other'\\]"),
        (made("bool", ["ActResponse", {"__typename": "Other"}]), "a member is"),
        (made(["vector", [{"__typename": "Act", "other": "bool"}]]), "Act is defined twice"),
    ],
)
def test_what_is_not_a_printed_schema_is_told(text: str, message: str) -> None:
    with pytest.raises(NotAPrintedSchema, match=message):
        import_bb(text, "Test")


def test_what_is_imported_is_held_to_the_rules_of_contracts() -> None:
    with pytest.raises(ContractError, match="an optional of an optional"):
        import_bb(made(["optional", [["optional", ["bool"]]]]), "Test")
