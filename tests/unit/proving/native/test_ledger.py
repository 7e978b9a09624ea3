"""What the native prover knows of its jobs."""

from collections.abc import Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kit.submissions import key, submission
from proofplane.base.ids import Hash32
from proofplane.base.predicate import Predicate
from proofplane.base.receipt import ProverKind, Receipt
from proofplane.proving.errors import NotReady
from proofplane.proving.native import ledger as ledger_module
from proofplane.proving.native.chunks import CHAIN_CHUNK
from proofplane.proving.native.frames import MalformedFrame, Outcome, Proved, Unexecutable, Unfulfillable
from proofplane.proving.native.ledger import Chunk, JobTooLarge, Ledger, PrerequisiteBehind, QueueFull
from proofplane.proving.types import Failed, FailureReason, RemoteId, RemotePhase, RemoteStatus, Submission

PROGRAM = Hash32(bytes(32))
PREDICATE = Predicate(1)
UNKNOWN = Failed(FailureReason.LOST, "this prover does not know the job (any more)")


def job(number: int, *after: int | Receipt, body: bytes = b"") -> Submission:
    return submission(number, PROGRAM, PREDICATE, body, [key(one) if isinstance(one, int) else one for one in after])


def remote(number: int) -> RemoteId:
    return RemoteId(key(number))


def proved(number: int) -> Proved:
    return Proved(b"%d" % number, bytes(64))


def receipt(number: int) -> Receipt:
    return Receipt(bytes(64), b"%d" % number, ProverKind.NATIVE, "v", PROGRAM)


def heights(chunk: Chunk | None) -> list[int]:
    assert chunk is not None
    return [int(one.proof_id.height()) for one in chunk.jobs]


def finish(ledger: Ledger, chunk: Chunk | None) -> None:
    assert chunk is not None
    assert ledger.settle(chunk, 0, [proved(n) for n in heights(chunk)], "v")


def statuses(ledger: Ledger, *numbers: int) -> Sequence[RemoteStatus]:
    return [ledger.status(remote(n)) for n in numbers]


def test_a_job_goes_from_requested_over_in_progress_to_its_receipt() -> None:
    ledger = Ledger(1)
    assert ledger.accept([job(1)]) == [remote(1)]
    assert statuses(ledger, 1) == [RemotePhase.REQUESTED]
    chunk = ledger.take()
    assert statuses(ledger, 1) == [RemotePhase.IN_PROGRESS]
    finish(ledger, chunk)
    assert statuses(ledger, 1) == [RemotePhase.COMPLETED]
    assert [ledger.receipt(remote(1)) for _ in range(2)] == [receipt(1)] * 2
    assert ledger.drain_ended() == [remote(1)]
    assert (ledger.drain_ended(), ledger.unfinished) == ([], 0)


def test_a_known_key_starts_nothing_whatever_its_state() -> None:
    ledger = Ledger(1)
    assert ledger.accept([job(1), job(1)]) == [remote(1)] * 2
    chunk = ledger.take()
    assert heights(chunk) == [1]
    assert ledger.accept([job(1)]) == [remote(1)]
    finish(ledger, chunk)
    assert ledger.accept([job(1)]) == [remote(1)]
    assert ledger.take() is None


def test_a_refused_program_and_a_missing_key_keep_their_reasons() -> None:
    ledger = Ledger(1)
    ledger.accept([job(1), job(2, 1)])
    chunk = ledger.take()
    assert chunk is not None
    ledger.settle(chunk, 0, [Unexecutable("why"), Unfulfillable("no key")], "v")
    assert statuses(ledger, 1, 2) == [Failed(FailureReason.UNEXECUTABLE, "why"), Failed(FailureReason.UNFULFILLABLE, "no key")]
    with pytest.raises(NotReady, match="unexecutable: why"):
        ledger.receipt(remote(1))


def test_a_chunk_waits_for_the_prerequisites_that_others_prove_and_gets_their_receipts() -> None:
    ledger = Ledger(1)
    ledger.accept([job(1), job(2), job(11, 1), job(12, 11, 2)])
    steps, nothing = [ledger.take(), ledger.take()], ledger.take()
    assert ([heights(one) for one in steps], nothing) == ([[1], [2]], None)
    finish(ledger, steps[0])
    assert ledger.take() is None
    finish(ledger, steps[1])
    chunk = ledger.take()
    assert chunk is not None
    assert [one.prerequisites for one in ledger.messages(chunk)] == [[receipt(1).encode()], [0, receipt(2).encode()]]


def test_a_receipt_among_the_prerequisites_travels_as_it_is() -> None:
    ledger = Ledger(1)
    ledger.accept([job(1, receipt(9))])
    chunk = ledger.take()
    assert chunk is not None
    assert [one.prerequisites for one in ledger.messages(chunk)] == [[receipt(9).encode()]]


