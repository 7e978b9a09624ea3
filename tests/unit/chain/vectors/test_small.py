"""A vector of a permutation is held against the kernel and against plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from proofplane.chain.vectors.fields import Fields
from proofplane.chain.vectors.small import run_poseidon
from proofplane.chain.vectors.types import Case, Mode, VectorFailed
from proofplane.crypto import poseidon1
from proofplane.crypto.xmss import TEST

CASE = Case(None, TEST, Mode(parallel=False, threads=1))


def run(**changed: Any) -> None:
    """Runs a right vector with some fields changed."""
    state = list(range(16))
    right = {"width": 16, "inputState": list(map(str, state)), "outputState": list(map(str, poseidon1.permute(state)))}
    with Fields(right | changed, "vector") as vector:
        run_poseidon(vector, CASE)


def test_a_right_permutation_passes_and_a_wrong_one_does_not() -> None:
    run()
    with pytest.raises(VectorFailed, match="outputState"):
        run(outputState=["7"] * 16)


@pytest.mark.parametrize("name", ["native_permute", "permute"])
def test_either_permutation_can_fail(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = list(map(str, poseidon1.permute(range(16))))

    def other(state: Sequence[int]) -> list[int]:
        return [0] * len(state)

    monkeypatch.setattr(poseidon1, name, other)
    with pytest.raises(VectorFailed, match="outputState"):
        run(outputState=right)
