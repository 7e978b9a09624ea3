"""What a free core does next: pure decisions over the load, without a queue, a process or a clock.

Rules:

1. Threads that verify never exceed the cores. A narrow job has 1 thread, a wide one `wide_threads(cores)`.
2. Requests of the rpc queue go first, oldest first. Only if the oldest of the gossip queue has waited `MAX_GOSSIP_WAIT` and no batch is
   in progress is it gossip's turn: neither queue starves the other.
3. An UltraHonk proof is narrow, since it does not use a second thread. A Chonk proof of the rpc queue is wide if nothing else waits or
   runs, else narrow: two narrow ones get more done than two wide ones after each other.
4. A batch has what waits, at most `MAX_BATCH`. It begins when as many wait as did when the last one ended (that batch and who waited
   behind it: who asks again at once is waited for), or, if fewer come, `LINGER` after one could have begun.
   So a lone request is sent at once, and a crowd is collected.
5. While the rpc queue is in use (`RPC_RECENT`), batches leave one core free; on a machine with one core they have at most
   `MAX_BATCH_BESIDE_RPC` instead.
6. What waits is shared among the cores that rule 5 leaves if each share has `SHARE` or more; shares are narrow. What is less goes in one
   batch, wide if so many cores are free.

Why batches: on the real `bb` one Chonk proof costs about 115 ms + 15 ms of processor time, and a batch pays the 115 ms once.
Measured per proof in batches of 1, 2, 4, 8, 16, 32, 64: 130, 70, 45, 27, 22, 17.5, 16.4 ms.
Why shares: a second thread saves a batch of 1 some 40 % of its time, one of 64 only 20 %, while a second process halves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

MAX_BATCH = 64
"""Proofs of a batch. Twice as many would save 1 ms of 16 a proof, and the last one's answer would take twice as long (1 s of one core)."""

MAX_BATCH_BESIDE_RPC = 8
"""Proofs of a batch on the only core while the rpc queue is in use: somebody there waits 0.2 s for it at most."""

SHARE = 32
"""Proofs of a share: two batches of 32 cost 7 % more than one of 64, two of 8 cost 23 % more than one of 16."""

LINGER = 0.02
"""Seconds that a batch waits for more: the round trip of clients that ask again, a sixth of the 115 ms that each of them saves."""

MAX_GOSSIP_WAIT = 1.0
"""Seconds after which the gossip queue gets a core though the rpc queue could use it; as long as the largest batch takes."""

RPC_RECENT = 5.0
"""Seconds for which a request of the rpc queue makes further ones likely, so that a core is kept for them."""

WIDEST = 4
"""Threads of a wide job; more were not measured. At this width the largest batch takes about 0.3 s."""


@dataclass(frozen=True, slots=True)
class Load:
    """What there is to do, and with what."""

    cores: int
    """Threads that may verify at a time, 1 or more."""
    busy: int
    """Threads that verify now."""
    rpc_waiting: int
    rpc_head_is_chonk: bool
    """Whether the oldest of the rpc queue is a Chonk proof."""
    rpc_quiet: float
    """Seconds since the rpc queue was last asked for something; infinite if never."""
    gossip_waiting: int
    gossip_waited: float
    """Seconds that the oldest of the gossip queue has waited; 0 if none waits."""
    gossip_idle: float
    """Seconds since a batch could have begun: since the last one ended or the oldest came, whatever was later."""
    gossip_expected: int
    """How many are expected to wait before it pays to begin: `expected_after` of the last batch."""
    batches: int
    """Batches in progress."""


@dataclass(frozen=True, slots=True)
class Alone:
    """Verify the oldest of the rpc queue."""

    threads: int


@dataclass(frozen=True, slots=True)
class Together:
    """Verify the oldest `size` of the gossip queue as one batch."""

    size: int
    threads: int


@dataclass(frozen=True, slots=True)
class Rest:
    """Begin nothing now."""

    seconds: float | None
    """Decide again after so long, even if nothing comes or ends before; None: only then."""


Choice: TypeAlias = Alone | Together | Rest


def wide_threads(cores: int) -> int:
    """Threads of a wide job."""
    return min(cores, WIDEST)


def expected_after(size: int, waiting: int) -> int:
    """How many to expect when a batch of `size` ends and `waiting` wait behind it."""
    return max(1, min(size + waiting, MAX_BATCH))


def choose(load: Load) -> Choice:
    """What to begin now; ask again after each thing begun, until it says to rest."""
    free = load.cores - load.busy
    if free < 1:
        return Rest(None)
    starved = load.gossip_waiting > 0 and load.gossip_waited >= MAX_GOSSIP_WAIT and load.batches == 0
    if load.rpc_waiting and not starved:
        alone = load.rpc_head_is_chonk and load.busy == 0 and load.rpc_waiting == 1 and load.gossip_waiting == 0
        return Alone(wide_threads(load.cores) if alone else 1)
    if not load.gossip_waiting:
        return Rest(None)
    rpc_in_use = load.rpc_waiting > 0 or load.rpc_quiet < RPC_RECENT
    if rpc_in_use and load.cores > 1 and not starved:
        free -= 1
        if free < 1:
            patience = MAX_GOSSIP_WAIT - load.gossip_waited if load.batches == 0 else RPC_RECENT
            return Rest(min(RPC_RECENT - load.rpc_quiet, patience))
    short = min(load.gossip_expected, MAX_BATCH) - load.gossip_waiting
    if short > 0 and load.gossip_idle < LINGER and not starved:
        return Rest(LINGER - load.gossip_idle)
    most = MAX_BATCH_BESIDE_RPC if rpc_in_use and load.cores == 1 else MAX_BATCH
    shares = max(1, min(free, load.gossip_waiting // SHARE))
    wide = wide_threads(load.cores)
    return Together(min(-(-load.gossip_waiting // shares), most), wide if shares == 1 and free >= wide else 1)
