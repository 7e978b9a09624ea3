"""Signals to `proofplane prove`: the first one ends it in order, the second at once, and SIGKILL leaves nobody behind."""

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kit.crash_command import started, write_headers
from kit.crash_processes import wait_until_gone
from proofplane.cli.exits import INTERRUPTED, OK
from proofplane.node.data_dir import TrustRoot
from proofplane.node.verify_chain import verify_chain
from proofplane.storage.database import DATABASE_NAME, ReadOnlyDatabase

BLOCKS = 3000

GRACE = 30.0
"""Seconds that a graceful end may take."""

AT_ONCE = 3.0
"""Seconds that a process may take to die; less than the lock on the database below would hold up a graceful end."""

SIGNALS = pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)], ids=lambda number: number.name
)


@pytest.fixture(scope="session")
def headers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of regtest headers that keeps a prover busy for some seconds."""
    file = tmp_path_factory.mktemp("headers") / "regtest.raw"
    write_headers(file, BLOCKS)
    return file


@pytest.fixture
def words(headers: Path) -> tuple[str, ...]:
    """The command."""
    return ("prove", "--network", "regtest", "--headers", str(headers), "--first-height", "0", "--processes", "2")


@pytest.mark.checklist(24)
@SIGNALS
def test_a_signal_ends_it_in_order_and_the_next_start_goes_on_from_there(
    tmp_path: Path, words: tuple[str, ...], number: signal.Signals
) -> None:
    with started(tmp_path, *words) as command:
        command.wait_for_proofs(100)
        command.send(number)
        assert command.end(GRACE) == INTERRUPTED
        assert f"{number.name}: stopping" in command.said
        assert "start again to go on" in command.said
        assert "Traceback" not in command.said
    wait_until_gone(tmp_path)
    _finish(tmp_path, words)


@SIGNALS
def test_a_second_signal_ends_it_at_once(tmp_path: Path, words: tuple[str, ...], number: signal.Signals) -> None:
    with started(tmp_path, *words) as command:
        command.wait_for_proofs(100)
        with closing(sqlite3.connect(tmp_path / DATABASE_NAME, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # so that the graceful end has to wait
            command.send(signal.SIGTERM)
            command.wait_for_words("once more to stop at once")
            command.send(number)
            assert command.end(AT_ONCE) == -number
    wait_until_gone(tmp_path)
    _finish(tmp_path, words)


def test_sigkill_leaves_no_process(tmp_path: Path, words: tuple[str, ...]) -> None:
    with started(tmp_path, *words) as command:
        command.wait_for_proofs(100)
        assert len(command.children) == 2
        command.send(signal.SIGKILL)
        assert command.end() == -signal.SIGKILL
        assert wait_until_gone(tmp_path) < GRACE
    _finish(tmp_path, words)


def _finish(data_dir: Path, words: tuple[str, ...]) -> None:
    """The next start proves the rest."""
    with started(data_dir, *words, "--quiet") as command:
        assert command.end() == OK, command.said
    database = ReadOnlyDatabase(data_dir / DATABASE_NAME)
    try:
        report = verify_chain(database, TrustRoot.read(data_dir))
    finally:
        database.close()
    assert (report.blocks, report.step_proofs, report.recursive_proofs) == (BLOCKS, {"native": BLOCKS}, {"native": BLOCKS})
