"""What every prover backend owes the worker (`proofplane.proving.ports.ProverBackend`), run over each of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from kit.native_programs import FOREIGN, KEY, PREDICATE, PROGRAMS, argv, program_id
from kit.remote_sim import RemoteSim
from kit.submissions import key, submission
from kit.task_programs import run_toy
from proofplane.base.predicate import Predicate
from proofplane.base.receipt import Receipt
from proofplane.proving.errors import NotReady
from proofplane.proving.native.backend import NativeProver
from proofplane.proving.ports import ProverBackend
from proofplane.proving.reconciler import verify_receipt
from proofplane.proving.routed import RoutedProver
from proofplane.proving.tasks import TaskProver
from proofplane.proving.types import Expected, Failed, FailureReason, JobKey, RemoteId, RemotePhase, RemoteStatus, Submission

PATIENCE = 60.0
"""Seconds after which a test gives up on a backend; none needs more than one on an idle machine."""

BACKENDS: dict[str, Callable[[], ProverBackend]] = {
    "remote-sim": lambda: RemoteSim(PROGRAMS, {PREDICATE: KEY}),
    "remote-sim, pipelining": lambda: RemoteSim(PROGRAMS, {PREDICATE: KEY}, pipelines=True),
    "tasks": lambda: TaskProver("tasks", run_toy, 2),
    "routed": lambda: RoutedProver("routed", NativeProver(argv(), 1), {64: TaskProver("none", run_toy, 1)}),
    "routed to another": lambda: RoutedProver(
        "routed", RemoteSim({}, {}), {PREDICATE.kind: TaskProver("tasks", run_toy, 2), 77: RemoteSim({}, {})}
    ),
    "native": lambda: NativeProver(argv(), 2),
}
"""Each runs the toy programs and holds the key of `PREDICATE`. A new backend is one line here."""

PIPELINING = pytest.mark.parametrize("backend", ["remote-sim, pipelining", "native"], indirect=True)
"""Those that say so; `test_those_that_pipeline_say_so` holds the list to it."""


@pytest.fixture(params=BACKENDS)
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[ProverBackend]:
    """One of the backends, closed afterwards."""
    made = BACKENDS[request.param]()
    yield made
    await made.close()


def job(number: int, name: str = "join", body: bytes = b"", prerequisites: Sequence[Receipt | JobKey] = ()) -> Submission:
    return submission(number, program_id(name), PREDICATE, body, prerequisites)


async def started(backend: ProverBackend, *jobs: Submission) -> list[RemoteId]:
    """The ids of jobs that all have to be accepted."""
    answers = await backend.start(jobs)
    ids = [one for one in answers if isinstance(one, RemoteId)]
    assert len(ids) == len(answers) == len(jobs)
    return ids


async def ended(backend: ProverBackend, ids: Sequence[RemoteId]) -> list[RemoteStatus]:
    """How jobs have ended, once they have; waits for nothing but completions."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = [one for one in await backend.status(ids) if not isinstance(one, Exception)]
            if len(found) == len(ids) and all(isinstance(one, Failed) or one is RemotePhase.COMPLETED for one in found):
                return found
            await backend.completions.recv()


async def receipts(backend: ProverBackend, ids: Sequence[RemoteId]) -> list[Receipt]:
    """The receipts of jobs that all have to be proved."""
    assert await ended(backend, ids) == [RemotePhase.COMPLETED] * len(ids)
    found = [one for one in await backend.fetch(ids) if isinstance(one, Receipt)]
    assert len(found) == len(ids)
    return found


async def test_receipts_hold_for_program_public_values_and_predicate_in_the_order_of_the_jobs(backend: ProverBackend) -> None:
    bodies = [b"one", b"two", b"three"]
    ids = await started(backend, *(job(number, body=body) for number, body in enumerate(bodies)))
    assert len(set(ids)) == 3
    for receipt, body in zip(await receipts(backend, ids), bodies, strict=True):
        verify_receipt(receipt, Expected(body, PREDICATE, program_id("join")))


async def test_the_same_key_is_the_same_job(backend: ProverBackend) -> None:
    first = await started(backend, job(1, body=b"one"), job(2, body=b"two"))
    assert await started(backend, job(2, body=b"two"), job(1, body=b"one")) == first[::-1]
    before = await receipts(backend, first)
    assert await started(backend, job(1, body=b"one")) == first[:1], "nor after it has ended"
    assert await receipts(backend, first) == before


