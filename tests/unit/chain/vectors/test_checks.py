"""Every check of a step compares what it names, and one that is not known fails."""

from __future__ import annotations

from typing import Any

import pytest

from kit.vector_store import GENESIS, HIGH, LOW, block, view
from proofplane.chain.vectors.checks import CHECKS, StepView, run_checks
from proofplane.chain.vectors.types import VectorFailed

RIGHT: dict[str, Any] = {
    "time": 11,
    "headSlot": 2,
    "headRoot": "0x" + HIGH.hex(),
    "headRootLabel": "high",
    "latestJustifiedSlot": 0,
    "latestJustifiedRoot": "0x" + GENESIS.hex(),
    "latestJustifiedRootLabel": "genesis",
    "latestFinalizedSlot": 0,
    "latestFinalizedRoot": "0x" + GENESIS.hex(),
    "latestFinalizedRootLabel": "genesis",
    "safeTarget": "0x" + LOW.hex(),
    "safeTargetSlot": 1,
    "safeTargetRootLabel": "low",
    "attestationTargetSlot": 0,
    "attestationTargetRootLabel": "genesis",
    "attestationSignatureTargetSlots": [3],
    "latestNewAggregatedTargetSlots": [2],
    "latestKnownAggregatedTargetSlots": [2, 1],
    "attestationChecks": [
        {"validator": 2, "location": "new", "attestationSlot": 3, "headSlot": 2, "sourceSlot": 0, "sourceRootLabel": "genesis"},
        {"validator": 1, "location": "known", "targetSlot": 2},
        {"validator": 3, "location": "signatures", "attestationSlot": 5},
    ],
    "newPoolProofParticipants": {"2": [3, 2, 1]},
    "blockAttestationCount": 1,
    "blockAttestations": [{"participants": [2, 0], "attestationSlot": 1, "targetSlot": 1}],
    "filledBlockRootLabel": "filled",
    "lexicographicHeadAmong": ["low", "high"],
    "reorgDepth": 2,
    "labelsInStore": ["low", "high", "genesis"],
}

WRONG: dict[str, list[Any]] = {
    "time": [10, "11", True],
    "headRootLabel": ["low", "nobody", 7],
    "headRoot": ["0x" + LOW.hex(), HIGH.hex(), "0x1234"],
    "attestationTargetSlot": [1],
    "attestationSignatureTargetSlots": [[], [3, 4], 3],
    "latestKnownAggregatedTargetSlots": [[1], [1, 2, 3]],
    "attestationChecks": [
        [{"validator": 0, "location": "new"}],
        [{"validator": 2, "location": "new", "attestationSlot": 2}],
        [{"validator": 2, "location": "new", "headSlot": 3}],
        [{"validator": 2, "location": "new", "sourceSlot": 1}],
        [{"validator": 2, "location": "new", "targetSlot": 1}],
        [{"validator": 2, "location": "new", "sourceRootLabel": "low"}],
        [{"validator": 2, "location": "old"}],
        [{"validator": 2, "location": "new", "mood": "good"}],
    ],
    "newPoolProofParticipants": [{"2": [1, 2]}, {"3": [1]}, {"two": [1]}],
    "blockAttestationCount": [0, 2],
    "blockAttestations": [
        [{"participants": [0]}],
        [{"participants": [0, 2], "attestationSlot": 2}],
        [{"participants": [0, 2], "targetSlot": 2}],
        [{"participants": [0, 2], "mood": "good"}],
    ],
    "filledBlockRootLabel": ["low"],
    "lexicographicHeadAmong": [["high"], ["low", "genesis"], ["low", "nobody"]],
    "reorgDepth": [0, 1],
    "labelsInStore": [["gone"], ["nobody"]],
}


def test_the_examples_name_every_check() -> None:
    assert RIGHT.keys() == CHECKS.keys()


@pytest.mark.parametrize("name", RIGHT)
def test_a_check_that_holds_passes(name: str) -> None:
    step_block = block()
    seen = view(step_block)

    run_checks({name: RIGHT[name]}, StepView(seen.store, seen.old_head, step_block, {**seen.labels, "filled": step_block.root}), "checks")


@pytest.mark.parametrize(("name", "expected"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_check_that_does_not_hold_fails_and_is_named(name: str, expected: Any) -> None:
    with pytest.raises(VectorFailed, match=rf"checks\.{name}"):
        run_checks({name: expected}, view(block()), "checks")


def test_a_check_that_nobody_knows_fails() -> None:
    with pytest.raises(VectorFailed, match=r"checks\.phaseOfTheMoon is no check that is known"):
        run_checks({"phaseOfTheMoon": 1}, view(), "checks")


@pytest.mark.parametrize("name", ["blockAttestationCount", "blockAttestations", "filledBlockRootLabel"])
def test_a_check_of_the_block_needs_a_step_with_a_block(name: str) -> None:
    with pytest.raises(VectorFailed, match="the step brings none"):
        run_checks({name: RIGHT[name]}, view(), "checks")
