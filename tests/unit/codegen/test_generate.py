"""Generating: what is written, what is refused, and that nothing is left half-written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from kit.generated import BOTH, ECHO_FOLDERS, USED, WITHIN, contract
from kit.small_contracts import text
from kit.typescript import require_node
from proofplane.codegen.environment import MARK, environment
from proofplane.codegen.errors import BadTemplate, FormatterMissing, NotOurs, OutputUnusable, UnknownLanguage
from proofplane.codegen.generate import LANGUAGES, generate, language
from proofplane.codegen.language import Language, Sides, program
from proofplane.wire.schema.canonical import schema_hash
from proofplane.wire.schema.model import Schema
from proofplane.wire.schema.parse import parse_contract

SCHEMA = parse_contract(text())


def fake(texts: Mapping[str, str], formatter: tuple[str, ...] = ("true",)) -> Language:
    """A language that gives these files."""
    return Language("fake", lambda _schema, _sides: texts, lambda files: [*formatter, *map(str, files)], "install it")


def marked(rest: str = "") -> str:
    return f"# {MARK}\n{rest}"


def test_every_file_is_written_and_named_and_nothing_else_is_left(tmp_path: Path) -> None:
    written = generate(SCHEMA, fake({"b.txt": marked("b"), "in/a.txt": marked("a")}), BOTH, tmp_path / "new")
    assert written == [tmp_path / "new" / "b.txt", tmp_path / "new" / "in" / "a.txt"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["b.txt", "in"]
    assert (tmp_path / "new" / "in" / "a.txt").read_text() == marked("a")


def test_the_formatter_has_run_before_a_file_is_in_its_place(tmp_path: Path) -> None:
    append = ("sh", "-c", 'echo formatted >> "$1"', "sh")
    (path,) = generate(SCHEMA, fake({"a.txt": marked()}, append), BOTH, tmp_path)
    assert path.read_text() == marked("formatted\n")


def test_a_missing_formatter_is_the_callers_to_install_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FormatterMissing, match="fake is not installed: install it"):
        generate(SCHEMA, fake({"a.txt": marked()}, ("no-such-formatter-anywhere",)), BOTH, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_formatter_that_refuses_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(marked("old"))
    with pytest.raises(BadTemplate, match="unbalanced"):
        generate(SCHEMA, fake({"a.txt": marked("new")}, ("sh", "-c", "echo unbalanced >&2; exit 1")), BOTH, tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", marked("old"))]


def test_a_file_that_was_not_generated_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("mine")
    with pytest.raises(NotOurs, match=r"a\.txt exists and was not generated"):
        generate(SCHEMA, fake({"a.txt": marked()}), BOTH, tmp_path)
    assert (tmp_path / "a.txt").read_text() == "mine"


def test_an_output_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputUnusable):
        generate(SCHEMA, fake({"a.txt": marked()}), BOTH, tmp_path / "out")


def test_an_unknown_language_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownLanguage, match="python, cpp, rust, zig, typescript"):
        language("cobol")


def test_a_template_with_an_undefined_name_is_an_error() -> None:
    with pytest.raises(Exception, match="'nothing' is undefined"):
        environment("python").from_string("{{ nothing }}").render()


def test_a_program_beside_the_interpreter_is_found_without_an_activated_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert Path(program("ruff")).is_absolute()
    assert program("no-such-formatter-anywhere") == "no-such-formatter-anywhere"


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_file_of_every_language_opens_with_the_mark_the_service_and_the_hash(name: str) -> None:
    schema = contract("echo")
    texts = language(name).render(schema, BOTH)
    assert texts
    for relative, written in texts.items():
        head = written[:600]
        assert MARK in head, relative
        assert schema.service in head, relative
        assert schema_hash(schema).hex() in head, relative


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize("sides", [Sides(client=True, server=False), Sides(client=False, server=True)])
def test_one_side_alone_has_less_than_both(name: str, sides: Sides) -> None:
    def size(wanted: Sides) -> int:
        return sum(map(len, language(name).render(contract("echo"), wanted).values()))

    assert 0 < size(sides) < size(BOTH)


@pytest.mark.parametrize("name", LANGUAGES)
def test_what_is_committed_is_what_is_generated(name: str, tmp_path: Path) -> None:
    folder = ECHO_FOLDERS[name]
    aside = tmp_path / "out"
    if name == "typescript":  # its formatter is found where its files lie
        require_node()
        (tmp_path / "node_modules").symlink_to(folder.parents[1] / "node_modules")
    try:
        written = generate(contract("echo"), language(name), BOTH, aside)
    except FormatterMissing as missing:
        pytest.skip(str(missing))
    assert {path.relative_to(aside): path.read_bytes() for path in written} == {
        path.relative_to(aside): (folder / path.relative_to(aside)).read_bytes() for path in written
    }


@pytest.mark.parametrize("name", USED)
def test_what_the_package_itself_uses_is_what_is_generated(name: str, tmp_path: Path) -> None:
    (written,) = generate(contract(name), language("python"), USED[name], tmp_path)
    assert written.read_bytes() == (WITHIN / written.name).read_bytes()


def test_the_smallest_contract_is_generated_for_every_language() -> None:
    smallest: Schema = parse_contract(text(aliases=None, types=None, commands={"Act": {"request": {}, "response": {}}}))
    for name in LANGUAGES:
        assert language(name).render(smallest, BOTH)