def test_the_second_part_of_a_long_chain_takes_up_where_the_first_ended() -> None:
    ledger = Ledger(2)
    ledger.accept([job(0), *(job(n, n - 1) for n in range(1, 100))])
    first = ledger.take()
    assert (heights(first), ledger.take()) == (list(range(CHAIN_CHUNK)), None)
    finish(ledger, first)
    second = ledger.take()
    assert second is not None
    assert ledger.messages(second)[0].prerequisites == [receipt(CHAIN_CHUNK - 1).encode()]


def test_what_builds_on_a_failed_job_fails_without_being_handed_out() -> None:
    ledger = Ledger(1)
    ledger.accept([job(1), job(2), job(11, 1), job(12, 11, 2), job(13, 2)])
    first, second = ledger.take(), ledger.take()
    assert first is not None
    ledger.settle(first, 0, [Unexecutable("why")], "v")
    finish(ledger, second)
    assert heights(ledger.take()) == [13]
    failed = Failed(FailureReason.UNFULFILLABLE, "prerequisite failed: why")
    assert statuses(ledger, 11, 12, 13) == [failed, failed, RemotePhase.IN_PROGRESS]
    assert ledger.drain_ended() == [remote(1), remote(2), remote(11), remote(12)]


def test_a_prerequisite_that_nobody_knows_is_a_failed_one() -> None:
    ledger = Ledger(1)
    assert ledger.accept([job(2, 1)]) == [remote(2)]
    assert ledger.take() is None
    assert statuses(ledger, 2) == [
        Failed(FailureReason.UNFULFILLABLE, f"prerequisite failed: this prover does not know job {key(1).hex()}")
    ]


@pytest.mark.parametrize("jobs", [[job(1, 2), job(2)], [job(1, 1)]])
def test_a_prerequisite_that_stands_behind_is_the_callers_mistake(jobs: list[Submission]) -> None:
    answers = Ledger(1).accept(jobs)
    assert isinstance(answers[0], PrerequisiteBehind)


def test_the_queue_is_bounded_and_what_builds_on_a_refused_job_is_refused_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "MAX_UNFINISHED", 2)
    ledger = Ledger(1)
    answers = ledger.accept([job(1), job(2), job(3), job(4, 3), job(1)])
    assert [type(one) for one in answers] == [RemoteId, RemoteId, QueueFull, QueueFull, RemoteId]
    finish(ledger, ledger.take())
    assert ledger.accept([job(3)]) == [remote(3)]
    assert statuses(ledger, 4) == [UNKNOWN]


def test_the_bytes_in_the_queue_are_bounded_but_one_job_is_always_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "MAX_UNFINISHED_BYTES", 3000)
    ledger = Ledger(1)
    assert [type(one) for one in ledger.accept([job(1, body=bytes(4000)), job(2)])] == [RemoteId, QueueFull]
    finish(ledger, ledger.take())
    assert ledger.accept([job(2), job(3)]) == [remote(2), remote(3)]


def test_a_job_that_fits_in_no_message_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "MAX_JOB", 5000)
    answers = Ledger(1).accept([job(1, body=bytes(3000)), job(2, body=bytes(5000))])
    assert [type(one) for one in answers] == [RemoteId, JobTooLarge]


def test_of_a_dead_workers_jobs_those_with_results_keep_them_and_the_rest_is_lost() -> None:
    ledger = Ledger(1)
    ledger.accept([job(1), job(2, 1), job(3, 2)])
    chunk = ledger.take()
    assert chunk is not None
    assert not ledger.settle(chunk, 0, [proved(1)], "v")
    ledger.lose(chunk, "killed")
    lost = Failed(FailureReason.LOST, "killed")
    assert statuses(ledger, 1, 2, 3) == [RemotePhase.COMPLETED, lost, lost]


def test_a_chunk_that_was_not_begun_is_the_next_to_be_handed_out() -> None:
    ledger = Ledger(1)
    ledger.accept([job(1), job(2), job(3)])
    first, second = ledger.take(), ledger.take()
    assert first is not None
    assert second is not None
    ledger.put_back(second)
    assert statuses(ledger, 3) == [RemotePhase.REQUESTED]
    assert ledger.take() is second


def test_without_any_worker_everything_unfinished_is_lost() -> None:
    ledger = Ledger(1)
    ledger.accept([job(1), job(2), job(11, 1), job(12, 11, 2)])
    finish(ledger, ledger.take())
    ledger.lose_all("none left")
    assert statuses(ledger, 1, 2, 11) == [RemotePhase.COMPLETED, *[Failed(FailureReason.LOST, "none left")] * 2]
    assert (ledger.take(), ledger.unfinished) == (None, 0)


