"""What waits, what runs, and who gets which answer: the service's state machine, pure but for the time that it is told.

    admit -> WAITING -> (next) -> RUNNING -> (settle) -> answered
                ^                    |
                +---- (redo, once) --+

Rules:

1. A request is a ticket. Identical questions (`Job.digest`) in flight are one entry with several tickets; every ticket is handed back
   exactly once: by `settle`, `cancel`, `next` (too late, as soon as it is) or `abandon`.
2. A request of the rpc queue that joins an entry waiting in the gossip queue takes it over into the rpc queue.
3. Each queue has at most so many tickets, those in progress included, and all waiting together keep at most so many bytes.
   Beyond that a request is refused with the time after which to ask again.
4. A cancelled ticket is handed back at once. Its entry is dropped if nobody else waits for it, unless it is in progress: then it ends
   and nobody hears of it.
5. An entry whose batch broke off waits once more, at the head of the rpc queue, and is then verified alone, so that a proof which breaks
   its verifier hurts no other.

Invariants: an entry is in exactly one of the two queues, or in progress; a waiting entry has a ticket;
`busy` is the sum of the threads of what is in progress, and `choose` keeps it within the cores.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from proofplane.barretenberg.service.deadlines import Deadlines
from proofplane.barretenberg.service.errors import NotVerified, Obstacle
from proofplane.barretenberg.service.pace import Pace
from proofplane.barretenberg.service.scheduling import Alone, Load, Rest, choose, expected_after
from proofplane.barretenberg.service.settings import Bounds
from proofplane.barretenberg.service.tickets import Ticket
from proofplane.barretenberg.service.types import ChonkJob, Job, Queue, Source
from proofplane.base.ids import Hash32


@dataclass(slots=True, eq=False)
class Entry:
    """One question and everybody who asked it."""

    job: Job
    since: float
    """Instant of the first request."""
    tickets: list[Ticket] = field(default_factory=list)
    running: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Launch:
    """What to begin: one entry alone, or several together."""

    entries: tuple[Entry, ...]
    threads: int
    together: bool
    """Whether it is a batch (perhaps of one)."""
    at: float
    """Instant."""


@dataclass(frozen=True, slots=True)
class Next:
    """What to do now."""

    launches: tuple[Launch, ...]
    late: tuple[Ticket, ...]
    """To be answered that they waited too long."""
    again: float | None
    """Seconds after which to ask again at the latest; None: after the next event."""


class State:
    """Queues, entries and tickets of one service."""

    def __init__(self, cores: int, bounds: Bounds) -> None:
        """`cores`: threads that may verify at a time."""
        self.cores = cores
        self.busy = 0
        """Threads that verify now."""
        self._bounds = bounds
        self._pace = Pace(cores)
        self._entries: dict[Hash32, Entry] = {}
        self._waiting: dict[Queue, OrderedDict[Hash32, Entry]] = {queue: OrderedDict() for queue in Queue}
        self._unanswered = dict.fromkeys(Queue, 0)
        self._bytes = 0
        self._deadlines = Deadlines()
        """Of the tickets that wait: those of entries in progress are taken off when they pass, and put back by `redo`."""
        self._rpc_at = -math.inf
        self._batch_ended = -math.inf
        self._expected = 1
        self._batches = 0

    def unanswered(self, queue: Queue) -> int:
        """Tickets of a queue that were not handed back."""
        return self._unanswered[queue]

    def waiting(self, queue: Queue) -> int:
        """Entries that wait in a queue."""
        return len(self._waiting[queue])

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return not self._entries

    def admit(self, job: Job, queue: Queue, source: Source, deadline: float, now: float) -> tuple[Ticket, bool]:
        """Takes a request in.

        Returns:
            Its ticket, and whether it joined an identical one in flight.

        Raises:
            NotVerified: The queue is full (QUEUE_FULL); nothing was taken in.
        """
        found = self._entries.get(job.digest)
        bound = self._bounds.of(queue)
        if self._unanswered[queue] >= bound:
            raise self._full(f"{bound} requests of the {queue.value} queue have no answer yet")
        if found is None and self._bytes + job.size > self._bounds.max_bytes:
            raise self._full(f"what waits has {self._bytes} bytes, of {self._bounds.max_bytes}")
        if queue is Queue.RPC:
            self._rpc_at = now
        entry = found
        if entry is None:
            entry = self._entries[job.digest] = Entry(job, now)
            self._bytes += job.size
            self._waiting[queue][job.digest] = entry
        elif queue is Queue.RPC and self._waiting[Queue.GOSSIP].pop(job.digest, None) is not None:
            self._waiting[Queue.RPC][job.digest] = entry
        ticket = Ticket(source, queue, deadline, job.digest)
        entry.tickets.append(ticket)
        self._deadlines.add(ticket)
        self._unanswered[queue] += 1
        return ticket, found is not None

    def next(self, now: float) -> Next:
        """Hands back what waits for too long, decides what to begin now, and counts it as begun."""
        launches: list[Launch] = []
        late = self._expired(now)
        while True:
            choice = choose(self._load(now))
            if isinstance(choice, Rest):
                return Next(tuple(launches), tuple(late), _sooner(choice.seconds, self._deadlines.earliest - now))
            together = not isinstance(choice, Alone)
            queue = self._waiting[Queue.GOSSIP if together else Queue.RPC]
            entries = [queue.popitem(last=False)[1] for _ in range(1 if isinstance(choice, Alone) else choice.size)]
            for entry in entries:
                entry.running = True
            self.busy += choice.threads
            self._batches += together
            launches.append(Launch(tuple(entries), choice.threads, together, now))

    def settle(self, entry: Entry) -> Sequence[Ticket]:
        """Hands back the tickets of an entry in progress that is decided; nothing if it is not in progress (any more)."""
        if self._entries.get(entry.job.digest) is not entry or not entry.running:
            return ()
        self._forget(entry)
        return self._hand_back(entry.tickets)

    def redo(self, entry: Entry) -> bool:
        """Puts an entry in progress that its batch left undecided at the head of the rpc queue; returns False if nobody waits for it."""
        entry.running = False
        if not entry.tickets:
            self._forget(entry)
            return False
        for ticket in entry.tickets:
            self._deadlines.add(ticket)
        waiting = self._waiting[Queue.RPC]
        waiting[entry.job.digest] = entry
        waiting.move_to_end(entry.job.digest, last=False)
        return True

    def ended(self, launch: Launch, now: float, *, done: bool = True) -> None:
        """Gives back the threads of a launch, whose entries are settled or to be done again.

        `done`: Whether it came to a verdict on all of them, so that its time says how long verifying takes.
        """
        self.busy -= launch.threads
        queue = Queue.GOSSIP if launch.together else Queue.RPC
        if done:
            self._pace.learn(queue, len(launch.entries), launch.threads, now - launch.at)
        if launch.together:
            self._batches -= 1
            self._batch_ended = now
            self._expected = expected_after(len(launch.entries), self.waiting(Queue.GOSSIP))

    def cancel(self, source: Source) -> Sequence[Ticket]:
        """Hands back every ticket of a source, and drops the waiting entries that nobody else waits for."""
        cancelled: list[Ticket] = []
        for entry in list(self._entries.values()):
            gone = [ticket for ticket in entry.tickets if ticket.source == source]
            if gone:
                entry.tickets = [ticket for ticket in entry.tickets if ticket.source != source]
                cancelled += self._hand_back(gone)
                if not entry.tickets and not entry.running:
                    self._forget(entry)
        return cancelled

    def abandon(self) -> Sequence[Ticket]:
        """Hands back every ticket there is, and drops everything that waits."""
        entries = list(self._entries.values())
        tickets = [ticket for entry in entries for ticket in self._hand_back(entry.tickets)]
        for entry in entries:
            entry.tickets = []
            if not entry.running:
                self._forget(entry)
        return tickets

    def _load(self, now: float) -> Load:
        rpc, gossip = self._waiting[Queue.RPC], self._waiting[Queue.GOSSIP]
        oldest = next(iter(gossip.values())).since if gossip else now
        return Load(
            cores=self.cores,
            busy=self.busy,
            rpc_waiting=len(rpc),
            rpc_head_is_chonk=bool(rpc) and isinstance(next(iter(rpc.values())).job, ChonkJob),
            rpc_quiet=now - self._rpc_at,
            gossip_waiting=len(gossip),
            gossip_waited=now - oldest,
            gossip_idle=now - max(oldest, self._batch_ended),
            gossip_expected=self._expected,
            batches=self._batches,
        )

    def _expired(self, now: float) -> list[Ticket]:
        """The tickets of waiting entries that are too late, handed back; drops the entries of which none is left."""
        late: list[Ticket] = []
        for ticket in self._deadlines.passed(now):
            entry = self._entries[ticket.question]
            if not entry.running:
                entry.tickets.remove(ticket)
                late += self._hand_back([ticket])
                if not entry.tickets:
                    self._forget(entry)
        return late

    def _hand_back(self, tickets: Iterable[Ticket]) -> Sequence[Ticket]:
        handed = list(tickets)
        for ticket in handed:
            self._deadlines.remove(ticket)
            self._unanswered[ticket.queue] -= 1
        return handed

    def _forget(self, entry: Entry) -> None:
        del self._entries[entry.job.digest]
        self._bytes -= entry.job.size
        for queue in self._waiting.values():
            queue.pop(entry.job.digest, None)

    def _full(self, what: str) -> NotVerified:
        after = self._pace.until_half({queue: len(waiting) for queue, waiting in self._waiting.items()})
        return NotVerified(Obstacle.QUEUE_FULL, f"{what}; ask again after {after:.2f} s", after)


def _sooner(seconds: float | None, deadline: float) -> float | None:
    """Seconds until the sooner of two events, of which one may never come."""
    least = min(math.inf if seconds is None else seconds, deadline)
    return None if least == math.inf else least
