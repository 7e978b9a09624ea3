"""What the display says about work on a Lean chain: how much, and how fast since the stage began."""

from __future__ import annotations

import pytest

from proofplane.cli.chain_progress import ChainPicture
from proofplane.node.chain_progress import ChainProgress


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ("keys", "making keys, 4.0 keys/s"),
        ("slots", "signing, 4.0 slots/s"),
        ("blocks", "head slot 9, finalized 3, 2 refused, 4.0 blocks/s"),
    ],
)
def test_a_rate_is_that_of_the_stage_and_does_not_count_what_was_there(stage: str, words: str) -> None:
    now = ChainProgress("keys" if stage != "keys" else "slots", 90, 90)
    picture = ChainPicture(lambda: now)
    picture.line(100.0)
    now = ChainProgress(stage, 10, 50)
    assert picture.line(110.0).endswith("0.0 " + f"{stage}/s"), "nothing has happened in this stage yet"
    now = ChainProgress(stage, 30, 50, 9, 3, 2)
    assert picture.line(115.0) == f"lean {stage} 30/50, {words}"
    ((name, _, number, remark),) = picture.rows(115.0)
    assert (name, number, remark) == (f"lean {stage}", "30/50", words)


def test_nothing_refused_is_not_mentioned() -> None:
    assert "refused" not in ChainPicture(lambda: ChainProgress()).line(1.0)
