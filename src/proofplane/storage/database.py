"""One SQLite database: named atomic writes on a writer thread, reads on the caller's.

Rules:
1. A write is one transaction under a site name; it is durable (WAL, synchronous=FULL) when `write` returns.
2. Writes run one after the other on the writer's own thread, so an fsync never holds the event loop.
3. Reads see committed rows only.
4. A caller cancelled inside `write`, once or more often, waits until its transaction has ended; it learns the outcome by reading.
5. After an I/O error at the commit itself nobody knows whether it is durable: the next start finds all of the transaction or nothing.

Invariants: whoever reads after `write` returned finds what was written; nothing is ever half-written.
Not guaranteed: fairness between writers beyond first come, first served.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from proofplane.storage.errors import DirectoryUnusable, StorageClosed, WrongSchema, translated

T = TypeVar("T")
Row = tuple[Any, ...]

DATABASE_NAME = "proofplane.db"

_BUSY_TIMEOUT_MS = 5000
"""How long a write waits for another process's lock (a reader that checkpoints); beyond it `StorageBusy`."""

_CACHE_KIB = 8192
"""Page cache of each connection; bounds memory however large the database grows."""

_PAGE_OF_ROWS = 256
"""Rows fetched at a time by `iterate`."""


class WriteObserver(Protocol):
    """Sees every transaction pass its commit point; tests count, fail or kill here."""

    def before_commit(self, site: str) -> None:
        """All statements ran, nothing is durable; raising rolls the transaction back."""

    def after_commit(self, site: str) -> None:
        """The transaction is durable; nobody was told yet."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of one store: its name, the version of their shape, and the statements that create them."""

    name: str
    version: int
    statements: tuple[str, ...]


