"""Refused and not known never mix: each error of a call is one or the other, by rules in one place."""

from __future__ import annotations

import pytest

from proofplane import rpc
from proofplane.barretenberg.answers import Meaning, about_content, classify, reason, unanswered
from proofplane.barretenberg.errors import CircuitTooLarge, CouldNotProve, CouldNotVerify, Doubtful, ProofFlaw, UnfitVerifier
from proofplane.barretenberg.setup_errors import BinaryWrong, CrsTooSmall, CrsWrong
from proofplane.base.errors import Broken, CallerMistake, NeverAgain, Refused, TryAgain
from proofplane.pool.errors import LeaseTimeout, PoolClosed, QueueFull, WorkerDied, WorkerUnusable, WorkerWedged


@pytest.mark.parametrize("kind", [CouldNotVerify, CouldNotProve])
@pytest.mark.parametrize(
    "error",
    [
        WorkerDied("process 7 was killed", 7),
        WorkerWedged("no answer in 2 s"),
        LeaseTimeout("no worker became free"),
        PoolClosed("the pool is draining"),
        rpc.Ended("the server closed the connection"),
        rpc.ConnectionBroken("garbage"),
        rpc.BadReply("another name"),
        Doubtful("bb is short of memory"),
    ],
)
def test_without_an_answer_nothing_is_known(error: Exception, kind: type[CouldNotVerify | CouldNotProve]) -> None:
    with pytest.raises(kind) as raised, unanswered(kind):
        raise error
    assert raised.value.__cause__ is error
    assert raised.value.retry_after is None


def test_a_full_queue_says_when_to_ask_again() -> None:
    with pytest.raises(CouldNotVerify) as raised, unanswered(CouldNotVerify):
        raise QueueFull("1024 leases wait", 2.5)
    assert raised.value.retry_after == 2.5


@pytest.mark.parametrize(
    "error",
    [rpc.CallFailed("Deserialized point is not on the curve", "CircuitVerify"), WorkerUnusable("no such file"), CallerMistake("mine")],
)
def test_an_error_that_bb_answers_and_one_that_somebody_must_mend_are_let_through(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, unanswered(CouldNotVerify):
        raise error
    assert raised.value is error


@pytest.mark.parametrize("error", [BinaryWrong("another file"), CrsWrong("damaged")])
def test_that_our_own_files_are_refused_is_no_refusal_of_the_proof(error: Exception) -> None:
    with pytest.raises(UnfitVerifier, match=str(error)) as raised, unanswered(CouldNotVerify):
        raise error
    assert not isinstance(raised.value, Refused)


@pytest.mark.parametrize(
    ("message", "meaning"),
    [
        ("std::bad_alloc", Meaning.SHORT),
        ("reduce_to_ipa_claim threw: std::bad_alloc", Meaning.SHORT),
        ("Failed to open file for writing: /crs/x (Too many open files)", Meaning.SHORT),
        ("Failed to open file: x", Meaning.SHORT),
        ("Failed to read file: x", Meaning.SHORT),
        ("thread constructor failed: Resource temporarily unavailable", Meaning.SHORT),
        ("mmap: Cannot allocate memory", Meaning.SHORT),
        ("ChonkBatchVerifierStart: service already running. Call ChonkBatchVerifierStop first.", Meaning.BUSY),
        ("HTTP request failed for https://crs.example after 3 attempts", Meaning.NO_POINTS),
        ("reduce_to_ipa_claim threw: HTTP request failed for https://crs.example", Meaning.NO_POINTS),
        ("Deserialized point is not on the curve", Meaning.CONTENT),
        ("reduce_to_ipa_claim threw: Deserialized point is not on the curve", Meaning.CONTENT),
        ("proof[0] has wrong size", Meaning.CONTENT),
        ("", Meaning.CONTENT),
    ],
)
def test_an_error_is_about_the_content_or_about_what_bb_lacks(message: str, meaning: Meaning) -> None:
    assert classify(message) is meaning
    failed = rpc.CallFailed(message, "CircuitVerify")
    if meaning is Meaning.CONTENT:
        about_content(failed)
    else:
        with pytest.raises(Doubtful, match=meaning.value):
            about_content(failed)


def test_what_bb_said_is_repeated_on_one_short_line() -> None:
    assert reason(rpc.CallFailed("Assertion failed:\n  left:  9\n  right: 10" + "x" * 1000, "m")).startswith(
        "Assertion failed: left: 9 right: 10x"
    )
    assert len(reason(rpc.CallFailed("y" * 1000, "m"))) == 200


def test_the_flaws_of_proofs_are_these() -> None:
    assert [flaw.name for flaw in ProofFlaw] == ["WRONG_SIZE", "NOT_CANONICAL", "WRONG_KEY", "WRONG_INPUTS", "MALFORMED", "FALSE"]


def test_families_say_what_to_do() -> None:
    assert issubclass(CouldNotVerify, TryAgain)
    assert issubclass(WorkerUnusable, Broken)
    too_large = CircuitTooLarge("big", 40_000, 65_536, 32_769)
    assert (too_large.gates, too_large.needed, too_large.points) == (40_000, 65_536, 32_769)
    assert "run `proofplane bb setup --points 65536` (or with --crs-file FILE if you have the points), or make the circuit smaller" in str(
        too_large
    )
    assert issubclass(CrsTooSmall, NeverAgain)
