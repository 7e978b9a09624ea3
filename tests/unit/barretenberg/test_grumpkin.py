"""The Grumpkin file, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from kit import bb_cache
from proofplane.barretenberg import grumpkin
from proofplane.barretenberg.known_good import known_good_rollup
from proofplane.barretenberg.one_shot import ask
from proofplane.barretenberg.setup_errors import CacheUnusable


def test_a_refusal_leaves_the_file_as_it_is() -> None:
    crs = bb_cache.verification_crs().directory
    other = msgspec.structs.replace(known_good_rollup(), public_inputs=[(16).to_bytes(32, "big")])
    assert not ask(bb_cache.bb().path, other, crs, 30.0).verified
    assert grumpkin.is_whole(crs)


def test_a_source_that_cannot_be_read_is_named_and_not_the_folder_that_it_was_for(tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    with pytest.raises(CacheUnusable, match=f"{tmp_path}/from cannot be filled: No such file"):
        grumpkin.copy(tmp_path / "from", tmp_path / "to")


def test_only_the_complete_file_is_whole(tmp_path: Path) -> None:
    assert not grumpkin.is_whole(tmp_path)
    path = tmp_path / grumpkin.FILE_NAME
    for content in (b"", bytes(64), bytes(grumpkin.SIZE)):
        path.write_bytes(content)
        assert not grumpkin.is_whole(tmp_path)
    grumpkin.copy(bb_cache.verification_crs().directory, tmp_path)
    assert grumpkin.is_whole(tmp_path)
