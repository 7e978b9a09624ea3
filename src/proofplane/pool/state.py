"""Which worker is whose: the pool's decisions, without a loop, a process or a clock.

Rules:

1. A worker is lent to one lease at a time; leases are served in the order in which they came.
2. Of the idle workers the one used last is lent first: it is the warmest, and the others may be found idle for long and probed.
3. A worker that was ended for whatever reason is never lent again; its place is free only when its process is gone.
4. At most `size` processes exist, those that are starting or ending included.
5. Workers are started when somebody waits, as many as wait, each once: one that is starting or probed counts for one who waits.
   Nobody waits for a probe while another worker is idle that needs none.
6. After a failed start one worker at a time is started, with growing pauses; failures of starts that ran side by side count once.
   When the retries are used up, or trying again is useless, and no worker lives, all who wait are told, and the count begins anew.
7. A worker is replaced when its number of leases, its age or its memory says so, or its generation has expired.
   Age counts from when it was ready, and only if it has served somebody: else a short one would replace workers for ever.

```
            started              lend                       gone
 STARTING ──────────> IDLE ────────────────> BORROWED    ENDING ──> (nothing)
     │                │  ^ \\__ probe __        │ │          ^
     │                │  │             v       │ │          │
     │                │  └── probed ─ PROBING  │ │          │
     │                │  └──── handed back ────┘ │          │
     └────────────────┴──────── ended ───────────┴──────────┘
```

Invariants: `_idle` holds exactly the IDLE slots, those idle longest first; `_phases` counts the slots of each phase; nobody waits while
an idle worker could be lent; a lease that waits is in `_waiting` once.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from enum import Enum, IntEnum, auto

from proofplane.base.errors import ProofplaneError
from proofplane.pool.decisions import Decision, End, Fail, Lend, Probe, Start, Ticket
from proofplane.pool.errors import PoolClosed, QueueFull
from proofplane.pool.exits import Recycle
from proofplane.pool.starts import Starts
from proofplane.pool.types import PoolOptions, PoolStats, WorkerId

_LEAST_RETRY_AFTER = 0.01
"""Seconds; a shorter advice would only make callers spin."""

_MOST_RETRY_AFTER = 60.0
"""Seconds; nobody plans further ahead than that."""

_WEIGHT = 0.1
"""Of the newest lease in the mean duration, so that some twenty leases count."""


class Phase(IntEnum):
    """See the diagram above. Numbers, since they count in `_phases` several times a lease, and those are found in half the time."""

    STARTING = auto()
    IDLE = auto()
    PROBING = auto()
    BORROWED = auto()
    ENDING = auto()


class Stage(Enum):
    """How far the pool as a whole has come."""

    OPEN = auto()
    DRAINING = auto()
    CLOSED = auto()


@dataclass(slots=True)
class Slot:
    """One worker."""

    number: WorkerId
    generation: int
    round: int
    """Of starts, see rule 6."""
    born: float = 0.0
    """When it became ready."""
    phase: Phase = Phase.STARTING
    since: float = 0.0
    """When it was lent, or became idle."""
    leases: int = 0
    recycled: Recycle | None = None
    """Why it was ended."""


def _copied(error: ProofplaneError) -> ProofplaneError:
    """One for each who is told: each is raised, and gets its traceback, by itself."""
    try:
        own = copy(error)
    except TypeError:  # its constructor wants more than a message
        return error
    own.__cause__ = error.__cause__
    return own


def _always(_: WorkerId) -> bool:
    return True


@dataclass(slots=True)
class PoolState:
    """All workers and all leases that wait; every change ends with `decide`."""

    size: int
    options: PoolOptions
    probes: bool = False
    """Whether there is a question to ask idle workers."""
    generation: int = 1
    stage: Stage = Stage.OPEN
    slots: dict[WorkerId, Slot] = field(default_factory=dict)
    wake_at: float | None = None
    """When to decide again although nothing has happened: the end of a pause between two rounds of starts."""
    starts: Starts = field(init=False)
    """How starts went lately."""
    retried: int = 0
    disposal_failures: int = 0
    _idle: list[WorkerId] = field(default_factory=list)
    _phases: dict[Phase, int] = field(default_factory=lambda: dict.fromkeys(Phase, 0))
    _waiting: deque[Ticket] = field(default_factory=deque)
    _made: list[Decision] = field(default_factory=list)
    _workers: int = 0
    _tickets: int = 0
    _mean: float = 0.0
    """Seconds of a lease, lately."""
    _leases: int = 0
    _refused: int = 0
    _spawned: int = 0
    _ready: int = 0
    _failed: int = 0
    _recycled: Counter[Recycle] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.starts = Starts(self.options)

    def ask(self) -> Ticket:
        """A lease begins to wait.

        Raises:
            PoolClosed: It is not OPEN.
            QueueFull: `max_waiting` leases wait.
        """
        self.require_open()
        if len(self._waiting) >= self.options.max_waiting:
            self._refused += 1
            raise QueueFull(f"{len(self._waiting)} leases wait for {self.size} workers", self.retry_after())
        self._tickets += 1
        self._waiting.append(Ticket(self._tickets))
        return Ticket(self._tickets)

    def require_open(self) -> None:
        """Raises `PoolClosed` unless it is OPEN."""
        if self.stage is not Stage.OPEN:
            raise PoolClosed("the pool is draining or closed: ask another one")

    def withdraw(self, ticket: Ticket) -> None:
        """A lease waits no longer."""
        if ticket in self._waiting:
            self._waiting.remove(ticket)

    def fill(self) -> list[WorkerId]:
        """Starts as many workers as there is room for; their `Start`s are decided next."""
        room = self.size - len(self.slots) if self.stage is Stage.OPEN else 0
        return [self._start() for _ in range(room)]

    def started(self, worker: WorkerId, now: float) -> None:
        """A worker is ready. One that was ended meanwhile stays ended."""
        slot = self.slots[worker]
        self.starts.succeeded()
        if slot.phase is Phase.STARTING:
            self._ready += 1
            slot.born = now
            self._rest(slot, now)

    def start_failed(self, worker: WorkerId, now: float, error: ProofplaneError) -> None:
        """A worker did not become ready; `error`'s family says whether another one may."""
        slot = self.slots[worker]
        if slot.phase is not Phase.STARTING:  # told to end: no wonder
            return
        self._failed += 1
        self.end(worker, Recycle.START)
        self.starts.failed(slot.round, now, error)

    def probed(self, worker: WorkerId, now: float) -> None:
        """A worker has answered the probe: it is lent to whoever waits, or idle from now on."""
        slot = self.slots.get(worker)
        if slot is None or slot.phase is not Phase.PROBING:
            return
        if self._rest(slot, now) and self._waiting:
            self._lend(self._idle.pop(), now)

    def handed_back(self, worker: WorkerId, now: float, recycled: Recycle | None, resident: int = 0) -> None:
        """A lease is over; `recycled` says why its worker must not go on, None that it may, with `resident` bytes."""
        slot = self.slots.get(worker)
        if slot is None or slot.phase is not Phase.BORROWED:  # ended under its lessee
            return
        seconds = now - slot.since
        self._mean = seconds if self._mean == 0 else (1 - _WEIGHT) * self._mean + _WEIGHT * seconds
        if recycled is None and self.options.max_memory is not None and resident > self.options.max_memory:
            recycled = Recycle.MEMORY
        if recycled is not None:
            self.end(worker, recycled)
        else:
            self._rest(slot, now)

    def not_taken(self, worker: WorkerId, now: float) -> None:
        """A lease ended in the moment in which it got its worker, and asked nothing of it."""
        slot = self.slots.get(worker)
        if slot is not None and slot.phase is Phase.BORROWED:
            slot.leases -= 1
            self._leases -= 1
            self._rest(slot, now)

    def end(self, worker: WorkerId, recycled: Recycle) -> None:
        """Ends a worker, whatever it does; nothing happens if that was decided before, or the worker is gone."""
        slot = self.slots.get(worker)
        if slot is None or slot.phase is Phase.ENDING:
            return
        if slot.phase is Phase.IDLE:
            self._idle.remove(worker)
        self._move(slot, Phase.ENDING)
        slot.recycled = recycled
        self._recycled[recycled] += 1
        self._made.append(End(worker, recycled))

    def end_unless_lent(self, worker: WorkerId, recycled: Recycle) -> None:
        """Ends a worker that nobody has on lease."""
        slot = self.slots.get(worker)
        if slot is not None and slot.phase is not Phase.BORROWED:
            self.end(worker, recycled)

    def is_lent(self, worker: WorkerId) -> bool:
        """Whether somebody has it on lease."""
        slot = self.slots.get(worker)
        return slot is not None and slot.phase is Phase.BORROWED

    def is_ending(self, worker: WorkerId) -> bool:
        """Whether its process is told to end and not gone yet."""
        slot = self.slots.get(worker)
        return slot is not None and slot.phase is Phase.ENDING

    def gone(self, worker: WorkerId) -> None:
        """An ended worker's process is gone: its place is free."""
        assert self.slots[worker].phase is Phase.ENDING, "nobody decided its end"
        del self.slots[worker]
        self._phases[Phase.ENDING] -= 1

    def expire(self) -> None:
        """Begins a new generation: those that are idle go now, the others when they are ready or handed back."""
        self.generation += 1
        for worker in list(self._idle):
            self.end(worker, Recycle.EXPIRED)

    def drain(self) -> None:
        """Refuses new leases; those that wait are still served."""
        if self.stage is Stage.OPEN:
            self.stage = Stage.DRAINING

    def close(self) -> None:
        """Ends everything now; those who wait are told so."""
        self.stage = Stage.CLOSED
        for slot in list(self.slots.values()):
            self._dismiss(slot)
        self._fail_all(PoolClosed("the pool was closed while this lease waited"))

    @property
    def quiet(self) -> bool:
        """Whether nobody waits and nothing is on lease."""
        return not self._waiting and not self._phases[Phase.BORROWED]

    def decide(self, now: float, lives: Callable[[WorkerId], bool] = _always) -> list[Decision]:
        """What is to be done now, in this order; done already as far as this state is concerned.

        `lives` asks the system about an idle worker that would be lent: its death may not have been noticed yet.
        """
        if not (self._waiting or self._made) and self.stage is Stage.OPEN and self.starts.last_failure is None:
            self.wake_at = None
            return []
        while self._idle and self._waiting:
            slot = self.slots[self._idle[-1]]
            if (recycled := self._outlived(slot, now)) is not None:
                self.end(slot.number, recycled)
            elif not lives(slot.number):
                self.end(slot.number, Recycle.DIED)
            elif not self.probes or now - slot.since < self.options.probe_after:
                self._lend(self._idle.pop(), now)
            elif len(self._waiting) > self._phases[Phase.PROBING]:
                self._made.append(Probe(self._idle.pop()))
                self._move(slot, Phase.PROBING)
            else:
                break  # the others have been idle for longer
        self._start_wanted(now)
        if self.stage is Stage.DRAINING and not self._waiting:
            for slot in list(self.slots.values()):
                if slot.phase is not Phase.BORROWED:
                    self._dismiss(slot)
        made, self._made = self._made, []
        return made

    def retry_after(self) -> float:
        """Seconds in which, at the present speed, those who wait now will have been served."""
        return min(_MOST_RETRY_AFTER, max(_LEAST_RETRY_AFTER, self._mean * (len(self._waiting) + 1) / self.size))

    def stats(self) -> PoolStats:
        """Counters and gauges."""
        phases = self._phases
        return PoolStats(
            size=self.size,
            generation=self.generation,
            starting=phases[Phase.STARTING],
            idle=phases[Phase.IDLE] + phases[Phase.PROBING],
            borrowed=phases[Phase.BORROWED],
            ending=phases[Phase.ENDING],
            waiting=len(self._waiting),
            leases=self._leases,
            refused=self._refused,
            spawned=self._spawned,
            ready=self._ready,
            failed_starts=self._failed,
            retried=self.retried,
            recycled=dict(self._recycled),
            disposal_failures=self.disposal_failures,
        )

    def _lend(self, worker: WorkerId, now: float) -> None:
        slot = self.slots[worker]
        self._move(slot, Phase.BORROWED)
        slot.since = now
        slot.leases += 1
        self._leases += 1
        self._made.append(Lend(self._waiting.popleft(), worker))

    def _rest(self, slot: Slot, now: float) -> bool:
        """A sound worker has nothing to do: it waits for the next lease, unless its time has come; returns whether it does."""
        self._move(slot, Phase.IDLE)
        slot.since = now
        self._idle.append(slot.number)
        if (recycled := self._outlived(slot, now)) is not None:
            self.end(slot.number, recycled)
        return recycled is None

    def _dismiss(self, slot: Slot) -> None:
        self.end(slot.number, Recycle.CLOSED if slot.phase is Phase.IDLE else Recycle.CUT_OFF)

    def _outlived(self, slot: Slot, now: float) -> Recycle | None:
        if slot.generation != self.generation:
            return Recycle.EXPIRED
        if self.options.max_leases is not None and slot.leases >= self.options.max_leases:
            return Recycle.LEASES
        if self.options.max_age is not None and slot.leases and now - slot.born >= self.options.max_age:
            return Recycle.AGE
        return None

    def _start_wanted(self, now: float) -> None:
        self.wake_at = None
        starts = self.starts
        if starts.last_failure is not None and starts.hopeless and not self._serving():
            self._fail_all(starts.last_failure)
            starts.told()
        starting = self._phases[Phase.STARTING]
        wanted = min(len(self._waiting) - starting - self._phases[Phase.PROBING], self.size - len(self.slots))
        if wanted <= 0 or self.stage is Stage.CLOSED:
            return
        for _ in range(starts.allowed(now, wanted, starting)):
            self._start()
        if now < starts.not_before:
            self.wake_at = starts.not_before

    def _start(self) -> WorkerId:
        self._workers += 1
        self._spawned += 1
        worker = WorkerId(self._workers)
        self.slots[worker] = Slot(worker, self.generation, self.starts.round)
        self._phases[Phase.STARTING] += 1
        self._made.append(Start(worker))
        return worker

    def _serving(self) -> bool:
        """Whether somebody who waits may still get a worker without another start."""
        return len(self.slots) > self._phases[Phase.ENDING]

    def _fail_all(self, error: ProofplaneError) -> None:
        while self._waiting:
            self._made.append(Fail(self._waiting.popleft(), _copied(error)))

    def _move(self, slot: Slot, phase: Phase) -> None:
        self._phases[slot.phase] -= 1
        self._phases[phase] += 1
        slot.phase = phase
