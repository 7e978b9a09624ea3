"""The service's state machine: a scenario for each rule, and a naive model of who must be answered."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kit.verifier_jobs import chonk, ultra_honk
from proofplane.barretenberg.field import Fr
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.service.errors import BadBounds, NotVerified, Obstacle
from proofplane.barretenberg.service.settings import MAX_FRAME, Bounds
from proofplane.barretenberg.service.state import Entry, Launch, State
from proofplane.barretenberg.service.tickets import Ticket
from proofplane.barretenberg.service.types import NOBODY, Job, Queue, Source

ONE, TWO = Source("one"), Source("two")
JOBS: tuple[Job, ...] = (ultra_honk(1), ultra_honk(2), *(chonk(number) for number in range(5)))


def ask(state: State, job: Job, queue: Queue = Queue.RPC, source: Source = NOBODY, deadline: float = math.inf, now: float = 0.0) -> Ticket:
    """Asks; whether it joined another request is told by `joins`."""
    return state.admit(job, queue, source, deadline, now)[0]


def joins(state: State, job: Job, queue: Queue = Queue.RPC) -> bool:
    """Asks; returns whether an identical request was there."""
    return state.admit(job, queue, NOBODY, math.inf, 0.0)[1]


def begun(state: State, now: float = 0.0) -> Launch:
    """The one thing that is begun now."""
    (launch,) = state.next(now).launches
    return launch


def test_identical_questions_are_one_entry_and_every_asker_is_answered() -> None:
    state = State(1, Bounds())
    first = ask(state, chonk(1))
    second, joined = state.admit(chonk(1), Queue.GOSSIP, ONE, math.inf, 0.0)
    assert joined
    launch = begun(state)
    assert joins(state, chonk(1)), "also while it is in progress"
    assert list(state.settle(launch.entries[0]))[:2] == [first, second]
    assert list(state.settle(launch.entries[0])) == []
    state.ended(launch, 1.0)
    assert state.idle
    assert state.busy == 0


def test_questions_that_differ_anywhere_are_not_joined() -> None:
    state = State(1, Bounds())
    ask(state, chonk(1, of=1))
    assert not joins(state, chonk(1, of=2))
    assert not joins(state, chonk(2, of=1))
    assert not joins(state, ultra_honk(1))


def test_ultra_honk_questions_that_differ_in_any_part_are_not_joined() -> None:
    one = ultra_honk(1)
    other_key = VerificationKey(one.key.raw[:-1] + b"\1")
    others = [
        replace(one, key=other_key),
        replace(one, public_inputs=(Fr.of(2),)),
        replace(one, public_inputs=(*one.public_inputs, Fr.of(1))),
        replace(one, proof=ultra_honk(2).proof),
        *(replace(one, flavor=flavor) for flavor in Flavor if flavor is not one.flavor),
    ]
    assert len({one.digest, *(job.digest for job in others)}) == 1 + len(others)
    state = State(1, Bounds())
    ask(state, one)
    assert not any(joins(state, job) for job in others)


def test_a_job_keeps_more_bytes_for_each_public_input_than_its_request_has() -> None:
    one = ultra_honk(1)
    many = replace(one, public_inputs=(Fr.of(1),) * 1001)
    assert many.size - one.size >= 100 * 1000


def test_an_rpc_request_takes_an_identical_one_out_of_the_gossip_queue() -> None:
    state = State(1, Bounds())
    ask(state, ultra_honk(1))
    begun(state)
    ask(state, chonk(1), Queue.GOSSIP)
    ask(state, chonk(1), Queue.RPC)
    assert (state.waiting(Queue.RPC), state.waiting(Queue.GOSSIP)) == (1, 0)
    ask(state, chonk(1), Queue.GOSSIP)
    assert (state.waiting(Queue.RPC), state.waiting(Queue.GOSSIP)) == (1, 0), "gossip does not take it back"


def test_a_full_queue_refuses_with_the_time_after_which_to_ask_again_and_the_other_queue_goes_on() -> None:
    state = State(1, Bounds(rpc=2, gossip=1))
    ask(state, ultra_honk(1))
    ask(state, ultra_honk(1))
    with pytest.raises(NotVerified) as refused:
        ask(state, ultra_honk(1))
    assert refused.value.obstacle is Obstacle.QUEUE_FULL
    assert refused.value.retry_after is not None
    assert refused.value.retry_after > 0
    ask(state, chonk(1), Queue.GOSSIP)
    launch = begun(state)
    state.settle(launch.entries[0])
    state.ended(launch, 1.0)
    ask(state, ultra_honk(1))


def test_bytes_are_bounded_and_given_back() -> None:
    state = State(1, Bounds(max_bytes=MAX_FRAME))
    room = MAX_FRAME // chonk(0).size
    for number in range(room):
        ask(state, chonk(number), source=ONE)
    with pytest.raises(NotVerified, match="bytes"):
        ask(state, chonk(room))
    assert len(state.cancel(ONE)) == room
    ask(state, chonk(room))


def test_the_time_to_ask_again_follows_what_was_measured() -> None:
    state = State(1, Bounds(rpc=100))
    for number in range(100):
        ask(state, ultra_honk(number))
    quick = _refusal(state)
    for turn in range(50):
        launch = begun(state, turn * 10.0)
        state.settle(launch.entries[0])
        state.ended(launch, turn * 10.0 + 10.0)
    for number in range(100, 150):
        ask(state, ultra_honk(number))
    assert _refusal(state) > 10 * quick


def _refusal(state: State) -> float:
    with pytest.raises(NotVerified) as refused:
        ask(state, ultra_honk(999))
    assert refused.value.retry_after is not None
    return refused.value.retry_after


def test_cancelling_a_source_drops_what_only_it_waits_for() -> None:
    state = State(1, Bounds())
    ask(state, ultra_honk(0))
    running = begun(state)
    gone = ask(state, chonk(1), Queue.GOSSIP, ONE)
    shared = ask(state, chonk(2), Queue.GOSSIP, ONE)
    kept = ask(state, chonk(2), Queue.GOSSIP, TWO)
    assert set(state.cancel(ONE)) == {gone, shared}
    assert state.waiting(Queue.GOSSIP) == 1
    state.settle(running.entries[0])
    state.ended(running, 9.0)
    launch = begun(state, 9.0)
    assert list(state.settle(launch.entries[0])) == [kept]


def test_what_is_cancelled_in_progress_is_answered_at_once_and_ends_unheard() -> None:
    state = State(1, Bounds())
    ticket = ask(state, chonk(1), source=ONE)
    launch = begun(state)
    assert list(state.cancel(ONE)) == [ticket]
    assert not state.idle
    later = ask(state, chonk(1))
    assert list(state.settle(launch.entries[0])) == [later], "who asks the same meanwhile gets its result"


def test_a_request_that_waited_too_long_is_not_begun() -> None:
    state = State(1, Bounds())
    late = ask(state, ultra_honk(1), deadline=6.0)
    on_time = ask(state, ultra_honk(2), deadline=7.0)
    found = state.next(6.0)
    assert found.late == (late,)
    (launch,) = found.launches
    assert list(state.settle(launch.entries[0])) == [on_time]


def test_what_waits_is_handed_back_when_its_time_is_over_though_every_core_is_taken() -> None:
    state = State(1, Bounds())
    ask(state, ultra_honk(0), deadline=1.0)
    launch = begun(state)
    late = [ask(state, ultra_honk(number), deadline=float(number)) for number in (3, 2)]
    assert state.next(1.5).late == (), "what is in progress is waited for"
    found = state.next(2.0)
    assert (found.late, found.again) == ((late[1],), 1.0)
    assert state.next(3.5).late == (late[0],)
    assert state.next(3.5).again is None
    state.redo(launch.entries[0])
    assert len(state.next(3.5).late) == 1, "it waits again, and for too long"
    state.ended(launch, 3.5)
    assert state.idle


def test_a_launch_that_came_to_nothing_teaches_nothing_about_the_time_that_verifying_takes() -> None:
    state = State(1, Bounds(rpc=3))
    quick = []
    for done in (False, True):
        for number in range(3):
            ask(state, ultra_honk(number))
        launch = begun(state)
        state.redo(launch.entries[0])
        state.ended(launch, 1000.0, done=done)
        quick.append(_refusal(state))
        state.abandon()
    assert quick[0] < 1.0 < quick[1]


def test_what_a_broken_batch_left_undecided_is_verified_alone_and_first() -> None:
    state = State(1, Bounds())
    for number in range(3):
        ask(state, chonk(number), Queue.GOSSIP)
    batch = begun(state, 1.0)
    assert (batch.together, len(batch.entries)) == (True, 3)
    ask(state, ultra_honk(1), now=1.0)
    state.settle(batch.entries[0])
    for entry in reversed(batch.entries[1:]):
        assert state.redo(entry)
    state.ended(batch, 2.0)
    order = []
    for _ in range(3):
        launch = begun(state, 2.0)
        assert not launch.together
        order.append(launch.entries[0].job.digest)
        state.settle(launch.entries[0])
        state.ended(launch, 2.0)
    assert order == [chonk(1).digest, chonk(2).digest, ultra_honk(1).digest]


def test_abandoning_hands_every_ticket_back_once() -> None:
    state = State(1, Bounds())
    tickets = {ask(state, chonk(number)) for number in range(3)}
    launch = begun(state)
    assert set(state.abandon()) == tickets
    assert list(state.settle(launch.entries[0])) == []
    state.ended(launch, 1.0)
    assert state.idle


@pytest.mark.parametrize("wrong", [{"rpc": 0}, {"gossip": 0}, {"max_bytes": 1}])
def test_bounds_with_which_nothing_could_be_verified_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(BadBounds):
        Bounds(**wrong)


class Model(RuleBasedStateMachine):
    """Random requests, ends, breaks and cancellations; the model knows only which tickets are out, and whose they are."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State(3, Bounds(rpc=6, gossip=6))
        self.now = 0.0
        self.out: dict[Ticket, Job] = {}
        self.running: list[Launch] = []

    @rule(job=st.sampled_from(JOBS), gossip=st.booleans(), source=st.sampled_from([NOBODY, ONE, TWO]), patience=st.sampled_from([0.5, 1e9]))
    def admit(self, job: Job, gossip: bool, source: Source, patience: float) -> None:
        queue = Queue.GOSSIP if gossip and job in JOBS[2:] else Queue.RPC
        asked = [ticket for ticket in self.out if ticket.queue is queue]
        try:
            ticket, _ = self.state.admit(job, queue, source, self.now + patience, self.now)
        except NotVerified:
            assert len(asked) == 6
            return
        assert len(asked) < 6
        self.out[ticket] = job

    @rule(seconds=st.sampled_from([0.0, 0.03, 1.0, 6.0]))
    def begin(self, seconds: float) -> None:
        self.now += seconds
        found = self.state.next(self.now)
        self._back(found.late)
        assert all(ticket.deadline <= self.now for ticket in found.late)
        self.running += found.launches
        begun = {entry.job.digest for launch in self.running for entry in launch.entries}
        left = [ticket.deadline - self.now for ticket, job in self.out.items() if job.digest not in begun]
        assert all(seconds > 0 for seconds in left), "who waits too long is told at once"
        assert not left or (found.again is not None and found.again <= min(left))

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        launch = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        for entry in launch.entries:
            if launch.together and data.draw(st.booleans()):
                waits = any(job.digest == entry.job.digest for job in self.out.values())
                assert self.state.redo(entry) == waits
            else:
                self._settle(entry)
        self.state.ended(launch, self.now)

    @rule(source=st.sampled_from([ONE, TWO]))
    def cancel(self, source: Source) -> None:
        expected = {ticket for ticket in self.out if ticket.source == source}
        tickets = self.state.cancel(source)
        assert set(tickets) == expected
        self._back(tickets)

    def _settle(self, entry: Entry) -> None:
        expected = {ticket for ticket, job in self.out.items() if job.digest == entry.job.digest}
        tickets = self.state.settle(entry)
        assert set(tickets) == expected
        self._back(tickets)

    def _back(self, tickets: tuple[Ticket, ...] | list[Ticket]) -> None:
        for ticket in tickets:
            del self.out[ticket]  # a second time would be a KeyError

    @invariant()
    def counts_agree(self) -> None:
        state = self.state
        assert state.busy == sum(launch.threads for launch in self.running) <= state.cores
        for queue in Queue:
            assert state.unanswered(queue) == sum(ticket.queue is queue for ticket in self.out)
        digests = {job.digest for job in self.out.values()}
        in_progress = {entry.job.digest for launch in self.running for entry in launch.entries}
        assert state.waiting(Queue.RPC) + state.waiting(Queue.GOSSIP) == len(digests - in_progress)
        assert state.idle == (not digests and not in_progress)

    def teardown(self) -> None:
        self.now += 1000.0
        for _ in range(1000):
            found = self.state.next(self.now)
            self._back(found.late)
            self.running += found.launches
            if not self.running:
                break
            launch = self.running.pop()
            for entry in launch.entries:
                self._settle(entry)
            self.state.ended(launch, self.now)
            self.now += 10.0
        assert self.out == {}, "everybody is answered in the end"
        assert self.state.idle


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
