"""Reading a database that another process writes: what is refused, and that nothing is left open."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from proofplane.storage.database import DATABASE_NAME, Database, ReadOnlyDatabase, Schema
from proofplane.storage.errors import DirectoryUnusable, WrongSchema

_SCHEMA = Schema("things", 1, ("CREATE TABLE things (name TEXT PRIMARY KEY, content BLOB) STRICT",))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / DATABASE_NAME


def test_a_read_only_database_must_exist(tmp_path: Path) -> None:
    with pytest.raises(DirectoryUnusable):
        ReadOnlyDatabase(tmp_path / "absent.db")


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """Every connection that is opened from here on."""
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def remembered(path: str | Path, **options: Any) -> sqlite3.Connection:
        opened.append(connect(path, **options))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", remembered)
    return opened


def _is_closed(connection: sqlite3.Connection) -> bool:
    try:
        connection.total_changes  # noqa: B018 - raises once it is closed
    except sqlite3.ProgrammingError:
        return True
    return False


def test_a_database_killed_before_its_first_transaction_says_that_nothing_was_processed(
    path: Path, connections: list[sqlite3.Connection]
) -> None:
    path.touch()
    with pytest.raises(DirectoryUnusable, match="nothing was processed there yet"):
        ReadOnlyDatabase(path)
    assert [_is_closed(one) for one in connections] == [True]
    with closing(sqlite3.connect(path)) as begun:
        begun.execute("PRAGMA journal_mode = WAL")
    with pytest.raises(DirectoryUnusable, match="nothing was processed there yet"):
        ReadOnlyDatabase(path, [_SCHEMA])
    assert all(_is_closed(one) for one in connections)


def test_a_reader_of_tables_that_are_not_there_yet_is_told_so(path: Path, connections: list[sqlite3.Connection]) -> None:
    Database(path, []).close()
    ReadOnlyDatabase(path).close()
    with pytest.raises(DirectoryUnusable, match="nothing was processed there yet"):
        ReadOnlyDatabase(path, [_SCHEMA])
    assert all(_is_closed(one) for one in connections)


def test_a_reader_of_tables_of_another_version_is_refused_as_a_writer_is(path: Path, connections: list[sqlite3.Connection]) -> None:
    Database(path, [_SCHEMA]).close()
    ReadOnlyDatabase(path, [_SCHEMA]).close()
    with pytest.raises(WrongSchema, match="'things' have version 1, this program reads 2"):
        ReadOnlyDatabase(path, [_SCHEMA, Schema("things", 2, ())])
    assert all(_is_closed(one) for one in connections)


def test_a_reader_of_what_is_no_database_leaves_no_connection(tmp_path: Path, connections: list[sqlite3.Connection]) -> None:
    (tmp_path / "text").write_text("this is not a database, whatever its name says. " * 100)
    with pytest.raises(DirectoryUnusable, match="not a database"):
        ReadOnlyDatabase(tmp_path / "text")
    assert [_is_closed(one) for one in connections] == [True]
