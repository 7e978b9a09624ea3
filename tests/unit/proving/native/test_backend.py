"""The native prover with real child processes."""

import asyncio
import os
import select
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from kit import native_parent
from kit.clock import ManualClock, settle
from kit.native_programs import FOREIGN, KEY, PREDICATE, argv, program_id
from kit.submissions import key, submission
from proofplane.base.errors import CallerMistake
from proofplane.base.predicate import Predicate
from proofplane.base.receipt import ProverKind, Receipt
from proofplane.proving.native import ledger as ledger_module
from proofplane.proving.native.backend import JOB_SECONDS, RESPAWN, NativeProver, ProverClosed, ProverDown
from proofplane.proving.native.frames import Ready, Results, Unexecutable, Withdrawn, encode
from proofplane.proving.native.ledger import QueueFull
from proofplane.proving.native.process import WorkerNotStarted
from proofplane.proving.native.worker import VERSION
from proofplane.proving.types import Failed, FailureReason, JobKey, RemoteId, RemotePhase, RemoteStatus, Submission

PATIENCE = 60.0
"""Seconds after which a test gives up on a process; none takes longer than a second on an idle machine."""

MakeProver = Callable[..., NativeProver]


@pytest.fixture
async def make_prover() -> AsyncIterator[MakeProver]:
    """Makes provers that are closed after the test."""
    made: list[NativeProver] = []

    def make(manner: str = "serve", workers: int = 1, clock: ManualClock | None = None) -> NativeProver:
        made.append(NativeProver(argv(manner), workers, ManualClock() if clock is None else clock))
        return made[-1]

    yield make
    for prover in made:
        await prover.close()


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A named pipe."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def job(
    number: int, name: str = "join", body: bytes = b"", prerequisites: Sequence[Receipt | JobKey] = (), predicate: Predicate = PREDICATE
) -> Submission:
    return submission(number, program_id(name), predicate, body, prerequisites)


def remote(number: int) -> RemoteId:
    return RemoteId(key(number))


def receipt(public_values: bytes) -> Receipt:
    return Receipt(KEY.sign(public_values), public_values, ProverKind.NATIVE, VERSION, program_id("join"))


async def ended(prover: NativeProver, *numbers: int) -> list[RemoteStatus | Exception]:
    """How the jobs have ended, once they have; led by completions alone."""
    async with asyncio.timeout(PATIENCE):
        while True:
            statuses = await prover.status([remote(n) for n in numbers])
            if all(isinstance(one, Failed) or one is RemotePhase.COMPLETED for one in statuses):
                return list(statuses)
            await prover.completions.recv()


async def gone(handles: Sequence[int]) -> None:
    """Returns when the processes of these pid descriptors have ended; fails after `PATIENCE`."""
    for handle in handles:
        watch = select.poll()
        watch.register(handle, select.POLLIN)
        assert await asyncio.to_thread(watch.poll, PATIENCE * 1000), "the process is still there"
        os.close(handle)


async def until_asleep(clock: ManualClock) -> None:
    """Returns when a worker's end was noticed and its replacement waits for its time."""
    async with asyncio.timeout(PATIENCE):
        while not clock.sleepers():
            await settle(1)


async def test_a_receipt_has_the_programs_public_values_and_a_signature_over_them(make_prover: MakeProver) -> None:
    prover = make_prover()
    assert await prover.start([job(1, body=b"claim")]) == [remote(1)]
    assert await ended(prover, 1) == [RemotePhase.COMPLETED]
    assert await prover.fetch([remote(1)]) == [receipt(b"claim")]
    KEY.public().verify(b"claim", receipt(b"claim").proof)  # raises if it does not hold


async def test_independent_jobs_run_on_all_workers_and_each_gives_its_own_receipt(make_prover: MakeProver) -> None:
    prover = make_prover(workers=2)
    await prover.start([job(n, body=b"%d" % n) for n in range(100)])
    assert await ended(prover, *range(100)) == [RemotePhase.COMPLETED] * 100
    assert await prover.fetch([remote(n) for n in range(100)]) == [receipt(b"%d" % n) for n in range(100)]


async def test_a_pipelined_chain_of_100_yields_every_link(make_prover: MakeProver) -> None:
    prover = make_prover(workers=2)
    await prover.start([job(0, body=b"."), *(job(n, body=b".", prerequisites=[key(n - 1)]) for n in range(1, 100))])
    assert await ended(prover, *range(100)) == [RemotePhase.COMPLETED] * 100
    assert await prover.fetch([remote(n) for n in range(100)]) == [receipt(b"." * (n + 1)) for n in range(100)]


