"""A recorded vector that somebody has changed fails: no field of it is ignored."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from proofplane.chain.vectors.files import read_vectors
from proofplane.chain.vectors.run import FAMILIES, run_vector
from proofplane.chain.vectors.types import Mode, Vector, Verdict
from proofplane.chain.workers import ThreadWorkers

pytestmark = pytest.mark.data

Change = Callable[[dict[str, Any]], None]

FORKS = "fork_choice/test_fork_choice_head/test_head_switches_to_heavier_fork.json"


@pytest.fixture(scope="module")
def workers() -> Iterator[ThreadWorkers]:
    with ThreadWorkers() as opened:
        yield opened


def one(data_dir: Path, name: str) -> Vector:
    return next(vector for vector in read_vectors(data_dir / "lean" / "vectors", FAMILIES) if vector.name == name)


async def verdict(vector: Vector, change: Change, workers: ThreadWorkers) -> tuple[Verdict, str]:
    content: Any = copy.deepcopy(vector.content)
    change(content)
    result = await run_vector(Vector(vector.family, vector.name, content), Mode(), workers)
    return result.verdict, result.detail


def nothing(content: dict[str, Any]) -> None:
    """Leaves it as it is."""


def put(path: str, value: Any) -> Change:
    """Puts a value at a dotted path."""

    def change(content: dict[str, Any]) -> None:
        *way, last = path.split(".")
        at: Any = content
        for step in way:
            at = at[int(step)] if isinstance(at, list) else at[step]
        at[int(last) if isinstance(at, list) else last] = value

    return change


ZERO = "0x" + "00" * 32


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (put("steps.0.storeSnapshot.time", 6), "steps[0].storeSnapshot.time is 5"),
        (put("steps.0.storeSnapshot.headRoot", ZERO), "headRoot is"),
        (put("steps.0.storeSnapshot.safeTargetRoot", ZERO), "safeTargetRoot is"),
        (put("steps.0.storeSnapshot.latestJustified.slot", 9), "latestJustified is"),
        (put("steps.0.storeSnapshot.latestFinalized.root", ZERO), "latestFinalized is"),
        (put("steps.0.storeSnapshot.blockRoots", []), "blockRoots is"),
        (put("steps.0.storeSnapshot.blockWeights", []), "blockWeights is"),
        (put("steps.0.storeSnapshot.attestationSignatures", [{}]), "attestationSignatures is"),
        (put("steps.0.storeSnapshot.newAggregatedPayloads", [{}]), "newAggregatedPayloads is"),
        (put("steps.0.storeSnapshot.mood", "good"), "unknown fields: mood"),
        (put("steps.0.mood", "good"), "unknown fields: mood"),
        (put("steps.0.block.mood", "good"), "unknown fields: mood"),
        (put("steps.0.stepType", "dance"), "'dance' is not known"),
        (put("steps.0.valid", False), "contradict"),
        (put("steps.0.rejectionReason", "WRONG_PROPOSER"), "contradict"),
        (put("steps.0.block.stateRoot", ZERO), "STATE_ROOT_MISMATCH"),
        (put("steps.0.checks", {"headSlot": 7}), "checks.headSlot is 1"),
        (put("steps.0.checks", {"phaseOfTheMoon": 7}), "no check that is known"),
        (put("rejectionReason", "ANCHOR_STATE_ROOT_MISMATCH"), "accepted, recorded is ANCHOR_STATE_ROOT_MISMATCH"),
        (put("anchorBlock.stateRoot", ZERO), "ANCHOR_STATE_ROOT_MISMATCH"),
    ],
)
async def test_a_changed_fork_choice_vector_fails(data_dir: Path, workers: ThreadWorkers, change: Change, word: str) -> None:
    vector = one(data_dir, FORKS)
    assert await verdict(vector, nothing, workers) == (Verdict.PASSED, "")

    found, detail = await verdict(vector, change, workers)

    assert found is Verdict.FAILED
    assert word in detail


STATE = "state_transition/test_genesis/test_genesis_default_configuration.json"
BLOCK = "verify_signatures/test_valid_signatures/test_all_four_validators_attesting.json"
SINGLE = "verify_single_message_proofs/test_single_message_valid/test_single_message_four_validators.json"
MULTI = "verify_multi_message_proofs/test_multi_message_valid/test_multi_message_two_components_four_validators.json"
POSEIDON = "poseidon_permutation/test_permutation_width16/test_permutation_width16_all_one.json"


@pytest.mark.parametrize(
    ("name", "change", "word"),
    [
        (STATE, put("postStateRoot", ZERO), "the root of the state"),
        (STATE, put("post.mood", "good"), "post.mood is no field"),
        (STATE, put("post.slot", 5), "post.slot is 0"),
        (STATE, put("pre.slot", -1), "which is no uint64"),
        (STATE, put("pre.mood", "good"), "unknown fields: mood"),
        (STATE, put("pre.validators.data.0.index", 1), "carries the index 1"),
        (BLOCK, put("signedBlock.proof.proof.data", "0x"), "INVALID_BLOCK_PROOF"),
        (BLOCK, put("signedBlock.block.stateRoot", ZERO), "INVALID_BLOCK_PROOF"),
        (BLOCK, put("anchorState.validators.data", []), "rejected"),
        (SINGLE, put("slot", 3), "attestationData"),
        (SINGLE, put("message", ZERO), "attestationData"),
        (SINGLE, put("rejectionReason", "INVALID_SIGNATURE"), "accepted"),
        (SINGLE, put("proof.data", "0x4e56"), "INVALID_SIGNATURE"),
        (MULTI, put("messages", []), "INVALID_SIGNATURE"),
        (MULTI, put("slots.0", 77), "attestationData"),
        (MULTI, put("aggregationBitsPerMessage", []), "aggregationBits"),
        (POSEIDON, put("outputState.3", "5"), "outputState"),
        (POSEIDON, put("inputState.3", "2130706433"), "no field element"),
        (POSEIDON, put("width", 24), "width is 16"),
    ],
)
async def test_a_changed_vector_of_another_family_fails(
    data_dir: Path, workers: ThreadWorkers, name: str, change: Change, word: str
) -> None:
    vector = one(data_dir, name)
    assert await verdict(vector, nothing, workers) == (Verdict.PASSED, "")

    found, detail = await verdict(vector, change, workers)

    assert found is Verdict.FAILED
    assert word in detail
