"""What can go wrong with storage, typed by what to do about it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from proofplane.base.errors import Broken, CallerMistake, TryAgain


class StorageFull(Broken):
    """No room for the transaction; nothing of it was written: free space and start again."""


class StorageBroken(Broken):
    """The database failed under us (I/O error, corruption); whether a transaction at its commit was written is known at the next start."""


class StorageBusy(TryAgain):
    """Another process holds the database's write lock."""


class StorageClosed(Broken):
    """Used after `close`."""


class DirectoryUnusable(CallerMistake):
    """A data directory that cannot be created, read or written as asked."""


class DirectoryInUse(CallerMistake):
    """Another process works on this data directory: stop it or name another directory."""


class WrongSchema(CallerMistake):
    """The database was written by another version of a table's schema."""


_FULL = {sqlite3.SQLITE_FULL}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_UNUSABLE = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_AUTH}
_PRIMARY = 0xFF
"""SQLite's extended codes carry the primary one in the low byte."""


def translated(error: sqlite3.Error, path: Path) -> Exception:
    """Returns our error for one of SQLite's; the only place that reads its codes."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
    if code in _FULL:
        return StorageFull(f"no space left for {path}: free some and start again, nothing was half-written")
    if code in _BUSY:
        return StorageBusy(f"{path} is locked by another process")
    if code in _UNUSABLE:
        return DirectoryUnusable(f"{path} cannot be used as a database: {error}")
    return StorageBroken(f"{path}: {error}")