async def test_a_key_started_twice_gives_the_same_id_and_runs_once(make_prover: MakeProver, pipe: Path) -> None:
    prover = make_prover()
    with pipe.open("r+b", buffering=0) as gate:
        assert await prover.start([job(1, "wait", os.fsencode(pipe))]) == [remote(1)]
        assert await prover.start([job(1, "wait", os.fsencode(pipe)), job(1, "wait", os.fsencode(pipe))]) == [remote(1)] * 2
        gate.write(b"1")  # one byte lets one run through
        assert await ended(prover, 1) == [RemotePhase.COMPLETED]
    assert await prover.start([job(1, "wait", os.fsencode(pipe)), job(2)]) == [remote(1), remote(2)]
    assert await ended(prover, 1, 2) == [RemotePhase.COMPLETED] * 2


async def test_defect_k_a_slow_proof_does_not_hold_the_event_loop(make_prover: MakeProver, pipe: Path) -> None:
    prover = make_prover(workers=2)
    with pipe.open("r+b", buffering=0) as gate:
        await prover.start([job(1, "wait", os.fsencode(pipe))])
        turned = asyncio.create_task(settle(1000))
        await prover.start([job(2, body=b"meanwhile")])
        assert await ended(prover, 2) == [RemotePhase.COMPLETED]
        assert await prover.status([remote(1)]) == [RemotePhase.IN_PROGRESS]
        await turned
        gate.write(b"!")
        assert await ended(prover, 1) == [RemotePhase.COMPLETED]


async def test_a_program_that_refuses_is_unexecutable_and_takes_what_builds_on_it_along(make_prover: MakeProver) -> None:
    prover = make_prover()
    await prover.start([job(1, "refuse", b"the header is wrong"), job(2, prerequisites=[key(1)]), job(3)])
    reason = "the program crashed: ValueError: the header is wrong"
    assert await ended(prover, 1, 2, 3) == [
        Failed(FailureReason.UNEXECUTABLE, reason),
        Failed(FailureReason.UNFULFILLABLE, f"prerequisite failed: {reason}"),
        RemotePhase.COMPLETED,
    ]


async def test_a_predicate_of_a_foreign_key_is_unfulfillable(make_prover: MakeProver) -> None:
    prover = make_prover()
    await prover.start([job(1, predicate=FOREIGN)])
    (status,) = await ended(prover, 1)
    assert isinstance(status, Failed)
    assert (status.reason, str(status)[:40]) == (FailureReason.UNFULFILLABLE, f"unfulfillable: no key for predicate {FOREIGN}"[:40])


async def test_a_program_that_prints_or_reads_standard_input_does_not_disturb_the_frames(make_prover: MakeProver) -> None:
    prover = make_prover()
    await prover.start([job(1, "chatter", b"heard")])
    assert await ended(prover, 1) == [RemotePhase.COMPLETED]
    (got,) = await prover.fetch([remote(1)])
    assert isinstance(got, Receipt)
    assert got.public_values == b"heard"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_stop_that_is_sent_to_the_whole_group_does_not_end_a_worker(make_prover: MakeProver, number: signal.Signals) -> None:
    prover = make_prover()
    await prover.start([job(1, "die", b"%d" % number)])
    assert await ended(prover, 1) == [RemotePhase.COMPLETED]


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
async def test_a_crash_loses_the_chunk_it_happened_in_and_the_worker_is_replaced(make_prover: MakeProver, number: signal.Signals) -> None:
    clock = ManualClock()
    prover = make_prover(clock=clock)
    await prover.start([job(0)])
    await ended(prover, 0)
    first = prover.pids
    chain = [job(1), job(2, "die", b"%d" % number, [key(1)]), job(3, prerequisites=[key(2)])]
    await prover.start([*chain, job(4)])
    lost = Failed(FailureReason.LOST, f"prover process {first[0]} was killed by {number.name}")
    assert await ended(prover, 1, 2, 3) == [lost] * 3
    await until_asleep(clock)
    clock.advance(RESPAWN.cap)
    assert await ended(prover, 4) == [RemotePhase.COMPLETED]
    assert len(prover.pids) == 1
    assert prover.pids != first


