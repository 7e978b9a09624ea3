"""What the executor makes of errors, and how it asks for batches, over a pool and batches that are scripted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from kit.scripted_bb import ScriptedBb
from kit.verifier_jobs import chonk, ultra_honk
from proofplane.barretenberg.errors import ProofFlaw, ProofRefused
from proofplane.barretenberg.generated.barretenberg import CircuitVerify, CircuitVerifyResponse
from proofplane.barretenberg.known_good import genuine
from proofplane.barretenberg.service import executor
from proofplane.barretenberg.service.batch import Decided, KeysRefused
from proofplane.barretenberg.service.errors import NotVerified, Obstacle
from proofplane.barretenberg.service.executor import _WARY, PooledExecutor
from proofplane.barretenberg.service.types import ChonkJob, Verdict
from proofplane.barretenberg.setup_errors import BinaryWrong, CacheUnusable, CrsMissing

BAD = ProofRefused(ProofFlaw.FALSE, "it is")


def over(bb: ScriptedBb) -> PooledExecutor:
    """An executor whose every process is scripted."""
    return PooledExecutor(bb, bb, genuine(), 5.0)  # type: ignore[arg-type] - a pool that lends


class Batches:
    """Stands for both ways to verify a batch; remembers which were asked for which jobs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[str, list[bytes]]] = []
        self.bad: set[bytes] = set()
        self.bad_keys: set[bytes] = set()
        monkeypatch.setattr(executor, "all_hold", self.all_hold)
        monkeypatch.setattr(executor, "find_bad", self.find_bad)

    async def all_hold(self, _worker: Any, jobs: Sequence[ChonkJob]) -> bool:
        """Whether none is bad."""
        self.asked.append(("all", [job.digest for job in jobs]))
        return not any(job.digest in self.bad or job.key.sha256 in self.bad_keys for job in jobs)

    async def find_bad(self, _worker: Any, jobs: Sequence[ChonkJob], _threads: int, _good: Any, decided: Decided) -> None:
        """Decides each, unless a key is bad."""
        self.asked.append(("each", [job.digest for job in jobs]))
        if any(job.key.sha256 in self.bad_keys for job in jobs):
            raise KeysRefused("not on the curve")
        for index, job in enumerate(jobs):
            decided(index, BAD if job.digest in self.bad else None)


async def together(subject: PooledExecutor, jobs: Sequence[ChonkJob]) -> dict[int, Verdict]:
    """What is decided of a batch, each job once at most."""
    verdicts: dict[int, Verdict] = {}

    def decided(index: int, verdict: Verdict) -> None:
        assert index not in verdicts
        verdicts[index] = verdict

    await subject.together(jobs, 1, decided)
    return verdicts


@pytest.mark.parametrize("error", [BinaryWrong("another file"), CrsMissing("gone"), CacheUnusable("mine")])
async def test_an_error_of_our_own_files_is_no_verdict(error: Exception) -> None:
    for job in (ultra_honk(1), chonk(1)):
        verdict = await over(ScriptedBb({CircuitVerify: error})).alone(job, 1)
        assert isinstance(verdict, NotVerified)
        assert verdict.obstacle is Obstacle.NO_ANSWER
    assert await together(over(ScriptedBb({CircuitVerify: error})), [chonk(1), chonk(2)]) == {}


async def test_after_a_bad_proof_batches_are_asked_about_each_proof_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = Batches(monkeypatch)
    subject = over(ScriptedBb({CircuitVerify: CircuitVerifyResponse(True)}))
    jobs = [chonk(1), chonk(2)]
    batches.bad = {chonk(2).digest}
    assert await together(subject, jobs) == {0: None, 1: BAD}
    batches.bad = set()
    for _ in range(_WARY + 1):
        assert await together(subject, jobs) == {0: None, 1: None}
    assert [way for way, _ in batches.asked] == ["all", "each", *["each"] * _WARY, "all"]


async def test_a_batch_with_a_refused_key_is_split_by_keys_and_those_under_it_and_single_ones_are_undecided(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batches = Batches(monkeypatch)
    jobs = [chonk(number, of=key) for number, key in enumerate([1, 2, 1, 2, 3])]
    batches.bad_keys, batches.bad = {chonk(0, of=2).key.sha256}, {jobs[2].digest}
    decided = await together(over(ScriptedBb({CircuitVerify: CircuitVerifyResponse(True)})), jobs)
    assert decided == {0: None, 2: BAD}
