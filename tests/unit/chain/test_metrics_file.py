"""The file of metrics: whole at any time, not written too often, and no reason for an import to fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.lean_branches import Branches
from proofplane.chain.metrics import LeanMetrics
from proofplane.chain.metrics_file import WRITE_SECONDS, MetricsFile


def test_it_is_written_at_the_beginning_now_and_then_and_at_the_end(tmp_path: Path) -> None:
    path, counts = tmp_path / "metrics.prom", LeanMetrics()
    file = MetricsFile(path, counts)
    counted = []
    for now in (100.0, 100.0 + WRITE_SECONDS / 2, 100.0 + WRITE_SECONDS):
        counts.votes_checked("block", 1, 0)
        file.refresh(now)
        counted.append(path.read_text() == counts.render())
    assert counted == [True, False, True]
    counts.store_changed(Branches().store())
    file.close()
    assert path.read_text() == counts.render()
    assert [one.name for one in tmp_path.iterdir()] == ["metrics.prom"]


def test_a_failure_on_the_way_is_remembered_and_ends_the_writing(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file = MetricsFile(folder / "metrics.prom", LeanMetrics())
    (folder / "metrics.prom").unlink()
    folder.rmdir()
    file.refresh(1.0)
    assert isinstance(file.failure, FileNotFoundError)
    folder.mkdir()
    file.close()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["nowhere/metrics.prom", "folder"])
def test_a_place_that_takes_no_file_is_told_at_the_beginning(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=r"No such file|no regular file"):
        MetricsFile(tmp_path / name, LeanMetrics())
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]