async def test_jobs_of_a_worker_killed_from_outside_are_lost_and_others_go_on(make_prover: MakeProver, pipe: Path) -> None:
    prover = make_prover(workers=2)
    with pipe.open("r+b", buffering=0):
        await prover.start([job(1, "wait", os.fsencode(pipe))])
        os.kill(prover.pids[0], signal.SIGKILL)
        (status,) = await ended(prover, 1)
        assert isinstance(status, Failed)
        assert status.reason is FailureReason.LOST
        await prover.start([job(2)])
        assert await ended(prover, 2) == [RemotePhase.COMPLETED]


async def test_jobs_that_come_while_a_workers_death_is_noticed_are_never_forgotten(
    make_prover: MakeProver,
) -> None:
    clock = ManualClock()
    prover = make_prover(clock=clock)
    await prover.start([job(0)])
    await ended(prover, 0)
    handle = os.pidfd_open(prover.pids[0])
    os.kill(prover.pids[0], signal.SIGKILL)
    assert select.select([handle], [], [], PATIENCE)[0]  # not awaited: it is dead, and the loop does not know yet
    os.close(handle)
    count = 0
    while prover.pids:
        count += 1
        await prover.start([job(count)])
        await settle(1)
    await until_asleep(clock)
    clock.advance(RESPAWN.cap)
    statuses = await ended(prover, *range(1, count + 1))
    assert count > 1, "no job came between the death and its discovery"
    assert statuses[-1] is RemotePhase.COMPLETED


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"\x03\0\0\0\xc1\xc1\xc1", "3 bytes are no report of a worker"),
        (b"\xff\xff\xff\xff", "a frame claims"),
        (encode(Ready("v")), "said twice that it is ready"),
        (encode(Withdrawn(1)), "gave back batch 1, which nobody asked for"),
        (encode(Results(2, 0, [Unexecutable("no")])), "results of batch 2, whose turn it is not"),
        (encode(Results(1, 0, [Unexecutable("no")] * 2)), "2 results from job 0 on, where 0 of 1 are settled"),
        (encode(Results(1, 1, [Unexecutable("no")])), "1 results from job 1 on"),
        (encode(Results(1, 0, [Unexecutable("no")]))[:-1], None),
    ],
)
async def test_a_worker_that_talks_nonsense_is_ended_and_its_jobs_are_lost(
    make_prover: MakeProver, answer: bytes, said: str | None
) -> None:
    prover = make_prover(f"say:{answer.hex()}")
    await prover.start([job(1)])
    handles = [os.pidfd_open(pid) for pid in prover.pids]
    if said is None:
        os.kill(prover.pids[0], signal.SIGTERM)
        said = "was killed by SIGTERM"
    (status,) = await ended(prover, 1)
    assert isinstance(status, Failed)
    assert status.reason is FailureReason.LOST
    assert said in status.text
    await gone(handles)


@pytest.mark.parametrize("opened", [0, 1])
async def test_a_job_behind_a_slow_one_moves_to_the_worker_that_is_idle_first(make_prover: MakeProver, tmp_path: Path, opened: int) -> None:
    pipes = [tmp_path / "0", tmp_path / "1"]
    for path in pipes:
        os.mkfifo(path)
    prover = make_prover(workers=2)
    with pipes[0].open("r+b", buffering=0) as one, pipes[1].open("r+b", buffering=0) as other:
        await prover.start([job(n, "wait", os.fsencode(path)) for n, path in enumerate(pipes)])
        await prover.start([job(2)])
        (one, other)[opened].write(b"!")
        assert await ended(prover, 2, opened) == [RemotePhase.COMPLETED] * 2
        assert await prover.status([remote(1 - opened)]) == [RemotePhase.IN_PROGRESS]


async def test_an_endless_job_is_lost_with_its_worker_once_its_time_is_up(make_prover: MakeProver, pipe: Path) -> None:
    clock = ManualClock()
    prover = make_prover(clock=clock)
    with pipe.open("r+b", buffering=0) as told:
        await prover.start([job(1, "spin", os.fsencode(pipe))])
        await asyncio.to_thread(told.read, 1)
    clock.advance(JOB_SECONDS)
    assert await prover.status([remote(1)]) == [RemotePhase.IN_PROGRESS]
    clock.advance(1)
    (status,) = await ended(prover, 1)
    assert isinstance(status, Failed)
    assert (status.reason, status.text.split(": ")[-1]) == (FailureReason.LOST, f"no result for {JOB_SECONDS:g} s")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (argv("leave"), "ended with exit code 1: the key file is missing"),
        (argv("babble"), "a frame claims"),
        (["/nonexistent/prover"], "cannot be started: No such file"),
    ],
)
async def test_a_worker_that_never_starts_is_a_clear_error_on_start(command: list[str], said: str) -> None:
    prover = NativeProver(command, 2, ManualClock())
    for _ in range(2):
        with pytest.raises(WorkerNotStarted, match=said):
            await prover.start([job(1)])
    await prover.close()


