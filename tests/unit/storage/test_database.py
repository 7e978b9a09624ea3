"""The database: atomic named writes, what readers see, and what every failure leaves behind."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofplane.base.errors import Broken, CallerMistake, TryAgain
from proofplane.storage.database import DATABASE_NAME, Database, ReadOnlyDatabase, Schema, Transaction
from proofplane.storage.errors import DirectoryUnusable, StorageBroken, StorageBusy, StorageClosed, StorageFull, WrongSchema

_SCHEMA = Schema("things", 1, ("CREATE TABLE things (name TEXT PRIMARY KEY, content BLOB) STRICT",))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / DATABASE_NAME


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    opened = Database(path, [_SCHEMA])
    yield opened
    opened.close()


def _names(database: Database | ReadOnlyDatabase) -> list[str]:
    return [name for (name,) in database.rows("SELECT name FROM things ORDER BY name LIMIT 1000")]


async def test_what_was_written_is_read_as_soon_as_write_returns_and_after_reopening(path: Path) -> None:
    database = Database(path, [_SCHEMA])
    changed = await database.write("put", lambda tx: tx.execute("INSERT INTO things VALUES ('a', x'01')"))
    assert changed == 1
    assert database.row("SELECT content FROM things WHERE name = ?", ("a",)) == (b"\x01",)
    database.close()
    reopened = Database(path, [_SCHEMA])
    assert _names(reopened) == ["a"]
    reopened.close()


async def test_a_body_that_raises_leaves_nothing_behind_and_its_error_passes_through(database: Database) -> None:
    class Odd(Exception):
        pass

    def body(tx: Transaction) -> None:
        tx.execute("INSERT INTO things VALUES ('a', NULL)")
        assert tx.row("SELECT count(*) FROM things") == (1,)
        raise Odd

    with pytest.raises(Odd):
        await database.write("put", body)
    assert _names(database) == []
    await database.write("put", lambda tx: tx.execute_many("INSERT INTO things VALUES (?, NULL)", [("b",), ("c",)]))
    assert _names(database) == ["b", "c"]


async def test_readers_do_not_see_a_transaction_before_its_commit(path: Path) -> None:
    seen: list[list[str]] = []

    class Watcher:
        def before_commit(self, site: str) -> None:
            seen.append(_names(watching))

        def after_commit(self, site: str) -> None:
            seen.append(_names(watching))

    database = Database(path, [_SCHEMA], Watcher())
    watching = _CrossThreadReader(path)
    await database.write("put", lambda tx: tx.execute("INSERT INTO things VALUES ('a', NULL)"))
    assert seen == [[], ["a"]]
    database.close()


class _CrossThreadReader(ReadOnlyDatabase):
    """Opens for each query, because a connection belongs to the thread that made it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self, sql: str, parameters: object = ()) -> list[tuple[object, ...]]:
        reader = ReadOnlyDatabase(self.path)
        try:
            return reader.rows(sql)
        finally:
            reader.close()


async def test_observers_hear_of_every_commit_in_order_and_may_prevent_it(path: Path) -> None:
    heard: list[tuple[str, str]] = []

    class Refusing(Exception):
        pass

    class Observer:
        def before_commit(self, site: str) -> None:
            heard.append(("before", site))
            if site == "refused":
                raise Refusing

        def after_commit(self, site: str) -> None:
            heard.append(("after", site))

    database = Database(path, [_SCHEMA], Observer())
    await database.write("first", lambda tx: tx.execute("INSERT INTO things VALUES ('a', NULL)"))
    with pytest.raises(Refusing):
        await database.write("refused", lambda tx: tx.execute("INSERT INTO things VALUES ('b', NULL)"))
    await database.write("last", lambda tx: tx.execute("INSERT INTO things VALUES ('c', NULL)"))
    assert heard == [("before", "first"), ("after", "first"), ("before", "refused"), ("before", "last"), ("after", "last")]
    assert _names(database) == ["a", "c"]
    database.close()


async def test_a_full_disk_is_named_and_leaves_nothing_half_written(database: Database) -> None:
    await database.write("put", lambda tx: tx.execute("INSERT INTO things VALUES ('small', NULL)"))
    await database.write("limit", lambda tx: tx.row("PRAGMA max_page_count = 40"))

    def too_much(tx: Transaction) -> None:
        for number in range(100):
            tx.execute("INSERT INTO things VALUES (?, zeroblob(4000))", (f"big {number}",))

    with pytest.raises(StorageFull, match="no space left") as caught:
        await database.write("put", too_much)
    assert isinstance(caught.value, Broken)
    assert _names(database) == ["small"]
    await database.write("limit", lambda tx: tx.row("PRAGMA max_page_count = 1000000"))
    await database.write("put", too_much)
    assert len(_names(database)) == 101


