"""The verifier service over the real `bb`: who is answered what, when processes die or hang, and when it is stopped."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kit.rpc_raw import RawClient, numbered
from kit.verifier_jobs import chonk, mega_key
from kit.verifier_service import children, false, good, real_bb, until
from proofplane import rpc
from proofplane.barretenberg.errors import ProofRefused
from proofplane.barretenberg.generated.barretenberg import CircuitVerify
from proofplane.barretenberg.generated.verifier import CONTRACT, VerifyChonk, VerifyUltraHonk
from proofplane.barretenberg.service import executor
from proofplane.barretenberg.service.batch import Decided, find_bad
from proofplane.barretenberg.service.client import RemoteVerifier, connect_verifier
from proofplane.barretenberg.service.errors import NotVerified, Obstacle
from proofplane.barretenberg.service.executor import PooledExecutor
from proofplane.barretenberg.service.front import Front
from proofplane.barretenberg.service.serve import serve_verifier
from proofplane.barretenberg.service.settings import Bounds
from proofplane.barretenberg.service.types import NOBODY, ChonkJob, Queue, Source, UltraHonkJob, Verdict
from proofplane.pool.worker import Worker

HANGING = 1.5
"""Seconds after which a batch whose process was stopped is given up."""


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
                assert answers == ["holds", "FALSE", "FALSE", "holds", "FALSE"]

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
        jobs = [chonk(number, of=number % 3) for number in range(7)]
        asked = [asyncio.create_task(answer(verifier, job, Queue.GOSSIP)) for job in jobs]
        await until(lambda: front.status().gossip.waiting == 7)
        os.kill(pid, signal.SIGCONT)
        assert await first == "FALSE"
        assert await asyncio.gather(*asked) == [*("FALSE" if number % 3 == 0 else "MALFORMED" for number in range(7))]
        counters = front.status().counters
        assert (counters.batches, counters.batched, counters.again) == (1, 7, 4), "those under the good key stay a batch"
        assert await answer(verifier, ChonkJob(mega_key(), chonk(7).proof), Queue.GOSSIP) == "WRONG_KEY"
        assert front.status().counters.batches == 1, "a key of another size does not come so far"


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


@pytest.mark.parametrize(
    ("fault", "begun"),
    [
        pytest.param(signal.SIGKILL, False, id="dies at once"),
        pytest.param(signal.SIGKILL, True, id="dies after a result"),
        pytest.param(signal.SIGSTOP, False, id="hangs at once", marks=pytest.mark.slow),
        pytest.param(signal.SIGSTOP, True, id="hangs after a result", marks=pytest.mark.slow),
    ],
)
async def test_a_batch_whose_process_fails_is_verified_again_and_each_is_answered_once(
    address: str, fault: signal.Signals, begun: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    struck: list[int] = []

    def strike(worker: Worker) -> None:
        if not struck:
            struck.append(worker.pid)
            os.kill(worker.pid, fault)

    async def failing(worker: Worker, jobs: Sequence[ChonkJob], threads: int, known: CircuitVerify, decided: Decided) -> None:
        def deciding(index: int, verdict: Verdict) -> None:
            decided(index, verdict)
            strike(worker)

        if not begun:
            strike(worker)
        await find_bad(worker, jobs, threads, known, deciding)

    together = PooledExecutor.together

    async def hurried(self: PooledExecutor, *given: Any) -> None:
        """Only what hangs has a short deadline: everything else may take as long as a loaded machine takes."""
        patience, self._timeout = self._timeout, HANGING if fault is signal.SIGSTOP else self._timeout
        try:
            await together(self, *given)
        finally:
            self._timeout = patience

    monkeypatch.setattr(executor, "find_bad", failing)
    monkeypatch.setattr(PooledExecutor, "together", hurried)
    async with service(address, cores=1) as front, connect_verifier(address) as verifier:
        pid = await warmed(front, verifier)
        os.kill(pid, signal.SIGSTOP)
        first = asyncio.create_task(answer(verifier, false(0)))
        await until(lambda: front.status().busy == 1)
        asked = [asyncio.create_task(answer(verifier, chonk(number), Queue.GOSSIP)) for number in range(6)]
        await until(lambda: front.status().gossip.waiting == 6)
        os.kill(pid, signal.SIGCONT)
        assert await first == "FALSE"
        assert await asyncio.gather(*asked) == ["FALSE"] * 6
        status = front.status()
        assert (struck, status.counters.batched, status.counters.refused) == ([pid], 6, 7)
        assert begun or status.counters.again == 6
        assert status.counters.spawned == 2
        assert status.rpc.unanswered == status.gossip.unanswered == status.busy == 0


async def test_a_process_that_is_short_of_memory_for_threads_says_nothing_about_the_proofs_of_its_batch(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited: list[int] = []

    async def limiting(worker: Worker, jobs: Sequence[ChonkJob]) -> bool:
        resource.prlimit(worker.pid, resource.RLIMIT_AS, (1 << 20, resource.RLIM_INFINITY))  # less than it has: it gets no more
        limited.append(worker.pid)
        return False

    monkeypatch.setattr(executor, "all_hold", limiting)
    async with service(address, cores=1) as front, connect_verifier(address) as verifier:
        pid = await warmed(front, verifier)
        os.kill(pid, signal.SIGSTOP)
        first = asyncio.create_task(answer(verifier, false(1)))
        await until(lambda: front.status().busy == 1)
        asked = [asyncio.create_task(answer(verifier, chonk(number), Queue.GOSSIP)) for number in range(3)]
        await until(lambda: front.status().gossip.waiting == 3)
        os.kill(pid, signal.SIGCONT)
        assert await first == "FALSE"
        assert await asyncio.gather(*asked) == ["FALSE"] * 3
        counters = front.status().counters
        assert (limited, counters.again, counters.spawned) == ([pid], 3, 2)
        assert children() != [pid]


async def test_a_process_that_hangs_for_one_question_costs_that_question_only(address: str) -> None:
    async with service(address, cores=1, timeout=1.0) as front, connect_verifier(address) as verifier:
        os.kill(await warmed(front, verifier), signal.SIGSTOP)
        assert await answer(verifier, false(1)) is Obstacle.NO_ANSWER
        assert await answer(verifier, false(1)) == "FALSE"


async def test_a_process_that_is_killed_between_and_during_questions_costs_nobody_an_answer(address: str) -> None:
    async with service(address, cores=1) as front, connect_verifier(address) as verifier:
        pid = await warmed(front, verifier)
        os.kill(pid, signal.SIGKILL)
        assert await answer(verifier, false(1)) == "FALSE"
        (pid,) = children()
        os.kill(pid, signal.SIGSTOP)
        asked = asyncio.create_task(answer(verifier, false(2)))
        await until(lambda: front.status().busy == 1)
        os.kill(pid, signal.SIGKILL)
        assert await asked == "FALSE"


async def test_the_same_request_ids_on_two_connections_are_answered_to_whom_they_belong(address: str) -> None:
    async with service(address, cores=1) as front, RawClient(address) as one, RawClient(address) as two:

        def request(job: UltraHonkJob) -> dict[str, object]:
            inputs = b"".join(job.public_inputs)
            asked = VerifyUltraHonk(job.key.raw, inputs, job.proof.raw, job.flavor.value, "", 0)
            return {name: getattr(asked, name) for name in asked.__struct_fields__}

        await one.send(numbered(7, "VerifyUltraHonk", request(good())) + numbered(8, "VerifyUltraHonk", request(false(1))))
        await two.send(numbered(7, "VerifyUltraHonk", request(false(2))) + numbered(8, "VerifyUltraHonk", request(good())))
        said = [{number: body[1] for number, body in [await client.reply(), await client.reply()]} for client in (one, two)]
        assert [{number: verdict["verified"] is not None for number, verdict in each.items()} for each in said] == [
            {7: True, 8: False},
            {7: False, 8: True},
        ]
        assert front.status().counters.alone <= 4


async def test_what_breaks_the_contract_is_an_error_and_what_is_no_proof_a_refusal(address: str) -> None:
    job = good()
    async with service(address, cores=1) as front, rpc.connect(address, CONTRACT) as client:
        asked = VerifyUltraHonk(job.key.raw, b"".join(job.public_inputs), job.proof.raw, job.flavor.value, "", 0)
        for wrong in ({"flavor": "none"}, {"source": "x" * 257}):
            with pytest.raises(rpc.CallFailed):
                await client.call(msgspec.structs.replace(asked, **wrong), timeout=20)
        with pytest.raises(rpc.CallFailed):
            await client.call(VerifyChonk(job.key.raw, b"", "none", "", 0), timeout=20)
        wrong_bytes = {"proof": b"", "key": b"x", "public_inputs": b"\xff" * 32, "flavor": "noir-rollup"}
        for name, value in wrong_bytes.items():
            verdict = await client.call(msgspec.structs.replace(asked, **{name: value}), timeout=20)
            assert (verdict.verified, verdict.unchecked) == (None, None)
            assert verdict.refused is not None
        counters = front.status().counters
        assert (counters.requests, counters.refused, counters.spawned) == (4, 4, 0), "they are counted, and bb is not asked"
        for size in (1271, 1273):
            verdict = await client.call(VerifyChonk(chonk(0).key.raw, bytes(32 * size), "gossip", "", 0), timeout=20)
            assert verdict.refused is not None
            assert verdict.refused.reason == "wrong size"
        assert (await client.call(asked, timeout=20)).verified is not None
