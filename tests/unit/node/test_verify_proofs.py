"""Checking proofs beside the walk: the order of refusals, the bound, and that "could not check" is no refusal."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from proofplane.anchor.programs import STEP_PROGRAM_ID
from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.base.proof_id import StepId
from proofplane.base.receipt import ProverKind, Receipt
from proofplane.crypto.predicates import CheckUnavailable, PredicateHolds, PredicateNotMet, PredicateReason, UnknownPredicate
from proofplane.crypto.predicates import check as built_in
from proofplane.node.verify_proofs import _AHEAD, ChainRefused, ProofChecks

HONK = Predicate(PredicateKind.ULTRA_HONK)
PATIENCE = 60.0
"""Seconds that a thread waits for the test at most."""


def step(number: int) -> StepId:
    return StepId.of(BlockCommitment(Height(number), BlockId(bytes(32))))


def receipt(number: int) -> Receipt:
    return Receipt(b"", number.to_bytes(4, "big"), ProverKind.BARRETENBERG, "test", STEP_PROGRAM_ID)


def verdicts(bad: dict[int, Exception], before: Callable[[int], None] = lambda number: None) -> Callable[..., PredicateHolds]:
    """A check by the number in the claim; `before` runs first, on the checking thread."""

    def check(predicate: Predicate, claim: bytes, witness: bytes) -> PredicateHolds:
        number = int.from_bytes(claim, "big")
        before(number)
        if number in bad:
            raise bad[number]
        return PredicateHolds(predicate, claim)

    return check


REFUSAL = PredicateNotMet(HONK, PredicateReason.PROOF)


def test_the_first_refusal_of_the_walk_is_reported_whichever_check_ends_first() -> None:
    later = threading.Event()

    def before(number: int) -> None:
        if number == 2:
            later.wait(PATIENCE)
        if number == 5:
            later.set()

    with ProofChecks(verdicts({2: REFUSAL, 5: REFUSAL}, before), 2) as proofs:
        for number in range(1, 6):
            proofs.check(receipt(number), step(number), HONK)
        with pytest.raises(ChainRefused, match="block 2:"):
            proofs.settle()


def test_no_more_checks_wait_than_the_bound_and_a_refusal_is_known_by_then() -> None:
    with ProofChecks(verdicts({1: REFUSAL}), 2) as proofs:
        for number in range(1, 1 + 2 * _AHEAD):
            proofs.check(receipt(number), step(number), HONK)
        with pytest.raises(ChainRefused, match="block 1:"):
            proofs.check(receipt(99), step(99), HONK)


@pytest.mark.parametrize("threads", [1, 2])
def test_what_could_not_be_checked_is_no_refusal(threads: int) -> None:
    def asked(proofs: ProofChecks) -> None:
        proofs.check(receipt(1), step(1), HONK)
        proofs.settle()

    with ProofChecks(verdicts({1: CheckUnavailable("no bb")}), threads) as proofs, pytest.raises(CheckUnavailable):
        asked(proofs)


def test_a_kind_without_a_check_is_no_refusal() -> None:
    with ProofChecks(built_in, 2) as proofs, pytest.raises(UnknownPredicate):
        proofs.check(receipt(1), step(1), Predicate(65))


def test_kinds_that_are_checked_here_are_checked_at_once() -> None:
    with ProofChecks(verdicts({1: REFUSAL}), 2) as proofs, pytest.raises(ChainRefused):
        proofs.check(receipt(1), step(1), Predicate(PredicateKind.SCHNORR))
