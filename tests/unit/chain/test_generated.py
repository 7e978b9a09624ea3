"""A generated directory is whole or not there, and the same plan gives the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.lean_directories import SMALL, STEPS, quietly
from proofplane.chain.generated import write_chain


def contents(place: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in place.iterdir()}


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    assert write_chain(SMALL, tmp_path / "one", quietly) == write_chain(SMALL, tmp_path / "two", quietly) == STEPS
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.parametrize("at", [("keys", 1), ("slots", 4)])
def test_whoever_stops_it_leaves_nothing(tmp_path: Path, at: tuple[str, int]) -> None:
    def stop(stage: str, done: int, total: int) -> None:
        if (stage, done) == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_chain(SMALL, tmp_path / "chain", stop)
    assert list(tmp_path.iterdir()) == []