@pytest.mark.parametrize(("first", "count"), [(1, 1), (0, 3), (2, 1)])
def test_results_that_are_not_the_next_ones_are_malformed(first: int, count: int) -> None:
    ledger = Ledger(1)
    ledger.accept([job(1), job(2, 1)])
    chunk = ledger.take()
    assert chunk is not None
    with pytest.raises(MalformedFrame):
        ledger.settle(chunk, first, [proved(1)] * count, "v")


def test_ended_jobs_are_dropped_oldest_first_the_read_ones_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "KEEP_UNREAD", 3)
    monkeypatch.setattr(ledger_module, "KEEP_READ", 1)
    ledger = Ledger(1)
    for number in range(1, 5):
        ledger.accept([job(number)])
        finish(ledger, ledger.take())
    assert statuses(ledger, 1, 2) == [UNKNOWN, RemotePhase.COMPLETED]
    assert [ledger.receipt(remote(n)) for n in (2, 2, 3)] == [receipt(2), receipt(2), receipt(3)]
    assert statuses(ledger, 2, 3, 4) == [UNKNOWN, RemotePhase.COMPLETED, RemotePhase.COMPLETED]
    with pytest.raises(NotReady, match="does not know"):
        ledger.receipt(remote(2))


class LedgerModel(RuleBasedStateMachine):
    """The ledger against the plain facts: which jobs were accepted, and how each must have ended."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(2)
        self.after: dict[int, list[int]] = {}
        self.ended: dict[int, bool] = {}
        self.hands: list[list[Chunk]] = [[], []]

    @rule(data=st.data(), count=st.integers(1, 8))
    def start(self, data: st.DataObject, count: int) -> None:
        jobs = []
        for number in range(len(self.after), len(self.after) + count):
            after = sorted(data.draw(st.sets(st.integers(max(0, number - 6), number - 1), max_size=2))) if number else []
            self.after[number] = after
            jobs.append(job(number, *after))
        assert self.ledger.accept(jobs) == [remote(int(one.proof_id.height())) for one in jobs]

    @rule(worker=st.integers(0, 1))
    def hand_out(self, worker: int) -> None:
        if len(self.hands[worker]) < 2 and (chunk := self.ledger.take()) is not None:
            self.hands[worker].append(chunk)
            inside: set[int] = set()
            for number in heights(chunk):
                assert all(self.ended.get(one) or one in inside for one in self.after[number])
                inside.add(number)
        self._cascade()

    @precondition(lambda self: any(self.hands))
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        hand = data.draw(st.sampled_from([one for one in self.hands if one]))
        chunk, results = hand[0], list[Outcome]()
        for number in heights(chunk)[chunk.settled : chunk.settled + data.draw(st.integers(1, 4))]:
            well = data.draw(st.booleans()) and all(self.ended[one] for one in self.after[number])
            results.append(proved(number) if well else Unexecutable("no"))
            self.ended[number] = well
        if self.ledger.settle(chunk, chunk.settled, results, "v"):
            hand.pop(0)

    @precondition(lambda self: any(self.hands))
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        hand = data.draw(st.sampled_from([one for one in self.hands if one]))
        for number in heights(hand[0])[hand[0].settled :]:
            self.ended[number] = False
        self.ledger.lose(hand.pop(0), "died")
        while hand:
            self.ledger.put_back(hand.pop())

    def _cascade(self) -> None:
        """Jobs that ended without being handed out must build on a failed one."""
        for number in self.after:
            status = self.ledger.status(remote(number))
            if number not in self.ended and isinstance(status, Failed):
                assert any(self.ended.get(one) is False for one in self.after[number])
                self.ended[number] = False

    @invariant()
    def every_job_stands_as_it_must(self) -> None:
        held = {number for hand in self.hands for chunk in hand for number in heights(chunk)[chunk.settled :]}
        for number in self.after:
            status = self.ledger.status(remote(number))
            if number in self.ended:
                assert (status is RemotePhase.COMPLETED) == self.ended[number]
                assert isinstance(status, Failed) != self.ended[number]
            else:
                assert status is (RemotePhase.IN_PROGRESS if number in held else RemotePhase.REQUESTED)
        assert self.ledger.unfinished == len(self.after) - len(self.ended)

    def teardown(self) -> None:
        """Nothing is ever stuck: proving whatever is handed out ends every job."""
        while (hand := next((one for one in self.hands if one), None)) is not None:
            chunk = hand.pop(0)
            self.ledger.settle(chunk, chunk.settled, [proved(n) for n in heights(chunk)[chunk.settled :]], "v")
        while (ready := self.ledger.take()) is not None:
            finish(self.ledger, ready)
        assert self.ledger.unfinished == 0


LedgerModel.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestLedgerAgainstItsModel = LedgerModel.TestCase
