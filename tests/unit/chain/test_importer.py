"""The importer on its good days: outcomes, order, the commit stream, waiting children, remembered blocks, timings, closing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from kit.clock import settle
from kit.lean_imports import BAD, GOOD, HeldWorkers, NoWorkers, Rig
from proofplane.chain.errors import ImporterClosed, MissingState
from proofplane.chain.types import ImportResult, Outcome, Step
from proofplane.chain.workers import ThreadWorkers
from proofplane.lean.codec import encode_signed_block, make_block
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.types import AggregatedAttestation, Participants, Root, SignedBlock, Slot, ValidatorIndex

UNKNOWN = Root(bytes([9]) * 32)


@pytest.fixture(params=["threads", "one after the other", "in place"])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    """The same importer in every mode: nothing in this file may depend on it."""
    with ThreadWorkers() as threads:
        workers = NoWorkers() if request.param == "in place" else threads
        yield await Rig(workers, parallel=request.param != "one after the other").open()


async def test_bytes_become_a_block_in_the_store_on_the_stream_and_in_the_storage(rig: Rig) -> None:
    signed = rig.child(rig.anchor, 1)
    result = await rig.importer.import_block(encode_signed_block(signed))
    assert result == ImportResult(Outcome.IMPORTED, signed.block.root)
    assert rig.importer.store.head == signed.block.root
    assert rig.storage.load() == rig.importer.store
    assert rig.storage.block(signed.block.root) == signed
    assert rig.emitted() == [signed.block.root]
    assert rig.notes.votes == [("block", 4, 0)]


async def test_a_block_that_is_there_is_accepted_whatever_proof_comes_with_it(rig: Rig) -> None:
    signed = rig.child(rig.anchor, 1)
    await rig.importer.import_signed(signed)
    before = rig.importer.store
    for proof in (GOOD, BAD):
        result = await rig.importer.import_signed(replace(signed, proof=proof))
        assert result == ImportResult(Outcome.ALREADY_KNOWN, signed.block.root)
    assert rig.importer.store is before
    assert rig.emitted() == [signed.block.root]
    assert rig.backend.checked == [GOOD]


async def test_bytes_that_are_no_block_are_refused(rig: Rig) -> None:
    with pytest.raises(Rejected) as caught:
        await rig.importer.import_block(b"no block")
    assert caught.value.reason is Reason.DECODE_ERROR
    assert rig.notes.refusals == [(None, Reason.DECODE_ERROR)]


async def test_reasons_are_those_of_the_sequential_order(rig: Rig) -> None:
    assert await rig.reason(rig.child(rig.anchor, 1, BAD)) is Reason.INVALID_BLOCK_PROOF
    assert await rig.reason(rig.bad_state(rig.anchor, 1, BAD)) is Reason.INVALID_BLOCK_PROOF
    assert await rig.reason(rig.bad_state(rig.anchor, 1)) is Reason.STATE_ROOT_MISMATCH
    assert await rig.reason(rig.child(rig.anchor, 1)) is None
    assert [reason for _, reason in rig.notes.refusals] == [
        Reason.INVALID_BLOCK_PROOF,
        Reason.INVALID_BLOCK_PROOF,
        Reason.STATE_ROOT_MISMATCH,
    ]


async def test_a_trusted_block_needs_no_proof_and_still_its_transition(rig: Rig) -> None:
    with pytest.raises(Rejected) as caught:
        await rig.importer.import_signed(rig.bad_state(rig.anchor, 1, BAD), trusted=True)
    assert caught.value.reason is Reason.STATE_ROOT_MISMATCH
    await rig.importer.import_signed(rig.child(rig.anchor, 1, BAD), trusted=True)
    assert rig.backend.checked == []
    assert rig.notes.votes == []


async def test_a_remembered_block_costs_no_transition_and_a_bad_proof_keeps_its_own_reason(rig: Rig) -> None:
    bad = rig.bad_state(rig.anchor, 1)
    reasons = [await rig.reason(replace(bad, proof=proof)) for proof in (BAD, GOOD, GOOD, BAD)]
    assert reasons == [Reason.INVALID_BLOCK_PROOF, Reason.STATE_ROOT_MISMATCH, Reason.STATE_ROOT_MISMATCH, Reason.INVALID_BLOCK_PROOF]
    assert rig.backend.checked == [BAD, GOOD, GOOD, BAD]


async def test_children_of_a_remembered_block_have_an_unknown_parent_and_are_not_kept(rig: Rig) -> None:
    bad = rig.bad_state(rig.anchor, 1)
    early = rig.child(rig.anchor, 2)
    child = replace(early, block=replace(early.block, parent_root=bad.block.root))
    assert await rig.reason(child) is Reason.UNKNOWN_PARENT_BLOCK
    assert await rig.reason(bad) is Reason.STATE_ROOT_MISMATCH
    assert await rig.reason(child) is Reason.UNKNOWN_PARENT_BLOCK
    assert len(rig.importer._waiting) == 0
    assert rig.backend.checked == [GOOD]


async def test_children_that_came_early_are_imported_after_their_parent_as_new_events(rig: Rig) -> None:
    chain = rig.branches.line(rig.anchor, 1, 4)
    chain = [replace(signed, proof=GOOD) for signed in chain]
    for signed in reversed(chain[1:]):
        assert await rig.reason(signed) is Reason.UNKNOWN_PARENT_BLOCK
    await rig.importer.import_signed(chain[0])
    await rig.importer.settled()
    assert rig.emitted() == [signed.block.root for signed in chain]
    assert rig.importer.store.head == chain[-1].block.root


async def test_of_two_early_deliveries_of_one_block_the_bad_proof_fails_and_the_good_one_is_imported(rig: Rig) -> None:
    parent = rig.child(rig.anchor, 1)
    child = rig.child(parent.block.root, 2)
    for proof in (BAD, GOOD):
        assert await rig.reason(replace(child, proof=proof)) is Reason.UNKNOWN_PARENT_BLOCK
    await rig.importer.import_signed(parent)
    await rig.importer.settled()
    assert child.block.root in rig.importer.store.blocks
    assert rig.notes.refusals[-1] == (child.block.root, Reason.INVALID_BLOCK_PROOF)


async def test_blocks_are_not_kept_if_a_guard_would_refuse_them_later(rig: Rig) -> None:
    parent = rig.child(rig.anchor, 1)
    assert await rig.reason(rig.child(parent.block.root, 5_000)) is Reason.UNKNOWN_PARENT_BLOCK
    assert len(rig.importer._waiting) == 0


async def test_trusted_blocks_are_not_kept_for_they_would_be_checked_later(rig: Rig) -> None:
    parent = rig.child(rig.anchor, 1)
    with pytest.raises(Rejected):
        await rig.importer.import_signed(rig.child(parent.block.root, 2), trusted=True)
    assert len(rig.importer._waiting) == 0


async def test_a_parents_state_that_is_not_in_memory_is_made_again_only_after_the_signatures_and_off_the_loop(rig: Rig) -> None:
    parents = [rig.child(rig.anchor, slot) for slot in (1, 2, 3)]
    for parent in parents:
        await rig.importer.import_signed(parent)
    await rig.importer.import_signed(rig.child(parents[-1].block.root, 4))
    rig.storage.forgotten = True
    assert await rig.reason(rig.child(parents[0].block.root, 5, BAD)) is Reason.INVALID_BLOCK_PROOF
    rig.storage.replays.clear()  # the head's, for its registry: asked for once
    for parent in parents:
        assert await rig.reason(rig.child(parent.block.root, 6, BAD)) is Reason.INVALID_BLOCK_PROOF
    assert rig.storage.replays == []
    late = rig.child(parents[0].block.root, 7)
    assert await rig.reason(late) is None
    ((root, thread),) = rig.storage.replays
    assert root == parents[0].block.root
    assert (thread is threading.current_thread()) == isinstance(rig.workers, NoWorkers)


async def test_a_state_that_the_storage_has_lost_is_no_fault_of_the_block(rig: Rig) -> None:
    await rig.importer.import_signed(rig.child(rig.anchor, 1))
    late = rig.child(rig.anchor, 2)
    del rig.storage._states[rig.anchor]
    with pytest.raises(MissingState):
        await rig.importer.import_signed(late)


async def test_a_block_with_much_in_its_body_is_decoded_on_a_worker_with_the_same_answers() -> None:
    workers = HeldWorkers()
    rig = await Rig(workers).open()
    vote = rig.branches.vote(rig.anchor)
    votes = tuple([AggregatedAttestation(Participants(1, 4), replace(vote, slot=Slot(number))) for number in range(300)])
    large = encode_signed_block(SignedBlock(make_block(Slot(1), ValidatorIndex(1), rig.anchor, UNKNOWN, votes), BAD))
    for raw, reason in ((large, Reason.INVALID_BLOCK_PROOF), (b"\x09" + large[1:], Reason.DECODE_ERROR)):
        running = asyncio.ensure_future(rig.importer.import_block(raw))
        await settle()
        assert workers.names() == ["decoding"]
        workers.run("decoding")
        await settle()
        workers.run_all()
        with pytest.raises(Rejected) as caught:
            await running
        assert caught.value.reason is reason
        assert rig.notes.refusals[-1][1] is reason


async def test_a_large_proof_alone_needs_no_worker_for_decoding() -> None:
    workers = HeldWorkers()
    rig = await Rig(workers).open()
    running = asyncio.ensure_future(rig.importer.import_block(encode_signed_block(rig.child(rig.anchor, 1, GOOD + bytes(400_000)))))
    await settle()
    assert workers.names() == ["signatures", "transition"]
    workers.run_all()
    assert (await running).outcome is Outcome.IMPORTED
    assert Step.DECODE in rig.notes.blocks[0][1].steps


async def test_ticks_move_the_clock_and_are_durable(rig: Rig) -> None:
    await rig.importer.tick(rig.importer.store.time + 7, has_proposal=True, is_aggregator=True)
    assert rig.importer.store.time == 5 * 1000 + 7
    assert rig.storage.load() == rig.importer.store
    commits = rig.storage.commits
    await rig.importer.tick(3, has_proposal=True, is_aggregator=True)
    assert rig.storage.commits == commits


async def test_every_step_of_an_imported_block_is_timed_in_order(rig: Rig) -> None:
    await rig.importer.import_block(encode_signed_block(rig.child(rig.anchor, 3)))
    ((_, timings),) = rig.notes.blocks
    steps = timings.steps
    assert set(steps) | {Step.BARRIER} == set(Step)
    assert all(span.start <= span.end for span in steps.values())
    assert steps[Step.DECODE].end <= steps[Step.GUARDS].start
    for task in (Step.SIGNATURES, Step.TRANSITION):
        assert steps[Step.GUARDS].end <= steps[task].start
        assert steps[task].end <= steps[Step.FORK_CHOICE].start
    assert steps[Step.FORK_CHOICE].end <= steps[Step.COMMIT].start
    assert (timings.signatures, timings.attestations, timings.slots) == (5, 1, 3)


async def test_a_closed_importer_refuses_and_its_stream_ends(rig: Rig) -> None:
    await rig.importer.import_signed(rig.child(rig.anchor, 1))
    await rig.importer.aclose()
    await rig.importer.aclose()
    with pytest.raises(ImporterClosed):
        await rig.importer.import_block(b"")
    with pytest.raises(ImporterClosed):
        await rig.importer.tick(10_000, False, False)
    assert [event.slot async for event in rig.events] == [1]


async def test_closing_waits_for_what_was_begun() -> None:
    workers = HeldWorkers()
    rig = await Rig(workers).open()
    signed = rig.child(rig.anchor, 1)
    running = asyncio.ensure_future(rig.importer.import_signed(signed))
    await settle()
    closing = asyncio.ensure_future(rig.importer.aclose())
    await settle()
    assert not closing.done()
    workers.run_all()
    assert (await running).outcome is Outcome.IMPORTED
    await closing
    assert rig.emitted() == [signed.block.root]