async def test_writes_run_one_after_the_other_in_the_order_of_their_calls(database: Database) -> None:
    order: list[int] = []

    def body_of(number: int) -> Callable[[Transaction], None]:
        return lambda tx: order.append(number)

    await asyncio.gather(*(database.write("order", body_of(number)) for number in range(20)))
    assert order == list(range(20))


async def test_the_loop_runs_while_a_write_is_under_way(database: Database) -> None:
    released = threading.Event()
    write = asyncio.create_task(database.write("slow", lambda tx: released.wait(30)))
    await asyncio.sleep(0)  # the write waits for this coroutine: would it hold the loop, nobody could release it
    released.set()
    assert await write is True


async def test_a_cancelled_writer_waits_for_the_outcome_and_finds_it_by_reading(database: Database) -> None:
    started, released = threading.Event(), threading.Event()

    def body(tx: Transaction) -> None:
        tx.execute("INSERT INTO things VALUES ('a', NULL)")
        started.set()
        released.wait(30)

    write = asyncio.create_task(database.write("put", body))
    await asyncio.to_thread(started.wait, 30)
    write.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not write.done()
    released.set()
    with pytest.raises(asyncio.CancelledError):
        await write
    assert _names(database) == ["a"]


async def test_a_cancelled_writer_whose_transaction_fails_leaves_nothing(database: Database) -> None:
    started, released = threading.Event(), threading.Event()

    def body(tx: Transaction) -> None:
        tx.execute("INSERT INTO things VALUES ('a', NULL)")
        started.set()
        released.wait(30)
        raise ValueError("the writer is gone, nobody hears this")

    write = asyncio.create_task(database.write("put", body))
    await asyncio.to_thread(started.wait, 30)
    write.cancel()
    await asyncio.sleep(0)
    released.set()
    with pytest.raises(asyncio.CancelledError):
        await write
    assert _names(database) == []


@pytest.mark.parametrize("fails", [False, True])
async def test_a_writer_cancelled_again_and_again_still_waits_for_the_outcome(database: Database, fails: bool) -> None:
    started, released = threading.Event(), threading.Event()
    unheard: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))

    def body(tx: Transaction) -> None:
        tx.execute("INSERT INTO things VALUES ('a', NULL)")
        started.set()
        released.wait(30)
        if fails:
            raise ValueError("the writer is gone, nobody hears this")

    write = asyncio.create_task(database.write("put", body))
    await asyncio.to_thread(started.wait, 30)
    try:
        for _ in range(3):
            write.cancel()
            for _ in range(5):
                await asyncio.sleep(0)
            assert not write.done()
    finally:
        released.set()
    with pytest.raises(asyncio.CancelledError):
        await write
    assert _names(database) == ([] if fails else ["a"])
    del write
    gc.collect()  # an error that nobody retrieved is reported when its future dies
    assert unheard == []


async def test_a_writer_cancelled_before_its_turn_writes_nothing_or_all(database: Database) -> None:
    started, released = threading.Event(), threading.Event()

    def first(tx: Transaction) -> None:
        started.set()
        released.wait(30)

    running = asyncio.create_task(database.write("first", first))
    await asyncio.to_thread(started.wait, 30)
    queued = asyncio.create_task(database.write("queued", lambda tx: tx.execute("INSERT INTO things VALUES ('q', NULL)")))
    await asyncio.sleep(0)
    queued.cancel()
    released.set()
    await running
    with pytest.raises(asyncio.CancelledError):
        await queued
    assert _names(database) in ([], ["q"])


async def test_writing_after_close_is_refused_and_closing_twice_is_harmless(path: Path) -> None:
    database = Database(path, [_SCHEMA])
    database.close()
    database.close()
    with pytest.raises(StorageClosed):
        await database.write("put", lambda tx: None)


def test_tables_of_another_version_are_refused_with_advice(path: Path) -> None:
    Database(path, [_SCHEMA]).close()
    with pytest.raises(WrongSchema, match="'things' have version 1, this program reads 2") as caught:
        Database(path, [Schema("things", 2, ())])
    assert isinstance(caught.value, CallerMistake)
    Database(path, [_SCHEMA]).close()


