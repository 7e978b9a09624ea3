"""Killed while it makes its data directory, the command starts again as if it had never been started."""

import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

from kit import crash_first_start
from kit.crash_command import started, write_headers
from kit.crash_processes import PATIENCE, wait_until_gone
from proofplane.cli.exits import OK
from proofplane.node.data_dir import TrustRoot
from proofplane.node.verify_chain import verify_chain
from proofplane.storage.database import DATABASE_NAME, ReadOnlyDatabase

BLOCKS = 5

AT_LEAST = 8
"""Operations: two folders, two keys (each linked and its draft removed), the trust file, the database (opened twice)."""


def test_killed_at_each_step_of_making_a_data_directory_it_starts_again(tmp_path: Path) -> None:
    headers = tmp_path / "regtest.raw"
    write_headers(headers, BLOCKS)
    words = ("prove", "--network", "regtest", "--headers", str(headers), "--first-height", "0", "--quiet")
    for number in count(1):
        place = tmp_path / f"data-{number}"
        command = [sys.executable, crash_first_start.__file__, str(number), str(place), *words, "--data-dir", str(place)]
        code = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False).returncode
        if code == OK:
            break  # there is no such operation any more
        assert code == -signal.SIGKILL
        wait_until_gone(place)
        with started(place, *words) as again:
            assert again.end() == OK, again.said
        database = ReadOnlyDatabase(place / DATABASE_NAME)
        try:
            assert verify_chain(database, TrustRoot.read(place)).blocks == BLOCKS
        finally:
            database.close()
    assert number > AT_LEAST
