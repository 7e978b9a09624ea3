"""Where sockets are put, and what they are called."""

import os
import tempfile
from pathlib import Path

import pytest

from proofplane.pool.addresses import NoSocketPlace, new_address


def test_a_name_carries_the_mark_and_128_random_bits_and_is_short() -> None:
    one, other = new_address("7-abc"), new_address("7-abc")
    assert one != other
    assert os.path.basename(one).startswith("proofplane-pool-7-abc-")
    assert len(os.path.basename(one).removeprefix("proofplane-pool-7-abc-").removesuffix(".sock")) == 32
    assert len(one) < 100


def test_the_users_own_directory_is_preferred_if_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as own:
        monkeypatch.setenv("XDG_RUNTIME_DIR", own)
        assert os.path.dirname(new_address("1-a")) == own
    assert os.path.dirname(new_address("1-a")) == tempfile.gettempdir()


def test_a_directory_whose_path_is_too_long_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 60)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    assert os.path.dirname(new_address("1-a")) == tempfile.gettempdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with pytest.raises(NoSocketPlace, match="set XDG_RUNTIME_DIR or TMPDIR"):
        new_address("1-a")


def test_a_directory_that_we_may_not_write_to_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as own:
        monkeypatch.setenv("XDG_RUNTIME_DIR", own)
        monkeypatch.setattr(os, "access", lambda path, mode: not (path == own and mode & os.W_OK))  # which root always has
        assert os.path.dirname(new_address("1-a")) == tempfile.gettempdir()
