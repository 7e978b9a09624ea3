"""The pool's state against a naive model: whatever happens in whatever order, each lease gets a worker of its own in turn, or a reason."""

from __future__ import annotations

from collections import Counter

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from proofplane.base.errors import Broken, TryAgain
from proofplane.pool.decisions import Decision, End, Fail, Lend, Probe, Start, Ticket
from proofplane.pool.errors import QueueFull
from proofplane.pool.exits import Recycle
from proofplane.pool.state import Phase, PoolState, Stage
from proofplane.pool.types import PoolOptions, WorkerId

SIZE = 3
OPTIONS = PoolOptions(max_waiting=5, max_leases=4, max_age=60.0, probe_after=20.0, start_retries=2, first_backoff=1.0, max_backoff=3.0)

pick = st.integers(0, 1_000)


class PoolModel(RuleBasedStateMachine):
    """Knows only what was decided: who waits in which order, and what each process is doing."""

    def __init__(self) -> None:
        super().__init__()
        self.state = PoolState(SIZE, OPTIONS, probes=True)
        self.now = 0.0
        self.waiting: list[Ticket] = []
        self.doing: dict[WorkerId, str] = {}
        self.rested: dict[WorkerId, float] = {}
        """Since when each worker, if it is idle, has been."""
        self.dead: set[WorkerId] = set()
        self.ever: set[WorkerId] = set()
        self.counts: Counter[str] = Counter()

    def turn(self) -> None:
        """Carries decisions out, and checks that each was possible."""
        while made := self.state.decide(self.now, lambda worker: worker not in self.dead):
            for decision in made:
                self.carry_out(decision)

    def carry_out(self, decision: Decision) -> None:
        match decision:
            case Start(worker):
                assert worker not in self.ever
                self.ever.add(worker)
                self.doing[worker] = "starting"
                self.counts["spawned"] += 1
                assert len(self.doing) <= SIZE
                assert self.state.stage is not Stage.CLOSED
            case Lend(ticket, worker):
                assert self.waiting.pop(0) == ticket
                assert self.doing[worker] == "idle"
                assert worker not in self.dead
                self.doing[worker] = "lent"
            case Probe(worker):
                assert self.doing[worker] == "idle"
                self.doing[worker] = "probing"
            case End(worker, _):
                assert self.doing[worker] != "ending"
                self.doing[worker] = "ending"
            case Fail(ticket, _):
                assert self.waiting.pop(0) == ticket
                assert self.state.stage is Stage.CLOSED or all(doing == "ending" for doing in self.doing.values())

    def rest(self, worker: WorkerId) -> None:
        self.doing[worker] = "idle"
        self.rested[worker] = self.now

    def those(self, *doing: str) -> list[WorkerId]:
        return [worker for worker, what in self.doing.items() if what in doing]

    def one(self, number: int, *doing: str) -> WorkerId:
        some = self.those(*doing)
        return some[number % len(some)]

    @precondition(lambda self: self.state.stage is Stage.OPEN)
    @rule()
    def ask(self) -> None:
        try:
            self.waiting.append(self.state.ask())
            assert len(self.waiting) <= OPTIONS.max_waiting
        except QueueFull:
            assert len(self.waiting) == OPTIONS.max_waiting
        self.turn()

    @precondition(lambda self: self.waiting)
    @rule(number=pick)
    def withdraw(self, number: int) -> None:
        self.state.withdraw(self.waiting.pop(number % len(self.waiting)))
        self.turn()

    @precondition(lambda self: self.those("starting"))
    @rule(number=pick)
    def become_ready(self, number: int) -> None:
        worker = self.one(number, "starting")
        self.rest(worker)
        self.state.started(worker, self.now)
        self.turn()

    @precondition(lambda self: self.those("starting"))
    @rule(number=pick, useless=st.booleans())
    def fail_to_start(self, number: int, useless: bool) -> None:
        self.state.start_failed(self.one(number, "starting"), self.now, Broken("useless") if useless else TryAgain("now"))
        self.counts["failed"] += 1
        self.turn()

    @precondition(lambda self: self.those("lent"))
    @rule(number=pick, recycled=st.sampled_from([None, None, None, Recycle.CANCELLED, Recycle.CONDEMNED]))
    def hand_back(self, number: int, recycled: Recycle | None) -> None:
        worker = self.one(number, "lent")
        self.rest(worker)
        self.state.handed_back(worker, self.now, recycled)
        self.turn()

    @precondition(lambda self: self.those("lent"))
    @rule(number=pick)
    def take_nothing(self, number: int) -> None:
        worker = self.one(number, "lent")
        self.rest(worker)
        self.state.not_taken(worker, self.now)
        self.turn()

    @precondition(lambda self: self.those("probing"))
    @rule(number=pick, well=st.booleans())
    def answer_probe(self, number: int, well: bool) -> None:
        worker = self.one(number, "probing")
        if well:
            self.rest(worker)
            self.state.probed(worker, self.now)
        else:
            self.state.end(worker, Recycle.PROBE)
        self.turn()

    @precondition(lambda self: self.those("idle"))
    @rule(number=pick)
    def die_unnoticed(self, number: int) -> None:
        self.dead.add(self.one(number, "idle"))

    @precondition(lambda self: self.those("idle", "lent", "probing"))
    @rule(number=pick)
    def die(self, number: int) -> None:
        worker = self.one(number, "idle", "lent", "probing")
        self.dead.add(worker)
        self.state.end(worker, Recycle.DIED)
        self.turn()

    @precondition(lambda self: self.those("ending"))
    @rule(number=pick)
    def be_reaped(self, number: int) -> None:
        worker = self.one(number, "ending")
        del self.doing[worker]
        self.state.gone(worker)
        self.turn()

    @rule(seconds=st.sampled_from([0.0, 0.5, 3.0, 25.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.turn()

    @rule()
    def expire(self) -> None:
        self.state.expire()
        self.turn()
        assert not self.those("idle")

    @precondition(lambda self: self.state.stage is Stage.OPEN)
    @rule()
    def fill(self) -> None:
        self.state.fill()
        self.turn()
        assert len(self.doing) == SIZE

    @precondition(lambda self: len(self.ever) > 12)
    @rule()
    def drain(self) -> None:
        self.state.drain()
        self.turn()

    @invariant()
    def agree(self) -> None:
        phases = {slot.number: slot.phase for slot in self.state.slots.values()}
        names = {"starting": Phase.STARTING, "idle": Phase.IDLE, "lent": Phase.BORROWED, "probing": Phase.PROBING, "ending": Phase.ENDING}
        assert phases == {worker: names[what] for worker, what in self.doing.items()}
        stats = self.state.stats()
        assert (stats.waiting, stats.spawned, stats.failed_starts) == (
            len(self.waiting),
            self.counts["spawned"],
            self.counts["failed"],
        )

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        """Whoever waits waits for something: a worker that comes, one on lease, a process that goes, or the end of a pause."""
        if not self.waiting:
            return
        coming = len(self.those("starting", "probing"))
        assert all(self.now - self.rested[worker] >= OPTIONS.probe_after for worker in self.those("idle"))
        assert not self.those("idle") or coming
        assert coming or self.those("lent", "ending") or self.state.wake_at is not None

    def teardown(self) -> None:
        """Closing leaves nobody waiting and nothing running."""
        self.state.close()
        self.turn()
        assert not self.waiting
        for worker in self.those("ending"):
            self.doing.pop(worker)
            self.state.gone(worker)
        self.turn()
        assert not self.doing
        assert not self.state.slots
        assert self.state.quiet


PoolModel.TestCase.settings = settings(max_examples=50, stateful_step_count=60, deadline=None)
TestPoolModel = PoolModel.TestCase