class Transaction:
    """What the body of a write may do: execute statements and read its own uncommitted rows."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Runs one statement and returns the number of rows that it changed."""
        return self._connection.execute(sql, parameters).rowcount

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Runs one statement for each row."""
        self._connection.executemany(sql, rows)

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """Returns the first row or None."""
        found: Row | None = self._connection.execute(sql, parameters).fetchone()
        return found


class Rows:
    """Queries over committed rows; the reading half that a live database and a read-only one share."""

    path: Path
    _reader: sqlite3.Connection

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """Returns the first row of a query over committed rows, or None."""
        try:
            found: Row | None = self._reader.execute(sql, parameters).fetchone()
        except sqlite3.Error as error:
            raise translated(error, self.path) from error
        return found

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Returns all rows of a query; the caller bounds it with LIMIT."""
        try:
            return self._reader.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    def iterate(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """Yields the rows of a query from one snapshot, holding a page of them at a time.

        The snapshot is held until the last row was taken or the iterator is closed; all the while the log of a database
        that is written to grows, because it cannot be reset. So it is for short walks: for a long one ask for page after page with
        `rows`, `WHERE key > ? ORDER BY key LIMIT ?`, which sees the rows of each page as they are when it is read.
        """
        try:
            cursor = self._reader.execute(sql, parameters)
            while page := cursor.fetchmany(_PAGE_OF_ROWS):
                yield from page
        except sqlite3.Error as error:
            raise translated(error, self.path) from error


class Database(Rows):
    """A handle on the one database file of a data directory; owns two connections and the writer thread."""

    def __init__(self, path: Path, schemas: Sequence[Schema], observer: WriteObserver | None = None) -> None:
        """Opens or creates the database and the tables of `schemas`.

        Raises:
            DirectoryUnusable: The file cannot be opened or is no database, or its file system cannot keep a write-ahead log.
            WrongSchema: A table has another version than ours.
            StorageFull, StorageBroken, StorageBusy: As for `write`.
        """
        self.path = path
        self._observer = observer
        self._closed = False
        with ExitStack() as opened:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="storage")
            opened.callback(self._thread.shutdown)
            try:
                self._writer = opened.enter_context(closing(_connect(path)))
                self._create(schemas)
                self._reader = opened.enter_context(closing(_connect(path)))
                self._reader.execute("PRAGMA query_only = 1")
            except sqlite3.Error as error:
                raise translated(error, path) from error
            opened.pop_all()

    async def write(self, site: str, body: Callable[[Transaction], T]) -> T:
        """Runs `body` in one transaction named `site` and returns its result once it is durable.

        Args:
            site: Which kind of commit point this is, for observers and messages.
            body: Runs on the writer thread; if it raises, everything is rolled back and the error passes through.

        Raises:
            StorageFull: The disk is full; nothing was written.
            StorageBroken: The database failed; nothing was written, unless it failed at the commit: then the next start finds out.
            StorageBusy: Another process kept the lock; nothing was written.
        """
        if self._closed:
            raise StorageClosed(f"{self.path} is closed")
        running = asyncio.get_running_loop().run_in_executor(self._thread, self._transact, site, body)
        cancelled = False
        while not running.done():
            try:
                await asyncio.wait([running])
            except asyncio.CancelledError:
                cancelled = True
        if cancelled:
            if not running.cancelled():
                running.exception()  # retrieved: the caller is gone, and the rows tell the outcome
            raise asyncio.CancelledError
        return running.result()

    def close(self) -> None:
        """Finishes running writes and closes the file; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._thread.shutdown(wait=True)
        self._reader.close()
        self._writer.close()

    def _transact(self, site: str, body: Callable[[Transaction], T]) -> T:
        writer = self._writer
        try:
            writer.execute("BEGIN IMMEDIATE")
            try:
                result = body(Transaction(writer))
                if self._observer is not None:
                    self._observer.before_commit(site)
                writer.execute("COMMIT")
            except BaseException:
                if writer.in_transaction:  # a full disk makes SQLite roll back by itself
                    writer.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise translated(error, self.path) from error
        if self._observer is not None:
            self._observer.after_commit(site)
        return result

    def _create(self, schemas: Sequence[Schema]) -> None:
        writer = self._writer
        (mode,) = writer.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":  # SQLite does not raise: it stays as it was
            raise DirectoryUnusable(
                f"{self.path}: its file system has no shared memory for a write-ahead log (journal mode stays {mode!r}): "
                "put the data directory on a local disk"
            )
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("CREATE TABLE IF NOT EXISTS schemas (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT")
        for schema in schemas:
            if not _has(writer, schema, self.path):
                for statement in schema.statements:
                    writer.execute(statement)
                writer.execute("INSERT INTO schemas VALUES (?, ?)", (schema.name, schema.version))
        writer.execute("COMMIT")


class ReadOnlyDatabase(Rows):
    """Committed rows of a database that another process may be writing; every query is a snapshot of its own."""

    def __init__(self, path: Path, schemas: Sequence[Schema] = ()) -> None:
        """Opens the database at `path`, of which the tables of `schemas` will be read.

        Raises:
            DirectoryUnusable: There is no readable database, or it has none of the tables yet (killed before its first transaction).
            WrongSchema: A table has another version than ours.
            StorageBroken, StorageBusy: The database failed, or is locked by another process.
        """
        self.path = path
        with ExitStack() as opened:
            try:
                reader = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)
                self._reader = opened.enter_context(closing(reader))
                self._reader.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
                begun = self._reader.execute("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schemas'").fetchone()
                if begun is None or not all(_has(self._reader, schema, path) for schema in schemas):
                    raise DirectoryUnusable(f"{path} lacks tables that are to be read: nothing was processed there yet")
            except sqlite3.Error as error:
                raise translated(error, path) from error
            opened.pop_all()

    def close(self) -> None:
        """Closes the file."""
        self._reader.close()


def _has(connection: sqlite3.Connection, schema: Schema, path: Path) -> bool:
    """Returns whether the tables of `schema` are there; raises `WrongSchema` if they have another version."""
    found = connection.execute("SELECT version FROM schemas WHERE name = ?", (schema.name,)).fetchone()
    if found is not None and found[0] != schema.version:
        raise WrongSchema(
            f"{path}: tables of {schema.name!r} have version {found[0]}, this program reads {schema.version}: "
            "use the program that wrote them or another data directory"
        )
    return found is not None


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    return connection
