"""Options that make no sense are refused."""

from __future__ import annotations

from typing import Any

import pytest

from proofplane.base.errors import CallerMistake
from proofplane.chain.options import ImportOptions


@pytest.mark.parametrize("wrong", [{"threads": 0}, {"waiting_blocks": -1}, {"waiting_bytes": -1}, {"task_seconds": 0}])
def test_a_number_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(CallerMistake):
        ImportOptions(**wrong)


def test_by_default_it_is_parallel_on_at_least_one_thread() -> None:
    assert ImportOptions().parallel
    assert ImportOptions().threads >= 1