async def test_a_receipt_can_be_fetched_again(backend: ProverBackend) -> None:
    ids = await started(backend, job(1))
    assert await receipts(backend, ids) == await receipts(backend, ids)


async def test_receipts_reach_the_program_in_order(backend: ProverBackend) -> None:
    made = await receipts(backend, await started(backend, job(1, body=b"a"), job(2, body=b"b")))
    (last,) = await receipts(backend, await started(backend, job(3, body=b"c", prerequisites=made[::-1])))
    assert last.public_values == b"bac"


async def test_an_unknown_job_is_lost_and_has_no_receipt(backend: ProverBackend) -> None:
    (known,) = await started(backend, job(1))
    unknown = RemoteId(b"never given out" + bytes(17))
    await ended(backend, [known])
    lost, completed = await backend.status([unknown, known])
    assert isinstance(lost, Failed)
    assert lost.reason is FailureReason.LOST
    assert completed is RemotePhase.COMPLETED
    missing, there = await backend.fetch([unknown, known])
    assert isinstance(missing, NotReady)
    assert isinstance(there, Receipt)


async def test_a_program_that_refuses_its_input_fails_its_own_job_only(backend: ProverBackend) -> None:
    ids = await started(backend, job(1), job(2, "refuse", b"a reason"), job(3))
    before, refused, after = await ended(backend, ids)
    assert before is after is RemotePhase.COMPLETED
    assert isinstance(refused, Failed)
    assert refused.reason is FailureReason.UNEXECUTABLE
    assert "a reason" in refused.text
    assert isinstance((await backend.fetch(ids))[1], NotReady)


@pytest.mark.parametrize(("name", "predicate"), [("nobody's", PREDICATE), ("join", FOREIGN), ("join", Predicate(0))])
async def test_an_unknown_program_or_a_predicate_without_a_key_is_refused_alone(
    backend: ProverBackend, name: str, predicate: Predicate
) -> None:
    answers = await backend.start([job(1), submission(2, program_id(name), predicate), job(3)])
    good = [one for one in (answers[0], answers[2]) if isinstance(one, RemoteId)]
    assert await ended(backend, good) == [RemotePhase.COMPLETED] * 2
    if isinstance(answers[1], RemoteId):
        (status,) = await ended(backend, [answers[1]])
        assert isinstance(status, Failed)


async def test_every_job_that_ends_is_announced(backend: ProverBackend) -> None:
    wanted = set(await started(backend, job(1), job(2, "refuse", b"no"), job(3)))
    async with asyncio.timeout(PATIENCE):
        while wanted:
            wanted.discard(await backend.completions.recv())


@PIPELINING
async def test_a_pipelining_backend_feeds_jobs_of_one_call_into_each_other(backend: ProverBackend) -> None:
    chain = [job(0, body=b"0"), *(job(n, body=b"%d" % n, prerequisites=[key(n - 1)]) for n in range(1, 6))]
    made = await receipts(backend, await started(backend, *chain))
    assert [one.public_values for one in made] == [b"0", b"01", b"012", b"0123", b"01234", b"012345"]


@PIPELINING
async def test_what_builds_on_a_failed_job_is_unfulfillable(backend: ProverBackend) -> None:
    ids = await started(backend, job(0, "refuse", b"no"), job(1, prerequisites=[key(0)]), job(2, prerequisites=[key(1)]), job(3))
    first, *others, beside = await ended(backend, ids)
    assert isinstance(first, Failed)
    assert beside is RemotePhase.COMPLETED
    assert [one.reason for one in others if isinstance(one, Failed)] == [FailureReason.UNFULFILLABLE] * 2


async def test_no_questions_get_no_answers(backend: ProverBackend) -> None:
    assert [list(await backend.start([])), list(await backend.status([])), list(await backend.fetch([]))] == [[], [], []]


async def test_a_name_is_shown_and_closing_twice_is_harmless(backend: ProverBackend) -> None:
    assert backend.name
    await backend.close()
    await backend.close()


async def test_those_that_pipeline_say_so(backend: ProverBackend, request: pytest.FixtureRequest) -> None:
    assert backend.pipelines == (request.node.callspec.params["backend"] in PIPELINING.args[1])
