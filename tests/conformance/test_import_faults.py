"""What can go wrong around an import, in any order: the verdict is the sequential one or "could not check", the store before or after.

Orders of events are made with workers that wait to be told and with events, never with time.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from dataclasses import replace
from itertools import product

import pytest

from kit.clock import settle
from kit.lean_imports import BAD, GOOD, HeldWorkers, LoopWorkers, NoWorkers, Rig
from proofplane.chain import tasks
from proofplane.chain.errors import CouldNotCheck
from proofplane.chain.options import BLOCKS_IN_FLIGHT
from proofplane.chain.types import ImportResult, Outcome
from proofplane.chain.workers import ThreadWorkers
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.ssz import State
from proofplane.lean.transition import TransitionStopped
from proofplane.lean.types import Block, SignedBlock
from proofplane.storage.errors import StorageBroken, StorageBusy, StorageFull

PATIENCE = 30.0
CRASH = b"crash"


def begin(rig: Rig, signed: SignedBlock) -> asyncio.Task[ImportResult]:
    return asyncio.ensure_future(rig.importer.import_signed(signed))


async def outcome(running: asyncio.Task[ImportResult]) -> object:
    """How an import ended, as a value: an outcome, a reason, or the type of error."""
    try:
        return (await running).outcome
    except Rejected as refusal:
        return refusal.reason
    except (CouldNotCheck, StorageFull, StorageBusy, StorageBroken) as error:
        return type(error)


async def imports(rig: Rig, signed: SignedBlock) -> bool:
    """Whether the importer is still of use: it takes this block, on whatever workers."""
    running = begin(rig, signed)
    while not running.done():
        await settle()
        if isinstance(rig.workers, HeldWorkers):
            rig.workers.run_all()
    return (await running).outcome is Outcome.IMPORTED and rig.storage.load() == rig.importer.store


async def held(**options: object) -> tuple[Rig, HeldWorkers]:
    workers = HeldWorkers()
    return await Rig(workers, **options).open(), workers


# What each kind of proof and block leads to in the sequential order.
SEQUENTIAL = {
    (GOOD, True): Outcome.IMPORTED,
    (GOOD, False): Reason.STATE_ROOT_MISMATCH,
    (BAD, True): Reason.INVALID_BLOCK_PROOF,
    (BAD, False): Reason.INVALID_BLOCK_PROOF,
    (CRASH, True): CouldNotCheck,
    (CRASH, False): CouldNotCheck,
}


@pytest.mark.parametrize("first", ["signatures", "transition"])
@pytest.mark.parametrize(("proof", "valid"), list(SEQUENTIAL))
async def test_whichever_task_ends_first_the_verdict_is_the_sequential_one(first: str, proof: bytes, valid: bool) -> None:
    rig, workers = await held()
    rig.backend.errors[CRASH] = MemoryError()
    before = rig.importer.store
    signed = rig.child(rig.anchor, 1, proof) if valid else rig.bad_state(rig.anchor, 1, proof)
    running = begin(rig, signed)
    await settle()
    assert sorted(workers.names()) == ["signatures", "transition"]
    workers.run(first)
    await settle()
    assert not running.done()
    assert rig.importer.store is before
    workers.run_all()
    assert await outcome(running) == SEQUENTIAL[proof, valid]
    assert (rig.importer.store is before) == (SEQUENTIAL[proof, valid] is not Outcome.IMPORTED)
    assert await imports(rig, rig.child(rig.anchor, 2))


@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize(("proof", "valid"), list(SEQUENTIAL))
async def test_real_threads_and_both_orders_of_work_agree(
    parallel: bool, proof: bytes, valid: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with ThreadWorkers() as workers:
        rig = await Rig(workers, parallel=parallel).open()
        rig.backend.errors[CRASH] = MemoryError()
        signed = rig.child(rig.anchor, 1, proof) if valid else rig.bad_state(rig.anchor, 1, proof)
        assert await outcome(begin(rig, signed)) == SEQUENTIAL[proof, valid]


async def test_a_failing_a_stops_a_b_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, stopped = threading.Event(), threading.Event()

    def endless(state: State, block: Block, stop: Callable[[], bool]) -> State:
        begun.set()
        while not stop():
            pass
        stopped.set()
        raise TransitionStopped("asked to")

    with ThreadWorkers() as workers:
        rig = await Rig(workers).open()
        check = rig.backend.verify_multi
        rig.backend.verify_multi = lambda *given: begun.wait(PATIENCE) and check(*given)
        monkeypatch.setattr(tasks, "transition", endless)
        assert await rig.reason(rig.child(rig.anchor, 1, BAD)) is Reason.INVALID_BLOCK_PROOF
        assert stopped.is_set()


@pytest.mark.parametrize("refused", [(), ("signatures",), ("transition",)])
@pytest.mark.parametrize(("proof", "valid"), list(SEQUENTIAL))
async def test_a_pool_that_refuses_changes_nothing_but_the_thread(refused: tuple[str, ...], proof: bytes, valid: bool) -> None:
    rig = await Rig(NoWorkers(*refused)).open()
    rig.backend.errors[CRASH] = MemoryError()
    signed = rig.child(rig.anchor, 1, proof) if valid else rig.bad_state(rig.anchor, 1, proof)
    assert await outcome(begin(rig, signed)) == SEQUENTIAL[proof, valid]


@pytest.mark.parametrize(("parallel", "dying"), [(True, "signatures"), (True, "transition"), (False, "signatures and transition")])
@pytest.mark.parametrize("error", [BrokenExecutor("the thread died"), MemoryError(), SystemExit(1)])
async def test_a_thread_that_dies_says_nothing_about_the_block(parallel: bool, dying: str, error: BaseException) -> None:
    rig, workers = await held(parallel=parallel)
    signed = rig.child(rig.anchor, 1)
    running = begin(rig, signed)
    await settle()
    workers.die(dying, error)
    workers.run_all()
    assert await outcome(running) is CouldNotCheck
    assert rig.notes.refusals == []
    assert await imports(rig, signed)


async def test_a_bad_proof_is_a_bad_proof_even_if_the_other_thread_died() -> None:
    rig, workers = await held()
    running = begin(rig, rig.child(rig.anchor, 1, BAD))
    await settle()
    workers.die("transition", BrokenExecutor("the thread died"))
    workers.run_all()
    assert await outcome(running) is Reason.INVALID_BLOCK_PROOF


@pytest.mark.parametrize("error", [MemoryError(), ValueError("a bug")])
async def test_a_transition_that_fails_by_itself_says_nothing_and_is_not_remembered(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> State:
        raise error

    rig = await Rig(NoWorkers()).open()
    signed = rig.child(rig.anchor, 1)
    with monkeypatch.context() as patched, caplog.at_level(logging.CRITICAL):
        patched.setattr(tasks, "transition", fail)
        assert await outcome(begin(rig, signed)) is CouldNotCheck
    assert await imports(rig, signed)


async def test_workers_that_never_answer_are_given_up_and_the_importer_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    rig, workers = await held(task_seconds=0.01)
    signed = rig.child(rig.anchor, 1)
    with caplog.at_level(logging.CRITICAL):
        for _ in range(2 * BLOCKS_IN_FLIGHT):
            assert await outcome(begin(rig, signed)) is CouldNotCheck
    workers.run_all()
    rig.importer._workers = NoWorkers()
    assert await imports(rig, signed)
    await rig.importer.aclose()


@pytest.mark.parametrize("failure", [StorageFull("full"), StorageBusy("busy"), StorageBroken("I/O")])
async def test_a_commit_that_fails_leaves_store_stream_and_storage_as_they_were(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    rig = await Rig(NoWorkers()).open()
    before, signed = rig.importer.store, rig.child(rig.anchor, 1)
    rig.storage.failure = failure
    with caplog.at_level(logging.CRITICAL):
        assert await outcome(begin(rig, signed)) is type(failure)
        assert rig.importer.store is before is rig.storage.load()
        assert rig.emitted() == []
        rig.storage.failure = None
        if isinstance(failure, StorageBroken):  # nobody knows what is durable
            assert await outcome(begin(rig, signed)) is StorageBroken
        else:
            assert await imports(rig, signed)
            assert rig.emitted() == [signed.block.root]


async def cancelled_import(rig: Rig, signed: SignedBlock, turn: int, *, twice: bool) -> tuple[asyncio.Task[ImportResult], bool]:
    """Runs an import for some turns of the loop and cancels it; the import after its end, and whether it was cancelled in time."""
    running = begin(rig, signed)
    for _ in range(turn):
        await asyncio.sleep(0)
    in_time = running.cancel()
    await asyncio.sleep(0)
    if twice:
        running.cancel()
    await asyncio.wait([running])
    return running, in_time


@pytest.mark.parametrize(("parallel", "twice"), list(product([True, False], repeat=2)))
async def test_cancelled_at_any_turn_an_import_is_done_or_not_begun(parallel: bool, twice: bool) -> None:
    outcomes = set[bool]()
    for turn in range(1000):
        rig = await Rig(LoopWorkers(), parallel=parallel).open()
        before, signed = rig.importer.store, rig.child(rig.anchor, 1)
        child = rig.child(signed.block.root, 2)
        assert await rig.reason(child) is Reason.UNKNOWN_PARENT_BLOCK
        running, in_time = await cancelled_import(rig, signed, turn, twice=twice)
        assert rig.storage.load() == rig.importer.store
        done = rig.importer.store is not before
        outcomes.add(done)
        await rig.importer.settled()
        expected = [signed.block.root, child.block.root] if done else []
        assert rig.emitted() == expected
        assert set(rig.importer.store.blocks) == {rig.anchor, *expected}
        result = await rig.importer.import_signed(signed)
        assert result.outcome is (Outcome.ALREADY_KNOWN if done else Outcome.IMPORTED)
        await rig.importer.aclose()
        if not in_time:
            assert running.result().outcome is Outcome.IMPORTED
            break
        assert running.cancelled()
    else:
        pytest.fail("the import never ended")
    assert outcomes == {True, False}


@pytest.mark.parametrize("proofs", list(product([GOOD, BAD], repeat=3)))
async def test_deliveries_of_one_block_in_flight_at_once_are_each_answered_and_it_is_imported_once(proofs: tuple[bytes, ...]) -> None:
    rig, workers = await held()
    signed = rig.child(rig.anchor, 1)
    running = [begin(rig, replace(signed, proof=proof)) for proof in proofs]
    await settle()
    assert len(workers.held) == 2 * len(proofs)
    workers.run_all()
    found = [await outcome(one) for one in running]
    assert [one is Reason.INVALID_BLOCK_PROOF for one in found] == [proof == BAD for proof in proofs]
    assert found.count(Outcome.IMPORTED) == (GOOD in proofs)
    assert rig.emitted() == ([signed.block.root] if GOOD in proofs else [])
    assert rig.storage.commits == (GOOD in proofs)


async def test_siblings_in_flight_at_once_are_both_imported() -> None:
    rig, workers = await held()
    left, right = rig.child(rig.anchor, 1), rig.child(rig.anchor, 2)
    running = [begin(rig, left), begin(rig, right)]
    await settle()
    while workers.held:
        workers.run(workers.names()[-1])
    assert [await outcome(one) for one in running] == [Outcome.IMPORTED] * 2
    assert set(rig.importer.store.children[rig.anchor]) == {left.block.root, right.block.root}


async def test_a_child_that_comes_while_its_parent_is_checked_or_committed_is_imported_after_it() -> None:
    rig, workers = await held()
    parent = rig.child(rig.anchor, 1)
    first, second = rig.child(parent.block.root, 2), rig.child(parent.block.root, 3)
    rig.storage.gate = asyncio.Event()
    running = begin(rig, parent)
    await settle()
    assert await outcome(begin(rig, first)) is Reason.UNKNOWN_PARENT_BLOCK
    workers.run_all()
    await rig.storage.began.wait()
    assert await outcome(begin(rig, second)) is Reason.UNKNOWN_PARENT_BLOCK
    rig.storage.gate.set()
    assert await outcome(running) is Outcome.IMPORTED
    for _ in range(2):
        await settle()
        workers.run_all()
    await rig.importer.settled()
    assert rig.emitted() == [parent.block.root, first.block.root, second.block.root]


async def test_ticks_and_votes_go_on_while_a_block_is_checked() -> None:
    rig, workers = await held()
    signed = rig.child(rig.anchor, 1)
    running = begin(rig, signed)
    await settle()
    await rig.importer.tick(rig.importer.store.time + 3, False, False)
    workers.run_all()
    assert await outcome(running) is Outcome.IMPORTED
    assert rig.importer.store.time == 5 * 1000 + 3
    assert rig.importer.store.head == signed.block.root


async def test_no_more_blocks_are_worked_on_at_a_time_than_the_bound_says() -> None:
    rig, workers = await held()
    running = [begin(rig, rig.child(rig.anchor, slot)) for slot in range(1, BLOCKS_IN_FLIGHT + 3)]
    await settle()
    assert len(workers.held) == 2 * BLOCKS_IN_FLIGHT
    while not all(one.done() for one in running):
        workers.run_all()
        await settle()
    assert {await outcome(one) for one in running} == {Outcome.IMPORTED}


async def test_a_bad_proof_first_does_not_spoil_the_good_one_and_nobody_remembers_it() -> None:
    rig = await Rig(NoWorkers()).open()
    signed = rig.child(rig.anchor, 1)
    assert await outcome(begin(rig, replace(signed, proof=BAD))) is Reason.INVALID_BLOCK_PROOF
    assert await outcome(begin(rig, signed)) is Outcome.IMPORTED
    assert await outcome(begin(rig, replace(signed, proof=BAD))) is Outcome.ALREADY_KNOWN


async def test_a_transition_that_refused_a_block_with_a_bad_proof_is_not_remembered() -> None:
    rig, workers = await held()
    bad = rig.bad_state(rig.anchor, 1, BAD)
    running = begin(rig, bad)
    await settle()
    workers.run("transition")
    workers.run("signatures")
    assert await outcome(running) is Reason.INVALID_BLOCK_PROOF
    again = begin(rig, replace(bad, proof=GOOD))
    await settle()
    assert sorted(workers.names()) == ["signatures", "transition"]  # anybody can make such blocks: remembering them would fill the memory
    workers.run_all()
    assert await outcome(again) is Reason.STATE_ROOT_MISMATCH
    third = begin(rig, replace(bad, proof=GOOD))
    await settle()
    assert workers.names() == ["signatures"]
    workers.run_all()
    assert await outcome(third) is Reason.STATE_ROOT_MISMATCH


async def test_an_invalid_block_twice_at_once_has_the_same_reason_twice() -> None:
    rig, workers = await held()
    bad = rig.bad_state(rig.anchor, 1)
    running = [begin(rig, bad), begin(rig, bad)]
    await settle()
    workers.run_all()
    assert [await outcome(one) for one in running] == [Reason.STATE_ROOT_MISMATCH] * 2


async def test_closing_drops_children_that_wait_and_leaves_no_task_behind() -> None:
    rig, workers = await held()
    parent = rig.child(rig.anchor, 1)
    child = rig.child(parent.block.root, 2)
    assert await outcome(begin(rig, child)) is Reason.UNKNOWN_PARENT_BLOCK
    running = begin(rig, parent)
    await settle()
    workers.run_all()
    assert await outcome(running) is Outcome.IMPORTED
    await settle()
    closing = asyncio.ensure_future(rig.importer.aclose())
    await settle()
    assert not closing.done()  # the child is being checked
    workers.run_all()
    await closing
    assert set(rig.importer.store.blocks) == {rig.anchor, parent.block.root}
    assert asyncio.all_tasks() == {asyncio.current_task()}
