"""Parallel import is sequential import is one straight line: any deliveries, any order, any timing, real signatures.

Every case is played four times: sequentially, and in parallel with 1, 2 and 4 native threads, on real threads and by schedules that hold,
exchange, nest, refuse or run in place either task. Each run is compared with the straight line after every event (answers, whole store,
order of its pools, commit stream, what observers hear), and the runs with each other.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kit.lean_chains_cases import Case, cases
from kit.lean_chains_line import Checked
from kit.lean_chains_run import Played, Told
from kit.lean_chains_schedules import ScheduledWorkers, schedule
from kit.lean_imports import NoWorkers
from proofplane.chain.options import ImportOptions
from proofplane.chain.types import Outcome
from proofplane.chain.workers import ThreadWorkers
from proofplane.crypto.xmss import TEST
from proofplane.lean.errors import Reason
from proofplane.lean.signature_list import SignatureList

BACKEND = SignatureList(TEST)

UNREACHABLE = {Reason.BLOCK_SLOT_MISMATCH, Reason.BLOCK_OLDER_THAN_LATEST_HEADER, Reason.ANCHOR_STATE_ROOT_MISMATCH}
"""The first two cannot arise behind `process_slots`; the third is of a store's making."""

PARTS, CASES = 4, 2_500
"""The slow run: ten thousand cases, in parts that run side by side."""


class Seen:
    """What the cases of a run were about."""

    def __init__(self) -> None:
        self.answers: Counter[object] = Counter()
        self.shapes: Counter[str] = Counter()

    def add(self, told: Told) -> None:
        """Counts one case."""
        self.answers.update({answer for answer, _ in told.said if answer is not None})
        store = told.store
        direct = sum(answer is Outcome.IMPORTED for answer, _ in told.said)
        self.shapes["cases"] += 1
        self.shapes["with forks"] += any(len(children) > 1 for children in store.children.values())
        self.shapes["with finality"] += store.latest_finalized.slot > 0
        self.shapes["with justification"] += store.latest_justified.slot > 0
        self.shapes["with a waiting child imported"] += len(told.emitted) > direct
        self.shapes["with counted votes"] += any(store.known_payloads.values())
        self.shapes["with three blocks or more"] += len(told.emitted) >= 3


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all cases of a test."""
    with asyncio.Runner() as one:
        yield one


async def compared(case: Case, threads: ThreadWorkers, numbers: tuple[int, int]) -> Told:
    """Plays a case in every mode; returns what all of them told."""
    checked: Checked = {}
    sequential = await Played(case, NoWorkers(), BACKEND, ImportOptions(False, 1, case.waiting), checked).play()
    parallel = [await Played(case, threads, BACKEND, ImportOptions(True, 2, case.waiting), checked).play()]
    for number, natives in zip(numbers, (1, 4), strict=True):
        workers = ScheduledWorkers(schedule(number))
        with workers.stages_watched():
            parallel.append(await Played(case, workers, workers.backend, ImportOptions(True, natives, case.waiting), checked).play())
    if case.in_order:
        assert parallel == [sequential] * 3
    return sequential


def compare_cases(runner: asyncio.Runner, count: int) -> Seen:
    seen = Seen()
    number = st.integers(0, 99_999)

    with ThreadWorkers() as threads:

        @given(cases(), number, number)
        @settings(
            max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=set(Phase) - {Phase.explain}
        )
        def compare(case: Case, first: int, second: int) -> None:
            seen.add(runner.run(compared(case, threads, (first, second))))

        compare()
    return seen


def test_parallel_import_is_sequential_import_is_the_straight_line(runner: asyncio.Runner) -> None:
    seen = compare_cases(runner, 150)
    assert {Outcome.IMPORTED, Outcome.ALREADY_KNOWN, Reason.INVALID_BLOCK_PROOF, Reason.UNKNOWN_PARENT_BLOCK} <= set(seen.answers)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_ten_thousand_cases_reach_every_reason_and_agree(runner: asyncio.Runner, part: int) -> None:
    seen = compare_cases(runner, CASES)
    for what, number in [*seen.shapes.items(), *seen.answers.most_common()]:
        print(f"{number:6}  {what}")
    assert set(seen.answers) >= set(Reason) - UNREACHABLE
    assert not set(seen.answers) & UNREACHABLE
    assert min(seen.shapes.values()) > CASES // 50
