"""`proofplane codegen`: what it writes, and what it says of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.generated import ROOT
from kit.small_contracts import text
from proofplane.cli.exits import OK
from proofplane.cli.main import run
from proofplane.wire.schema.parse import parse_contract

MISTAKE = 2

PRINTED = """{"__typename": "Api",
 "commands": ["named_union", [["Act", {"__typename": "Act", "data": ["vector", ["unsigned char"]]}]]],
 "responses": ["named_union", [["ErrorResponse", {"__typename": "ErrorResponse", "message": "string"}],
                               ["ActResponse", {"__typename": "ActResponse", "number": "unsigned int"}]]]}"""
"""What a small server of Barretenberg's kind prints."""


def binary(folder: Path, script: str) -> Path:
    path = folder / "small-server"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_both_sides_are_written_unless_one_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "contract.jsonc").write_text(text())
    asked = ["codegen", "--schema", str(tmp_path / "contract.jsonc"), "--lang", "python", "--out", str(tmp_path / "out")]
    sizes = []
    for sides in ([], ["--client", "--server"], ["--client"], ["--server"]):
        assert run([*asked, *sides]) == OK
        assert capsys.readouterr().out == f"{tmp_path / 'out' / 'test.py'}\n"
        source = (tmp_path / "out" / "test.py").read_text()
        sizes.append(("class TestClient" in source, "class TestService" in source))
    assert sizes == [(True, True), (True, True), (True, False), (False, True)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["codegen"], "missing --schema, --lang, --out"),
        (["codegen", "--schema", "x", "--lang", "python"], "missing --out"),
        (["codegen", "--schema", "nowhere.jsonc", "--lang", "python", "--out", "x"], "cannot read nowhere.jsonc"),
        (["codegen", "--lang", "cobol", "--schema", "x", "--out", "x"], "cobol"),
        (["codegen", "--lang", "python", "import-bb", "--binary", "x", "--out", "y"], "options go behind"),
        (["codegen", "import-bb", "--binary", "no-such-binary", "--out", "y"], "cannot start no-such-binary"),
    ],
)
def test_mistakes_are_named(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == MISTAKE
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_contract_with_a_mistake_is_the_users_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "contract.jsonc").write_text(text(types={"Point": {"x": "Nothing"}}))
    assert run(["codegen", "--schema", str(tmp_path / "contract.jsonc"), "--lang", "python", "--out", str(tmp_path)]) == MISTAKE
    assert "Nothing" in capsys.readouterr().err


def test_a_servers_schema_becomes_a_contract_that_is_not_overwritten_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = binary(tmp_path, f'test "$*" = "msgpack schema" || exit 9\ncat <<END\n{PRINTED}\nEND')
    out = tmp_path / "small.jsonc"
    asked = ["codegen", "import-bb", "--binary", str(server), "--out", str(out)]
    assert run(asked) == OK
    assert "1 commands" in capsys.readouterr().out
    schema = parse_contract(out.read_text())
    assert (schema.service, [command.name for command in schema.commands]) == ("SmallServer", ["Act"])
    out.write_text("edited")
    assert run(asked) == MISTAKE
    assert out.read_text() == "edited"
    assert run([*asked, "--force", "--service", "Other"]) == OK
    assert parse_contract(out.read_text()).service == "Other"


def test_a_server_that_fails_is_named_with_what_it_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = binary(tmp_path, "echo no such command >&2; exit 3")
    assert run(["codegen", "import-bb", "--binary", str(server), "--out", str(tmp_path / "x.jsonc")]) == MISTAKE
    assert "ended with 3: no such command" in capsys.readouterr().err
    assert not (tmp_path / "x.jsonc").exists()


def test_the_committed_contracts_are_readable_for_every_language() -> None:
    for name, commands in (("bb", 63), ("aztec_wsdb", 30)):
        assert len(parse_contract((ROOT / "schema" / f"{name}.jsonc").read_text(encoding="utf-8")).commands) == commands
