"""What the display says about work on a Lean chain: how much, and how fast."""

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
def test_stage_numbers_and_rate_are_shown(stage: str, words: str) -> None:
    picture = ChainPicture(lambda: ChainProgress(stage, 30, 50, 9, 3, 2, rate=4.0))

    assert picture.line(1.0) == f"lean {stage} 30/50, {words}"
    ((name, _, number, remark),) = picture.rows(1.0)
    assert (name, number, remark) == (f"lean {stage}", "30/50", words)


def test_nothing_refused_is_not_mentioned() -> None:
    assert "refused" not in ChainPicture(lambda: ChainProgress()).line(1.0)
