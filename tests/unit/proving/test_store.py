"""Rows change only from the state they are known to be in, several together or none; what is read back is what was written."""

import pytest

from kit.prover_rig import Killed, Rig
from proofplane.base.ids import Height
from proofplane.base.proof_id import ProofKind, RecursiveId, StepId
from proofplane.crypto.hashes import sha256
from proofplane.proving.errors import ProverFailed
from proofplane.proving.reconciler import Ended, verify_receipt
from proofplane.proving.store import Counts, ReceiptDamaged, RowsDiffer
from proofplane.proving.types import JobKey, JobStatus, Planned, ProofKey, RemoteId

KEY = JobKey(b"k" * 32)


@pytest.mark.checklist(67)
async def test_a_change_from_an_unexpected_state_writes_nothing_at_all(rig: Rig) -> None:
    first, second = (Planned.of(StepId.of(block)) for block in rig.chain.extend(2))
    await rig.store.plan([first, second])
    await rig.store.submitting([(first, KEY)])
    with pytest.raises(RowsDiffer):
        await rig.store.submitted([(first, RemoteId(b"1")), (second, RemoteId(b"2"))], [])
    assert rig.job(first.proof_id).status is JobStatus.SUBMITTING
    assert rig.job(first.proof_id).remote_id is None


@pytest.mark.checklist(67)
async def test_an_end_and_the_next_attempt_are_written_together(rig: Rig) -> None:
    planned = Planned.of(StepId.of(rig.chain.extend(1)[0]))
    await rig.store.plan([planned])
    rig.writes.kill_before = "proving.outcome"
    with pytest.raises(Killed):
        await rig.store.outcome(over=[Ended(planned, ProverFailed("no"), planned.next())])
    assert [job.status for job in rig.jobs(planned.proof_id)] == [JobStatus.PLANNED]
    await rig.store.outcome(over=[Ended(planned, ProverFailed("no"), planned.next())])
    assert [job.status for job in rig.jobs(planned.proof_id)] == [JobStatus.FAILED, JobStatus.PLANNED]


async def test_planning_again_finds_the_attempt_that_is_planned(rig: Rig) -> None:
    block = rig.chain.extend(1)[0]
    step, recursive = Planned.of(StepId.of(block)), Planned.of(RecursiveId(block))
    assert (await rig.store.plan([step], 3)).queue == [step]
    await rig.store.outcome(over=[Ended(step, ProverFailed("no"), step.next())])
    again = await rig.store.plan([step, recursive], 5)
    assert list(again.queue) == [step.next(), recursive]
    assert again.fresh == 1
    assert rig.store.cursor() == 5
    await rig.store.outcome(aborted=[recursive])
    assert list((await rig.store.plan([recursive])).queue) == []


async def test_submissions_are_counted_before_each_hand_over(rig: Rig) -> None:
    planned = Planned.of(StepId.of(rig.chain.extend(1)[0]))
    await rig.store.plan([planned])
    for times in (1, 2, 3):
        await rig.store.submitting([(planned, KEY)])
        assert rig.job(planned.proof_id).submissions == times


async def test_counts_and_failures_tell_the_newest_attempts_only(rig: Rig) -> None:
    blocks = rig.chain.extend(4)
    plans = [Planned.of(StepId.of(block)) for block in blocks]
    await rig.store.plan(plans)
    retried, given_up, stopped, _ = plans
    await rig.store.outcome(
        over=[Ended(retried, ProverFailed("once"), retried.next()), Ended(given_up, ProverFailed("for good"), None)], aborted=[stopped]
    )
    assert rig.store.counts() == Counts(planned=2, steps=0, recursives=0, failed=1, aborted=1)
    assert [(row.planned, row.reason) for row in rig.store.failures(10)] == [(given_up, "for good")]


async def test_planned_rows_come_in_order_from_a_key_on(rig: Rig) -> None:
    plans = [Planned.of(StepId.of(block)) for block in rig.chain.extend(5)]
    await rig.store.plan(plans[::-1])
    assert rig.store.planned(ProofKind.STEP, plans[1].key, 3) == plans[1:4]
    assert rig.store.planned(ProofKind.RECURSIVE, plans[0].key, 3) == []


async def test_failures_come_in_pages_that_each_name_other_proofs(rig: Rig) -> None:
    plans = [Planned.of(StepId.of(block)) for block in rig.chain.extend(5)]
    await rig.store.plan(plans)
    await rig.store.outcome(over=[Ended(one, ProverFailed("no"), None) for one in plans])
    seen: list[Planned] = []
    after: ProofKey | None = None
    while page := rig.store.failures(2, after):
        assert len(page) <= 2
        seen += (row.planned for row in page)
        after = page[-1].planned.key
        again = Planned.of(page[0].planned.proof_id, attempt=2)  # tried anew, and failed as fast
        await rig.store.ask_again([again])
        await rig.store.outcome(over=[Ended(again, ProverFailed("no"), None)])
    assert seen == plans


async def test_any_changed_byte_of_a_stored_receipt_is_noticed(rig: Rig) -> None:
    (block,) = rig.chain.extend(1)
    await rig.converge()
    key = ProofKey(RecursiveId(block).key())
    found = rig.database.row("SELECT receipt, digest FROM proofs WHERE key = ?", (key,))
    assert found is not None
    raw, digest = found
    assert digest == sha256(raw)
    rig.restart()
    for offset in range(len(raw)):
        damaged = raw[:offset] + bytes([raw[offset] ^ 1]) + raw[offset + 1 :]
        sql = "UPDATE proofs SET receipt = ? WHERE key = ?"
        await rig.database.write("test", lambda transaction, row=(damaged, key), sql=sql: transaction.execute(sql, row))
        with pytest.raises(ReceiptDamaged):
            rig.store.receipt(key)
        with pytest.raises(ReceiptDamaged):
            rig.proofs.get(RecursiveId(block))
        with pytest.raises(ReceiptDamaged):
            rig.proofs.latest_recursive()


async def test_a_proof_that_is_imported_has_its_digest_too(rig: Rig) -> None:
    one = StepId.of(rig.chain.extend(1)[0])
    await rig.tick(2)
    receipt = rig.proofs.get(one)
    expected = rig.chain.expected(one)
    assert receipt is not None
    assert expected is not None
    await rig.proofs.prune(Height(one.end.height + 1))
    await rig.proofs.store(one, verify_receipt(receipt, expected))
    assert rig.store.receipt(ProofKey(one.key())) == receipt
