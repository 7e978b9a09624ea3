"""The front over a scripted executor: every caller is answered once, whatever happens to it or to the executor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kit.clock import ManualClock, settle
from kit.scripted_executor import ScriptedExecutor
from kit.verifier_jobs import chonk, ultra_honk
from proofplane.barretenberg.errors import ProofFlaw, ProofRefused
from proofplane.barretenberg.service.errors import BadRequestToService, NotVerified, Obstacle
from proofplane.barretenberg.service.front import Front
from proofplane.barretenberg.service.state import Next, State
from proofplane.barretenberg.service.types import Job, Queue, Source, Verdict

PATIENCE = 10.0
"""Seconds after which a request without an answer fails its test; nothing here waits for more than a turn of the loop."""

BAD = ProofRefused(ProofFlaw.FALSE, "it is")


def odd_is_false(job: Job) -> Verdict:
    """Proofs of odd numbers do not hold."""
    return BAD if job.proof.raw[31] % 2 else None


async def ask(front: Front, job: Job, queue: Queue = Queue.RPC, source: str = "", timeout: float | None = None) -> Verdict:
    """What became of a request."""
    try:
        async with asyncio.timeout(PATIENCE):
            await front.verify(job, queue, Source(source), timeout)
    except (ProofRefused, NotVerified) as error:
        return error
    return None


@asynccontextmanager
async def opened(front: Front, executor: ScriptedExecutor) -> AsyncIterator[Front]:
    """An entered front, over an executor that ends what it has when a test fails: leaving then waits for nothing."""
    async with front:
        try:
            yield front
        except BaseException:
            executor.gate.set()
            raise


def obstacles(verdicts: list[Verdict]) -> list[Obstacle | None]:
    """Why each is not known."""
    return [verdict.obstacle if isinstance(verdict, NotVerified) else None for verdict in verdicts]


async def test_each_caller_hears_about_its_own_proof() -> None:
    executor = ScriptedExecutor()
    executor.verdict = odd_is_false
    executor.gate.set()
    async with Front(executor, 2, clock=ManualClock()) as front:
        jobs: list[Job] = [ultra_honk(number % 5) if number % 3 else chonk(number % 5) for number in range(60)]
        answers = await asyncio.gather(*(ask(front, job) for job in jobs))
    assert answers == [odd_is_false(job) for job in jobs]
    assert executor.most_threads <= 2
    counters = front.status().counters
    assert (counters.requests, counters.verified + counters.refused) == (60, 60)
    assert counters.alone + counters.coalesced == 60


async def test_a_batch_that_breaks_off_is_finished_singly() -> None:
    executor = ScriptedExecutor()
    executor.verdict = odd_is_false
    async with Front(executor, 1, clock=ManualClock()) as front:
        plug = asyncio.create_task(ask(front, ultra_honk(0)))
        await settle()
        asked = [asyncio.create_task(ask(front, chonk(number), Queue.GOSSIP)) for number in range(4)]
        await settle()
        executor.broken = True
        executor.gate.set()
        assert await asyncio.gather(plug, *asked) == [None, None, BAD, None, BAD]
        assert [len(batch) for batch in executor.together_given] == [4]
        assert executor.alone_given[1:] == [chonk(1), chonk(2), chonk(3)]
        assert front.status().counters.again == 3


async def test_an_executor_with_a_bug_still_has_everybody_answered() -> None:
    def bug(job: Job) -> Verdict:
        raise ZeroDivisionError

    executor = ScriptedExecutor()
    executor.verdict = bug
    executor.gate.set()
    async with Front(executor, 1, clock=ManualClock()) as front:
        answers = await asyncio.gather(ask(front, ultra_honk(1)), ask(front, chonk(1), Queue.GOSSIP))
        assert obstacles(answers) == [Obstacle.NO_ANSWER, Obstacle.NO_ANSWER]
        assert front.status().busy == 0


async def test_a_caller_that_is_cancelled_takes_nobody_with_it() -> None:
    executor = ScriptedExecutor()
    async with Front(executor, 1, clock=ManualClock()) as front:
        one, two = (asyncio.create_task(ask(front, ultra_honk(1))) for _ in range(2))
        await settle()
        one.cancel()
        await settle()
        executor.gate.set()
        assert await two is None
        assert one.cancelled()
        assert front.status().rpc.unanswered == 0


async def test_a_cancelled_source_hears_so_and_nobody_cannot_be_cancelled() -> None:
    executor = ScriptedExecutor()
    async with opened(Front(executor, 1, clock=ManualClock()), executor) as front:
        asked = [asyncio.create_task(ask(front, ultra_honk(number), source=name)) for number, name in enumerate(["a", "a", "b", ""])]
        await settle()
        assert front.cancel(Source("")) == 0
        assert front.cancel(Source("a")) == 2
        executor.gate.set()
        assert obstacles(await asyncio.gather(*asked)) == [Obstacle.CANCELLED, Obstacle.CANCELLED, None, None]


async def test_what_waits_longer_than_it_may_is_told_so() -> None:
    executor, clock = ScriptedExecutor(), ManualClock()
    async with Front(executor, 1, clock=clock) as front:
        first = asyncio.create_task(ask(front, ultra_honk(1)))
        await settle()
        late = asyncio.create_task(ask(front, ultra_honk(2), timeout=3.0))
        await settle()
        clock.advance(3.1)
        executor.gate.set()
        assert obstacles(await asyncio.gather(first, late)) == [None, Obstacle.TOO_LATE]
        assert executor.alone_given == [ultra_honk(1)]


async def test_what_waits_too_long_is_told_when_its_time_is_over_and_not_when_its_turn_comes() -> None:
    executor, clock = ScriptedExecutor(), ManualClock()
    async with opened(Front(executor, 1, clock=clock), executor) as front:
        first = asyncio.create_task(ask(front, ultra_honk(1)))
        await settle()
        late = asyncio.create_task(ask(front, ultra_honk(2), timeout=3.0))
        await settle()
        assert clock.sleepers() == 1
        clock.advance(3.0)
        assert obstacles([await late]) == [Obstacle.TOO_LATE]
        assert not first.done()
        executor.gate.set()
        assert await first is None


async def test_leaving_waits_for_an_executor_that_has_answered_and_not_ended() -> None:
    executor = ScriptedExecutor()
    executor.gate.set()
    executor.after = asyncio.Event()
    front = Front(executor, 1, clock=ManualClock())
    async with opened(front, executor):
        plug = asyncio.create_task(ask(front, ultra_honk(1)))
        asked = [asyncio.create_task(ask(front, chonk(number), Queue.GOSSIP)) for number in range(2)]
        assert await asyncio.gather(plug, *asked) == [None] * 3
        assert front.cancel(Source("somebody")) == 0
        await settle()  # it has decided anew: all are answered, and something is in progress
        leaving = asyncio.create_task(front.__aexit__(None, None, None))
        await settle()
        assert not leaving.done()
        executor.after.set()
        await leaving
        assert executor.ended == len(executor.together_given) > 0


async def test_when_deciding_fails_everybody_is_told_so_and_nothing_more_is_taken_in(monkeypatch: pytest.MonkeyPatch) -> None:
    executor = ScriptedExecutor()
    async with opened(Front(executor, 1, clock=ManualClock()), executor) as front:
        running = asyncio.create_task(ask(front, ultra_honk(1)))
        await settle()

        def bug(_self: State, _now: float) -> Next:
            raise ZeroDivisionError

        monkeypatch.setattr(State, "next", bug)
        assert obstacles([await ask(front, ultra_honk(2)), await running]) == [Obstacle.NO_ANSWER] * 2
        assert obstacles([await ask(front, ultra_honk(3))]) == [Obstacle.STOPPING]


async def test_leaving_finishes_what_was_accepted_and_refuses_the_rest() -> None:
    executor = ScriptedExecutor()
    front = Front(executor, 1, clock=ManualClock())
    async with opened(front, executor):
        accepted = [asyncio.create_task(ask(front, chonk(number), Queue.GOSSIP)) for number in range(5)]
        await settle()
        leaving = asyncio.create_task(front.__aexit__(None, None, None))
        await settle()
        assert not leaving.done()
        assert obstacles([await ask(front, chonk(9))]) == [Obstacle.STOPPING]
        executor.gate.set()
        assert await asyncio.gather(*accepted) == [None] * 5
        await leaving


async def test_leaving_tells_those_that_it_cannot_finish_in_time() -> None:
    executor, clock = ScriptedExecutor(), ManualClock()
    front = Front(executor, 1, clock=clock, drain_timeout=10.0)
    async with opened(front, executor):
        asked = [asyncio.create_task(ask(front, ultra_honk(number))) for number in range(3)]
        await settle()
        leaving = asyncio.create_task(front.__aexit__(None, None, None))
        await settle()
        clock.advance(10.0)
        assert obstacles(await asyncio.gather(*asked)) == [Obstacle.STOPPING] * 3
        await leaving


async def test_before_it_is_entered_it_refuses() -> None:
    assert obstacles([await ask(Front(ScriptedExecutor(), 1), chonk(1))]) == [Obstacle.STOPPING]


async def test_the_gossip_queue_takes_chonk_proofs_and_sources_are_short() -> None:
    async with Front(ScriptedExecutor(), 1, clock=ManualClock()) as front:
        with pytest.raises(BadRequestToService, match="Chonk"):
            await front.verify(ultra_honk(1), Queue.GOSSIP)
        with pytest.raises(BadRequestToService, match="characters"):
            await front.verify(chonk(1), source=Source("x" * 257))
