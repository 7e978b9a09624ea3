"""Receipts are stored only if they are what we asked for, and each answer of a prover has one consequence."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from kit.toy_chain import RECURSIVE_PROGRAM, ROGUE_KEY, STEP_KEY, STEP_PROGRAM, ToyChain
from proofplane.base.errors import Broken, NeverAgain, Refused, TryAgain
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.base.proof_id import StepId
from proofplane.base.receipt import ProverKind, Receipt
from proofplane.crypto.predicates import CheckUnavailable, PredicateHolds
from proofplane.proving.errors import NotReady, ProverFailed, ReceiptRefused, RefusalReason
from proofplane.proving.reconciler import (
    Again,
    Ended,
    Fetch,
    Keep,
    Moved,
    VerifiedReceipt,
    on_receipt,
    on_status,
    on_trouble,
    verify_all,
    verify_receipt,
)
from proofplane.proving.types import Expected, Failed, FailureReason, InFlight, JobKey, Planned, RemoteId, RemotePhase
from proofplane.service.retry import ATTEMPT, TRANSIENT

CHAIN = ToyChain()
(BLOCK,) = CHAIN.extend(1)
STEP = StepId.of(BLOCK)
EXPECTED = CHAIN.expected(STEP) or Expected(b"", Predicate(0), STEP_PROGRAM)
HONEST = Receipt(STEP_KEY.sign(EXPECTED.public_values), EXPECTED.public_values, ProverKind.NATIVE, "1", STEP_PROGRAM)
JOB = InFlight(Planned.of(STEP), JobKey(bytes(32)), RemoteId(b"job"), RemotePhase.REQUESTED)


def refusal(receipt: Receipt, expected: Expected = EXPECTED) -> RefusalReason:
    with pytest.raises(ReceiptRefused) as caught:
        verify_receipt(receipt, expected)
    return caught.value.reason


def test_an_honest_receipt_passes() -> None:
    assert verify_receipt(HONEST, EXPECTED) == VerifiedReceipt(HONEST)


@pytest.mark.checklist(62)
def test_a_receipt_of_another_program_is_refused() -> None:
    assert refusal(replace(HONEST, program_id=RECURSIVE_PROGRAM)) is RefusalReason.PROGRAM


@pytest.mark.checklist(62)
def test_a_well_signed_receipt_for_something_else_is_refused() -> None:
    other = EXPECTED.public_values[:-1] + bytes([EXPECTED.public_values[-1] ^ 1])
    assert refusal(replace(HONEST, public_values=other, proof=STEP_KEY.sign(other))) is RefusalReason.PUBLIC_VALUES


@pytest.mark.checklist(62)
@pytest.mark.parametrize("proof", [b"", bytes(64), ROGUE_KEY.sign(EXPECTED.public_values), HONEST.proof[:-1]])
def test_a_forged_proof_is_refused(proof: bytes) -> None:
    assert refusal(replace(HONEST, proof=proof)) is RefusalReason.PREDICATE


@pytest.mark.checklist(62)
def test_nothing_holds_under_a_predicate_that_accepts_nothing() -> None:
    assert refusal(HONEST, replace(EXPECTED, predicate=Predicate(PredicateKind.NEVER_ACCEPT))) is RefusalReason.PREDICATE


def test_a_predicate_without_a_meaning_ends_the_attempt() -> None:
    (answer,) = verify_all([(HONEST, replace(EXPECTED, predicate=Predicate(77)))])
    assert isinstance(answer, Exception)
    assert isinstance(on_receipt(JOB, answer, 0), Ended)


def test_a_receipt_that_could_not_be_checked_is_asked_about_again_and_is_no_forgery() -> None:
    def busy(predicate: Predicate, claim: bytes, witness: bytes) -> PredicateHolds:
        raise CheckUnavailable("no process answers")

    (answer,) = verify_all([(HONEST, EXPECTED)], busy)
    assert isinstance(answer, CheckUnavailable)
    assert isinstance(on_receipt(JOB, answer, 0), Again)


def test_a_batch_is_checked_item_by_item() -> None:
    found = verify_all([(replace(HONEST, proof=bytes(64)), EXPECTED), (HONEST, EXPECTED)])
    assert isinstance(found[0], ReceiptRefused)
    assert found[1] == VerifiedReceipt(HONEST)


@pytest.mark.checklist(57)
def test_an_unchanged_phase_asks_for_nothing() -> None:
    assert on_status(JOB, RemotePhase.REQUESTED, 0) == Keep()


@pytest.mark.checklist(58)
def test_a_new_phase_is_noted_and_completion_fetched() -> None:
    assert on_status(JOB, RemotePhase.IN_PROGRESS, 0) == Moved(RemotePhase.IN_PROGRESS)
    assert on_status(JOB, RemotePhase.COMPLETED, 0) == Fetch()


@pytest.mark.checklist(61)
@pytest.mark.checklist(64)
@pytest.mark.parametrize("ask", [on_status, on_receipt])
def test_what_could_not_be_asked_stays_within_its_budget(ask: Callable[[InFlight, Exception, int], object]) -> None:
    assert isinstance(ask(JOB, NotReady("later"), TRANSIENT.budget - 1), Again)
    spent = ask(JOB, NotReady("later"), TRANSIENT.budget)
    assert isinstance(spent, Ended)
    assert spent.next is None
    assert "later" in str(spent.error)


@pytest.mark.parametrize("ask", [on_status, on_receipt])
@pytest.mark.parametrize(
    ("error", "again"), [(RuntimeError("odd"), True), (Refused("odd"), True), (NeverAgain("odd"), False), (Broken("odd"), False)]
)
def test_an_error_that_does_not_pass_ends_the_attempt(
    ask: Callable[[InFlight, Exception, int], object], error: Exception, again: bool
) -> None:
    step = ask(JOB, error, 0)
    assert isinstance(step, Ended)
    assert (step.next is not None) == again
    assert "odd" in str(step.error)


@pytest.mark.parametrize("reason", FailureReason)
def test_a_failed_job_ends_and_all_but_an_aborted_program_is_tried_again(reason: FailureReason) -> None:
    step = on_status(JOB, Failed(reason, "text"), 0)
    assert isinstance(step, Ended)
    assert step.next == (None if reason is FailureReason.UNEXECUTABLE else Planned(STEP, JOB.planned.key, 2, 1))
    assert "text" in str(step.error)


@pytest.mark.checklist(64)
def test_the_last_attempt_of_the_budget_has_no_next() -> None:
    spent = replace(JOB, planned=replace(JOB.planned, attempt=9, retries=ATTEMPT.budget))
    step = on_status(spent, Failed(FailureReason.EXPIRED), 0)
    assert isinstance(step, Ended)
    assert step.next is None
    almost = replace(JOB, planned=replace(JOB.planned, attempt=9, retries=ATTEMPT.budget - 1))
    step = on_status(almost, Failed(FailureReason.EXPIRED), 0)
    assert isinstance(step, Ended)
    assert step.next is not None
    assert step.wait > 0


def test_a_receipt_is_stored_refused_or_asked_for_again() -> None:
    assert on_receipt(JOB, VerifiedReceipt(HONEST), 0) == VerifiedReceipt(HONEST)
    assert isinstance(on_receipt(JOB, ReceiptRefused(RefusalReason.PROGRAM, "no"), 0), Ended)
    assert isinstance(on_receipt(JOB, NotReady("later"), 0), Again)


def test_a_failed_hand_over_is_repeated_within_its_budget() -> None:
    assert isinstance(on_trouble(JOB.planned, TryAgain("busy"), 0), Again)
    spent = on_trouble(JOB.planned, TryAgain("busy"), TRANSIENT.budget)
    assert isinstance(spent, Ended)
    assert spent.next is None


def test_what_a_backend_did_not_mean_to_raise_costs_an_attempt() -> None:
    refused, odd = (on_trouble(JOB.planned, error, 0) for error in (Refused("no"), ValueError("odd")))
    assert isinstance(refused, Ended)
    assert isinstance(odd, Ended)
    assert refused.next == odd.next == JOB.planned.next()
    assert isinstance(odd.error, ProverFailed)