async def test_a_schema_added_later_keeps_the_rows_that_are_there(path: Path) -> None:
    database = Database(path, [_SCHEMA])
    await database.write("put", lambda tx: tx.execute("INSERT INTO things VALUES ('a', NULL)"))
    database.close()
    grown = Database(path, [_SCHEMA, Schema("others", 1, ("CREATE TABLE others (name TEXT) STRICT",))])
    assert (_names(grown), grown.rows("SELECT * FROM others LIMIT 1")) == (["a"], [])
    grown.close()


def test_a_file_that_is_no_database_or_a_folder_is_the_callers_mistake(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("this is not a database, whatever its name says. " * 100)
    for bad in (text, tmp_path, tmp_path / "absent" / "db"):
        with pytest.raises(DirectoryUnusable):
            Database(bad, [_SCHEMA])


def test_a_file_system_that_cannot_keep_a_write_ahead_log_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect

    def without_shared_memory(path: Path, **options: Any) -> sqlite3.Connection:
        return connect(f"file:{path}?vfs=unix-dotfile", uri=True, **options)

    monkeypatch.setattr(sqlite3, "connect", without_shared_memory)
    with pytest.raises(DirectoryUnusable, match=r"no shared memory .* put the data directory on a local disk"):
        Database(path, [_SCHEMA])


def test_a_statement_that_sqlite_refuses_is_our_bug(database: Database) -> None:
    with pytest.raises(StorageBroken, match="no such table"):
        database.row("SELECT * FROM nowhere")
    with pytest.raises(StorageBroken, match="no such table"):
        list(database.iterate("SELECT * FROM nowhere"))


async def test_the_read_half_of_a_database_cannot_write(database: Database) -> None:
    with pytest.raises(DirectoryUnusable, match="readonly"):
        database.rows("INSERT INTO things VALUES ('a', NULL)")


def _lock_holder(path: Path) -> subprocess.Popen[bytes]:
    """Another process that keeps the write lock until its standard input ends."""
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE'); "
        "print('locked', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"locked\n"
    return process


async def test_another_writer_who_keeps_the_lock_makes_it_busy(database: Database) -> None:
    with _lock_holder(database.path) as other:
        database._writer.execute("PRAGMA busy_timeout = 1")  # private: the real 5 s would only make the test slow
        with pytest.raises(StorageBusy) as caught:
            await database.write("put", lambda tx: None)
        assert isinstance(caught.value, TryAgain)
        assert other.stdin is not None
        other.stdin.close()
    await database.write("put", lambda tx: tx.execute("INSERT INTO things VALUES ('a', NULL)"))
    assert _names(database) == ["a"]


async def test_a_read_only_database_follows_the_writer_and_writes_nothing(database: Database, path: Path) -> None:
    reader = ReadOnlyDatabase(path)
    assert _names(reader) == []
    await database.write("put", lambda tx: tx.execute("INSERT INTO things VALUES ('a', NULL)"))
    assert _names(reader) == ["a"]
    with pytest.raises(DirectoryUnusable):
        reader.rows("DELETE FROM things")
    reader.close()


async def test_iterate_pages_through_one_snapshot(database: Database) -> None:
    await database.write("put", lambda tx: tx.execute_many("INSERT INTO things VALUES (?, NULL)", [(f"{n:04}",) for n in range(600)]))
    rows = database.iterate("SELECT name FROM things ORDER BY name")
    assert next(rows) == ("0000",)
    await database.write("remove", lambda tx: tx.execute("DELETE FROM things"))
    assert [name for (name,) in rows] == [f"{n:04}" for n in range(1, 600)]
    assert _names(database) == []


@given(st.lists(st.tuples(st.booleans(), st.sets(st.integers(0, 9), min_size=1)), max_size=20))
@settings(max_examples=15, deadline=None)
def test_any_mix_of_failing_and_succeeding_writes_leaves_exactly_the_successes(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[bool, set[int]]]
) -> None:
    async def run() -> None:
        database = Database(tmp_path_factory.mktemp("model") / "db", [_SCHEMA])
        model: set[str] = set()
        for fails, numbers in writes:
            names = {str(number) for number in numbers}

            def body(tx: Transaction, names: set[str] = names, fails: bool = fails) -> None:
                for name in names:
                    tx.execute("INSERT OR REPLACE INTO things VALUES (?, NULL)", (name,))
                if fails:
                    raise ValueError

            try:
                await database.write("any", body)
            except ValueError:
                assert fails
            else:
                model |= names
            assert set(_names(database)) == model
        database.close()

    asyncio.run(run())