async def test_workers_that_end_again_and_again_are_given_up_and_tried_again_with_the_next_start(make_prover: MakeProver) -> None:
    clock = ManualClock()
    prover = make_prover("quit", clock=clock)
    await prover.start([job(1)])
    for _ in range(RESPAWN.budget):
        await until_asleep(clock)
        with pytest.raises(ProverDown, match="ended with exit code 0"):
            await prover.start([job(2)])
        clock.advance(RESPAWN.cap * 2)
        await settle()
    (status,) = await ended(prover, 1)
    assert isinstance(status, Failed)
    assert status.reason is FailureReason.LOST
    async with asyncio.timeout(PATIENCE):
        while not isinstance(await _answer(prover, job(3)), RemoteId):
            await settle(1)


async def _answer(prover: NativeProver, one: Submission) -> object:
    try:
        return (await prover.start([one]))[0]
    except ProverDown as error:
        return error


async def test_the_queue_is_bounded(make_prover: MakeProver, pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "MAX_UNFINISHED", 2)
    prover = make_prover()
    with pipe.open("r+b", buffering=0) as gate:
        answers = await prover.start([job(1, "wait", os.fsencode(pipe)), job(2), job(3)])
        assert [type(one) for one in answers] == [RemoteId, RemoteId, QueueFull]
        gate.write(b"!")
        await ended(prover, 1, 2)
    assert await prover.start([job(3)]) == [remote(3)]


async def test_an_unknown_id_is_lost(make_prover: MakeProver) -> None:
    (status,) = await make_prover().status([remote(1)])
    assert isinstance(status, Failed)
    assert status.reason is FailureReason.LOST


async def test_close_leaves_no_process_though_one_computes_for_ever(make_prover: MakeProver, pipe: Path) -> None:
    prover = make_prover(workers=2)
    with pipe.open("r+b", buffering=0) as told:
        await prover.start([job(1, "spin", os.fsencode(pipe))])
        await asyncio.to_thread(told.read, 1)
    handles = [os.pidfd_open(pid) for pid in prover.pids]
    completions = prover.completions
    await prover.close()
    await gone(handles)
    assert prover.pids == []
    assert [one async for one in completions] == []


async def test_after_close_every_call_says_so_and_a_second_close_does_nothing(make_prover: MakeProver) -> None:
    prover = make_prover()
    await prover.start([job(1)])
    await prover.close()
    await prover.close()
    for call in (prover.start([job(1)]), prover.status([remote(1)]), prover.fetch([remote(1)])):
        with pytest.raises(ProverClosed):
            await call


async def test_close_before_the_first_start_and_during_it_is_fine(make_prover: MakeProver) -> None:
    await make_prover().close()
    prover = make_prover()
    starting = asyncio.create_task(prover.start([job(1)]))
    await settle(3)
    await prover.close()
    with pytest.raises(ProverClosed):
        await starting


async def test_kill_9_of_the_parent_leaves_no_process_though_one_computes_for_ever(pipe: Path) -> None:
    tests = str(Path(native_parent.__file__).parent.parent)
    with pipe.open("r+b", buffering=0) as told:
        parent = await asyncio.create_subprocess_exec(
            sys.executable, native_parent.__file__, str(pipe), stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": tests}
        )
        assert parent.stdout is not None
        async with asyncio.timeout(PATIENCE):
            line = await parent.stdout.readline()
            await asyncio.to_thread(told.read, 1)
    handles = [os.pidfd_open(int(pid)) for pid in line.split()]
    parent.kill()
    assert await parent.wait() == -signal.SIGKILL
    assert len(handles) == 2
    await gone(handles)


async def test_a_prover_without_workers_is_the_callers_mistake() -> None:
    with pytest.raises(CallerMistake):
        NativeProver(argv(), 0)
