"""The verifier service over the real `bb`: who is answered what, when processes die or hang, and when it is stopped."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kit.verifier_jobs import chonk
from kit.verifier_service import children, false, good, real_bb, until
from proofplane.barretenberg.errors import ProofRefused
from proofplane.barretenberg.service.client import RemoteVerifier, connect_verifier
from proofplane.barretenberg.service.errors import NotVerified, Obstacle
from proofplane.barretenberg.service.front import Front
from proofplane.barretenberg.service.serve import serve_verifier
from proofplane.barretenberg.service.settings import Bounds
from proofplane.barretenberg.service.types import NOBODY, ChonkJob, Queue, Source, UltraHonkJob


@pytest.fixture
def address(tmp_path: Path) -> str:
    """Where the service listens."""
    return str(tmp_path / "verifier.sock")


@asynccontextmanager
async def service(address: str, cores: int = 2, bounds: Bounds | None = None, timeout: float = 20.0) -> AsyncIterator[Front]:
    """The service over genuine processes, of which none is left behind."""
    async with serve_verifier(address, cores, bounds=bounds, spec=real_bb(), timeout=timeout) as front:
        yield front
    assert children() == []


async def answer(
    verifier: RemoteVerifier, job: UltraHonkJob | ChonkJob, queue: Queue = Queue.RPC, source: Source = NOBODY
) -> str | Obstacle:
    """What became of a request: "holds", the flaw's name, or the obstacle."""
    try:
        if isinstance(job, ChonkJob):
            await verifier.verify_chonk(job.key, job.proof, queue=queue, source=source)
        else:
            await verifier.verify(job.key, job.public_inputs, job.proof, job.flavor, source=source)
    except ProofRefused as refused:
        return refused.reason.name
    except NotVerified as unknown:
        return unknown.obstacle
    return "holds"


async def warmed(front: Front, verifier: RemoteVerifier) -> int:
    """Has the narrow process of a service with one core started; returns its process id."""
    assert await answer(verifier, good()) == "holds"
    (pid,) = children()
    assert front.status().busy == 0
    return pid


async def test_many_clients_at_once_each_get_the_answers_to_their_own_questions(address: str) -> None:
    async with service(address):

        async def client(number: int) -> None:
            async with connect_verifier(address) as verifier:
                asked = [good(), false(number), chonk(number), good(), chonk(100 + number)]
                queues = [Queue.RPC, Queue.RPC, Queue.RPC, Queue.RPC, Queue.GOSSIP]
                answers = await asyncio.gather(*(answer(verifier, job, queue) for job, queue in zip(asked, queues, strict=True)))
                assert answers == ["holds", "FALSE", "MALFORMED", "holds", "MALFORMED"]

        await asyncio.gather(*map(client, range(6)))


async def test_identical_questions_in_flight_are_verified_once(address: str) -> None:
    async with service(address, cores=1) as front, connect_verifier(address) as one, connect_verifier(address) as two:
        pid = await warmed(front, one)
        os.kill(pid, signal.SIGSTOP)
        asked = [asyncio.create_task(answer(verifier, good())) for verifier in (one, two) for _ in range(10)]
        await until(lambda: front.status().counters.coalesced == 19)
        os.kill(pid, signal.SIGCONT)
        assert await asyncio.gather(*asked) == ["holds"] * 20
        assert front.status().counters.alone == 2
        assert front.status().counters.spawned == 1


async def test_gossip_is_verified_in_batches_and_bad_keys_refuse_only_their_own_proofs(address: str) -> None:
    async with service(address, cores=1) as front, connect_verifier(address) as verifier:
        pid = await warmed(front, verifier)
        os.kill(pid, signal.SIGSTOP)
        first = asyncio.create_task(answer(verifier, false(1)))
        await until(lambda: front.status().busy == 1)
        asked = [asyncio.create_task(answer(verifier, chonk(number, of=number % 3), Queue.GOSSIP)) for number in range(8)]
        await until(lambda: front.status().gossip.waiting == 8)
        os.kill(pid, signal.SIGCONT)
        assert await first == "FALSE"
        assert await asyncio.gather(*asked) == ["MALFORMED"] * 8
        counters = front.status().counters
        assert (counters.batches, counters.batched, counters.again, counters.alone) == (1, 8, 0, 2)


async def test_a_cancelled_source_is_answered_at_once_and_nothing_of_it_is_begun(address: str) -> None:
    mine, other = Source("mine"), Source("other")
    async with service(address, cores=1) as front, connect_verifier(address) as verifier:
        pid = await warmed(front, verifier)
        os.kill(pid, signal.SIGSTOP)
        asked = [asyncio.create_task(answer(verifier, false(number), source=mine)) for number in range(5)]
        kept = asyncio.create_task(answer(verifier, false(9), source=other))
        await until(lambda: front.status().rpc.unanswered == 6)
        async with connect_verifier(address) as another:
            assert await another.cancel(mine) == 5
        assert await asyncio.gather(*asked) == [Obstacle.CANCELLED] * 5
        os.kill(pid, signal.SIGCONT)
        assert await kept == "FALSE"
        counters = front.status().counters
        assert (counters.cancelled, counters.alone) == (5, 3), "the first was in progress, the other four were not begun"


async def test_a_full_queue_refuses_at_once_and_says_when_to_ask_again(address: str) -> None:
    async with service(address, cores=1, bounds=Bounds(rpc=3)) as front, connect_verifier(address) as verifier:
        pid = await warmed(front, verifier)
        os.kill(pid, signal.SIGSTOP)
        asked = [asyncio.create_task(answer(verifier, false(number))) for number in range(3)]
        await until(lambda: front.status().rpc.unanswered == 3)
        with pytest.raises(NotVerified) as full:
            await verifier.verify_chonk(chonk(1).key, chonk(1).proof)
        assert full.value.obstacle is Obstacle.QUEUE_FULL
        assert full.value.retry_after is not None
        assert full.value.retry_after > 0
        os.kill(pid, signal.SIGCONT)
        assert await asyncio.gather(*asked) == ["FALSE"] * 3


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP], ids=["dies", "hangs"])
async def test_a_batch_whose_process_dies_or_hangs_is_verified_again_and_each_is_answered_once(address: str, fault: signal.Signals) -> None:
    async with service(address, cores=1, timeout=2.0) as front, connect_verifier(address) as verifier:
        pid = await warmed(front, verifier)
        os.kill(pid, signal.SIGSTOP)
        first = asyncio.create_task(answer(verifier, chonk(0), Queue.GOSSIP))
        await until(lambda: front.status().busy == 1)
        asked = [asyncio.create_task(answer(verifier, chonk(number), Queue.GOSSIP)) for number in range(1, 7)]
        await until(lambda: front.status().gossip.waiting == 6)
        os.kill(pid, signal.SIGCONT)
        assert await first == "MALFORMED"
        await _strike(front, fault)
        assert await asyncio.gather(*asked) == ["MALFORMED"] * 6
        status = front.status()
        assert status.counters.refused == 7
        assert status.gossip.unanswered == status.rpc.unanswered == status.busy == 0


async def _strike(front: Front, fault: signal.Signals) -> None:
    """Hits whatever process there is."""
    await until(lambda: front.status().counters.batches == 2 or front.status().counters.refused == 7)
    for pid in children():
        os.kill(pid, fault)
