"""Every recorded vector of Lean consensus holds, and nothing depends on how it is run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from proofplane.chain.vectors.files import read_vectors
from proofplane.chain.vectors.fork_choice import Replayed
from proofplane.chain.vectors.run import FAMILIES, FORK_CHOICE, replay, run_vectors, tally
from proofplane.chain.vectors.types import Mode, Verdict
from proofplane.chain.workers import ThreadWorkers

pytestmark = pytest.mark.data

COUNTS = {
    "fork_choice": 73,
    "ssz": 69,
    "state_transition": 46,
    "verify_signatures": 12,
    "verify_single_message_proofs": 6,
    "verify_multi_message_proofs": 5,
    "justifiability": 33,
    "slot_clock": 25,
    "poseidon_permutation": 8,
}
"""Vectors of each family: 277."""

MODES = [Mode(parallel, threads) for parallel in (True, False) for threads in (1, 2, 4)]

UNLISTED_VOTES = {
    "test_attestation_target_justifiable_constraint.json": 9,
    "test_post_anchor_votes_can_finalize_above_anchor.json": 0,
}
"""Recordings with votes that nothing lists, by file, and the step from which on that shows (reference section 15.2)."""


@pytest.fixture
def place(data_dir: Path) -> Path:
    return data_dir / "lean" / "vectors"


@pytest.fixture(scope="module")
def workers() -> Iterator[ThreadWorkers]:
    with ThreadWorkers() as opened:
        yield opened


async def run_all(place: Path, mode: Mode) -> None:
    results = [result async for result in run_vectors(place, mode)]

    assert [(one.name, one.detail) for one in results if one.verdict is not Verdict.PASSED] == []
    assert tally(results) == {family: Counter({Verdict.PASSED: count}) for family, count in COUNTS.items()}
    assert len(results) == 277


async def test_every_vector_of_every_family_passes(place: Path) -> None:
    await run_all(place, Mode(parallel=True, threads=2))


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES, ids=str)
async def test_every_vector_passes_in_every_mode(place: Path, mode: Mode) -> None:
    await run_all(place, mode)


async def test_stores_heads_and_reasons_are_the_same_in_parallel_and_sequentially_on_1_2_and_4_threads(
    place: Path, workers: ThreadWorkers
) -> None:
    replayed: dict[str, list[Replayed]] = {}
    for mode in MODES:
        for vector in read_vectors(place / FORK_CHOICE, FAMILIES):
            found = await replay(vector, mode, workers)
            assert found is not None
            replayed.setdefault(vector.name, []).append(found)

    assert len(replayed) == COUNTS[FORK_CHOICE]
    for name, runs in replayed.items():
        assert len(runs) == len(MODES)
        assert runs == [runs[0]] * len(MODES), name


async def test_only_two_recordings_have_votes_that_nothing_lists(place: Path, workers: ThreadWorkers) -> None:
    found = {}
    for vector in read_vectors(place / FORK_CHOICE, FAMILIES):
        replayed = await replay(vector, Mode(), workers)
        assert replayed is not None
        if replayed.unlisted_votes_from is not None:
            found[Path(vector.name).name] = replayed.unlisted_votes_from

    assert found == UNLISTED_VOTES
