"""What a child process does with a batch (the process around it: test_backend.py)."""

from collections.abc import Iterator, Sequence

import pytest

from kit.native_programs import FOREIGN, KEY, PREDICATE, PROGRAMS, program_id
from proofplane.base.errors import Broken, Refused, TryAgain
from proofplane.base.ids import Hash32
from proofplane.base.predicate import Predicate
from proofplane.base.receipt import ProverKind, Receipt
from proofplane.proving.native.frames import (
    MAX_REASON,
    Batch,
    Job,
    MalformedFrame,
    Outcome,
    PrerequisiteFailed,
    Proved,
    Results,
    Unexecutable,
    Unfulfillable,
)
from proofplane.proving.native.keyring import Keyring
from proofplane.proving.native.worker import REPORT_AFTER, VERSION, run_batch

RECEIPT = Receipt(b"proof", b"before ", ProverKind.NATIVE, VERSION, program_id("join"))


def job(name: str, body: bytes = b"", *prerequisites: bytes | int, predicate: Predicate = PREDICATE) -> Job:
    return Job(program_id(name), predicate.encode(), body, list(prerequisites))


def proved(public_values: bytes) -> Proved:
    return Proved(public_values, KEY.sign(public_values))


def run(*jobs: Job) -> list[Outcome]:
    (report,) = run_batch(Batch(7, list(jobs)), PROGRAMS, Keyring([KEY]), lambda: 0.0)
    assert (report.number, report.first) == (7, 0)
    return report.outcomes


def test_public_values_are_signed_with_the_key_of_the_predicate() -> None:
    assert run(job("join", b"body")) == [proved(b"body")]


def test_prerequisites_reach_the_program_in_its_order() -> None:
    outcomes = run(job("join", b"first"), job("join", b"!", 0, RECEIPT.encode(), 0))
    assert outcomes == [proved(b"first"), proved(b"firstbefore first!")]


def test_a_program_gets_its_prerequisite_of_the_batch_as_the_receipt_that_the_parent_will_store() -> None:
    seen: list[Receipt] = []

    def remember(body: bytes, receipts: Sequence[Receipt]) -> bytes:
        seen.extend(receipts)
        return b"out"

    programs = {Hash32(bytes(32)): remember}
    jobs = [Job(bytes(32), PREDICATE.encode(), b"", []), Job(bytes(32), PREDICATE.encode(), b"", [0])]
    list(run_batch(Batch(1, jobs), programs, Keyring([KEY]), lambda: 0.0))
    assert seen == [Receipt(KEY.sign(b"out"), b"out", ProverKind.NATIVE, VERSION, Hash32(bytes(32)))]


def test_each_kind_of_failure_has_its_outcome() -> None:
    def refuse(body: bytes, receipts: object) -> bytes:
        raise Refused("the header is wrong")

    programs = {**PROGRAMS, program_id("own"): refuse}
    (report,) = run_batch(
        Batch(
            1,
            [
                job("unheard of"),
                job("join", predicate=FOREIGN),
                Job(program_id("join"), b"??", b"", []),
                job("join", b"", b"short"),
                job("refuse", b"why"),
                job("own"),
                job("grow"),
            ],
        ),
        programs,
        Keyring([KEY]),
        lambda: 0.0,
    )
    assert report.outcomes == [
        Unexecutable(f"this prover does not have program {program_id('unheard of').hex()}"),
        Unfulfillable(f"no key for predicate {FOREIGN}: the native prover signs only with the keys it was given"),
        Unfulfillable("2 bytes are not a predicate"),
        Unexecutable("a prerequisite is no receipt: receipt ends inside its proof length"),
        Unexecutable("the program crashed: ValueError: why"),
        Unexecutable("the header is wrong"),
        Unexecutable("the program returned 16385 bytes of public values, the limit is 16384"),
    ]


@pytest.mark.parametrize("error", [TryAgain("busy"), Broken("no disk")])
def test_a_program_that_could_not_run_has_said_nothing_about_its_input(error: Exception) -> None:
    def fails(body: bytes, receipts: Sequence[Receipt]) -> bytes:
        raise error

    (report,) = run_batch(Batch(1, [job("join")]), {program_id("join"): fails}, Keyring([KEY]), lambda: 0.0)

    assert report.outcomes == [Unfulfillable(f"the program could not run: {error}")]


def test_a_failure_runs_down_its_chain_but_not_past_it() -> None:
    outcomes = run(job("refuse", b"why"), job("join", b"a", 0), job("join", b"b", 1), job("join", b"c"))
    cause = PrerequisiteFailed("prerequisite failed: the program crashed: ValueError: why")
    assert outcomes[1:] == [cause, cause, proved(b"c")]


def test_a_long_reason_is_cut() -> None:
    (outcome,) = run(job("refuse", b"x" * 10_000))
    assert isinstance(outcome, Unexecutable)
    assert len(outcome.reason) == MAX_REASON


@pytest.mark.parametrize("index", [1, 2])
def test_a_reference_to_a_job_that_does_not_stand_before_is_malformed(index: int) -> None:
    with pytest.raises(MalformedFrame):
        run(job("join"), job("join", b"", index))


def test_slow_jobs_are_reported_before_the_batch_ends() -> None:
    instants: Iterator[float] = iter([0.0, REPORT_AFTER * 2, REPORT_AFTER * 2.5, REPORT_AFTER * 2.9, REPORT_AFTER * 4])
    reports = list(run_batch(Batch(1, [job("join", bytes([n])) for n in range(4)]), PROGRAMS, Keyring([KEY]), lambda: next(instants)))
    assert reports == [
        Results(1, 0, [proved(b"\0")]),
        Results(1, 1, [proved(b"\1"), proved(b"\2"), proved(b"\3")]),
    ]


def test_an_empty_batch_has_no_results() -> None:
    assert list(run_batch(Batch(1, []), PROGRAMS, Keyring([KEY]), lambda: 0.0)) == []
