"""Data directories with finished chains, made once and copied for each test, and ways to damage their rows."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from kit.cli_run import proofplane
from proofplane.storage.database import DATABASE_NAME

DEMO_BLOCKS = 40
DEMO_UPGRADE, DEMO_FORK = 10, 20
"""Heights of the block that replaces the step predicate, and of the last block before the reorg."""


def make_demo(directory: Path) -> Path:
    """Runs the demo into `directory`, which then holds everything in the database file alone."""
    proofplane("demo", "--quiet", "--json", "--blocks", DEMO_BLOCKS, "--data-dir", directory).succeeded()
    settle(directory)
    return directory


def settle(directory: Path) -> None:
    """Moves the write-ahead log of a directory at rest into its database, so that a copy is one file."""
    with closing(sqlite3.connect(directory / DATABASE_NAME)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def copy_of(source: Path, target: Path) -> Path:
    """Copies a settled data directory."""
    shutil.copytree(source, target)
    return target


@contextmanager
def rows_of(directory: Path) -> Iterator[sqlite3.Connection]:
    """A connection that commits at the end and writes without waiting for the disk: for damaging rows."""
    with closing(sqlite3.connect(directory / DATABASE_NAME)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        with connection:
            yield connection


def flip(blob: bytes, offset: int, bit: int = 0) -> bytes:
    """`blob` with one bit changed."""
    damaged = bytearray(blob)
    damaged[offset] ^= 1 << bit
    return bytes(damaged)
