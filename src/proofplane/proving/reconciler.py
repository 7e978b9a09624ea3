"""What to do with each answer of a prover, and the check that a receipt must pass before it is stored.

Rules:

1. Could not ask about a job (network, busy), could not check, or its receipt is not there though it has completed: the row stays and is
   asked about again after a pause. Failures of one job in a row are counted; when their budget is spent, the attempt ends.
   (A whole call that fails is not counted: nothing was said about any job, however long the prover is away.)
2. The same phase as recorded: nothing is written.
3. Completed: the receipt is fetched, and stored only as a `VerifiedReceipt`.
4. Failed, lost, forged, proof of something else, never to be checked, or any other error about the job: the attempt ends;
   the error's family decides about the next one, its budget when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofplane.base.errors import ProofplaneError, Refused, TryAgain
from proofplane.base.receipt import Receipt
from proofplane.crypto.predicates import Check, check
from proofplane.proving.errors import ReceiptRefused, RefusalReason, as_failure, failure
from proofplane.proving.types import Expected, Failed, InFlight, Planned, RemotePhase, RemoteStatus
from proofplane.service.retry import TRANSIENT, classify, delay


@dataclass(frozen=True, slots=True)
class VerifiedReceipt:
    """A receipt that `verify_receipt` has passed; the only form in which proving stores one."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Keep:
    """The prover works on it as before: nothing to write."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The prover has got on with it."""

    phase: RemotePhase


@dataclass(frozen=True, slots=True)
class Fetch:
    """Completed: the receipt is there."""


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that is over without a proof."""

    planned: Planned
    error: ProofplaneError
    next: Planned | None
    """The attempt that follows by itself; None if the error or the budget forbids one."""
    wait: float = 0.0
    """Seconds before `next`."""


def verify_receipt(receipt: Receipt, expected: Expected, check: Check = check) -> VerifiedReceipt:
    """Returns the receipt as verified: our program, our public values, holding under the predicate by `check`.

    Raises:
        ReceiptRefused: It is not the proof that we asked for; `reason` says which check failed.
        NeverAgain: It cannot be checked at all (a predicate without a meaning).
        TryAgain, Broken: What checks could not look.
    """
    if receipt.program_id != expected.program_id:
        named = receipt.program_id.hex() if receipt.program_id is not None else "no program"
        raise ReceiptRefused(RefusalReason.PROGRAM, f"receipt is of {named}, expected program {expected.program_id.hex()}")
    if receipt.public_values != expected.public_values:
        raise ReceiptRefused(RefusalReason.PUBLIC_VALUES, "receipt proves something else than this block on this chain")
    try:
        check(expected.predicate, expected.public_values, receipt.proof)
    except Refused as error:
        raise ReceiptRefused(RefusalReason.PREDICATE, f"proof does not hold under its predicate: {error}") from None
    return VerifiedReceipt(receipt)


def verify_all(pairs: Sequence[tuple[Receipt, Expected]], check: Check = check) -> list[VerifiedReceipt | Exception]:
    """`verify_receipt` for each pair, in order; an exception in a place is about that one only. Runs on a thread of its own."""
    found: list[VerifiedReceipt | Exception] = []
    for receipt, expected in pairs:
        try:
            found.append(verify_receipt(receipt, expected, check))
        except Exception as error:  # handed to `on_receipt`, which tells refused from could-not-check
            found.append(error)
    return found


def on_status(job: InFlight, answer: RemoteStatus | Exception, tries: int) -> Keep | Moved | Fetch | Again | Ended:
    """What a job's answer to `status` asks for; `tries` as for `on_trouble`."""
    if isinstance(answer, Exception):
        return on_trouble(job.planned, answer, tries)
    if isinstance(answer, Failed):
        return ended(job.planned, failure(answer))
    if answer is RemotePhase.COMPLETED:
        return Fetch()
    return Keep() if answer is job.phase else Moved(answer)


def on_receipt(job: InFlight, answer: VerifiedReceipt | Exception, tries: int) -> VerifiedReceipt | Again | Ended:
    """What a fetched and checked receipt, or the failure to get or check one, asks for; `tries` as for `on_trouble`."""
    return answer if isinstance(answer, VerifiedReceipt) else on_trouble(job.planned, answer, tries)


def ended(planned: Planned, error: Exception) -> Ended:
    """The end of an attempt, with the attempt that follows if tier and budget allow one.

    An error of the transient tier ends an attempt only when its own budget is spent, so no attempt follows it.
    """
    ours = as_failure(error)
    tier = classify(ours)
    if tier is None or tier is TRANSIENT:
        return Ended(planned, ours, None)
    wait = delay(tier, planned.retries, planned.key)
    return Ended(planned, ours, None) if wait is None else Ended(planned, ours, planned.next(), wait)


@dataclass(frozen=True, slots=True)
class Again:
    """The same for this job once more, after a pause."""

    wait: float
    """Seconds."""


def on_trouble(planned: Planned, error: Exception, tries: int) -> Again | Ended:
    """What a failure to prepare one job, to hand it over or to ask about it asks for; `tries` counts those before it in a row."""
    if isinstance(error, TryAgain) and (wait := delay(TRANSIENT, tries, planned.key)) is not None:
        return Again(wait)
    return ended(planned, error)
