"""What does a Chonk proof cost through the service's gossip queue, against `bb`'s own batch command, and how many does it get done?

THE INSECURE DEVELOPMENT SETUP: there are no genuine Chonk proofs without 2^17 ceremony points, so the tests' proofs are verified by the
tests' insecure copy of `bb`. The peer sends `ChonkBatchVerify`, packed before, of as many proofs as the queue is deep, to one thread; the
same on all cores, as the service does it where nothing else is to be done, shows what `bb` pays for its threads.

There are 8 distinct proofs, and more requests than that. The front would answer equal ones together, so each request has a name of its own
here (`_named`); `bb` gets equal proofs in a batch on both sides, and does for each what it does for others.
Cost is the processor time of the `bb` processes; throughput is by the clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count, cycle, islice

from bare import Program, Question, bare, hand_loop, question
from cost import Cost, Watch
from load import closed_loop
from measuring import Case, Figures, Ratio
from setting import Setting

from kit.dev_setup import insecure
from kit.dev_setup.binary import dev_binary
from kit.dev_setup.chonk import ChonkFixture, chonk_fixture
from kit.dev_setup.greeting import insecure_verifier_spec
from proofplane.barretenberg.field import split
from proofplane.barretenberg.generated import barretenberg as bb
from proofplane.barretenberg.proofs import ChonkProof
from proofplane.barretenberg.service.executor import open_executor
from proofplane.barretenberg.service.front import Front
from proofplane.barretenberg.service.types import ChonkJob, Queue
from proofplane.base.ids import hash32
from proofplane.cli.options import run_async

DISTINCT = 8
"""Proofs; each takes 7 s to make, the first time."""

ROUNDS = {1: 10, 4: 6, 16: 4, 64: 2}
"""How often every caller asks, by the queue's depth: a second of processor time or more."""

FULL = 64
"""Requests for each core in the measurement of throughput: a batch of the service is full."""

_FULL_ROUNDS = 2

_PARTS = (78, 41, 612, 64, 477)
"""Field elements of the parts of a proof."""


def cases(setting: Setting) -> list[Case]:
    """Two cases: cost by depth, and throughput."""
    insecure.for_a_bench()
    fixture = chonk_fixture(DISTINCT)
    contestants: dict[str, Callable[[], Sequence[float]]] = {}
    ratios: list[Ratio] = []
    for depth, rounds in ROUNDS.items():
        peer, wide, ours = f"batch of {depth}", f"batch of {depth}, {setting.cores} threads", f"queue of {depth}"
        own = f"{ours}: the service itself"
        figures = Figures(partial(_service_costs, ours, own, setting, fixture, depth, rounds))
        contestants[peer] = partial(_batch_cost, setting, fixture, depth, rounds, 1)
        contestants[wide] = partial(_batch_cost, setting, fixture, depth, rounds, setting.cores)
        contestants |= {ours: figures.figure(ours), own: figures.figure(own)}
        ratios += [Ratio(ours, peer, "<= 1.1"), Ratio(ours, wide, "")]
    full = setting.cores * FULL
    loop, service = f"{setting.cores} loops of batches", f"queue of {full}"
    throughput: dict[str, Callable[[], Sequence[float]]] = {
        loop: lambda: _took(_batches(setting, fixture, FULL, setting.cores, _FULL_ROUNDS * setting.cores, 1)),
        service: lambda: _took(run_async(_service(setting, fixture, full, _FULL_ROUNDS))),
    }
    return [
        Case("a Chonk proof verified, insecure setup", "ms of bb's processor time for each", contestants, tuple(ratios)),
        Case(f"Chonk proofs on {setting.cores} cores, insecure setup", "ms for each", throughput, (Ratio(loop, service, ">= 0.95"),)),
    ]


def _batch_cost(setting: Setting, fixture: ChonkFixture, size: int, rounds: int, threads: int) -> list[float]:
    return [_batches(setting, fixture, size, 1, rounds, threads).theirs]


def _service_costs(
    theirs: str, ours: str, setting: Setting, fixture: ChonkFixture, depth: int, rounds: int
) -> Mapping[str, Sequence[float]]:
    cost = run_async(_service(setting, fixture, depth, rounds))
    return {theirs: [cost.theirs], ours: [cost.ours]}


def _took(cost: Cost) -> list[float]:
    """In one part: answers come a batch at a time."""
    return [sum(cost.pieces)]


def _batches(setting: Setting, fixture: ChonkFixture, size: int, processes: int, number: int, threads: int) -> Cost:
    """So many batches of one size over so many processes with so many threads."""
    asked = _batch(fixture, size)
    with bare(Program(dev_binary(), setting.verification.directory, threads), processes) as running:
        askers = [process.ask for process in running]
        hand_loop(askers, [_batch(fixture, 1)] * processes)
        watch = Watch()
        ended = hand_loop(askers, [asked] * number)
        return watch.cost([instant for instant in ended for _ in range(size)])


def _batch(fixture: ChonkFixture, size: int) -> Question:
    proofs = [_parts(proof) for proof in islice(cycle(fixture.proofs), size)]
    return question(bb.ChonkBatchVerify(proofs=proofs, vks=[fixture.key.raw] * size), {"valid": True})


def _parts(proof: ChonkProof) -> bb.ChonkProof:
    fields = iter(split(proof.raw))
    oink, merge, eccvm, ipa, joint = [list(islice(fields, size)) for size in _PARTS]
    return bb.ChonkProof(oink, merge, eccvm, ipa, joint)


async def _service(setting: Setting, fixture: ChonkFixture, depth: int, rounds: int) -> Cost:
    """The front with `depth` callers, each of which asks `rounds` times."""
    numbers = count()
    proofs = cycle(fixture.proofs)
    async with open_executor(setting.cores, insecure_verifier_spec) as executor, Front(executor, setting.cores) as front:

        async def ask(proof: ChonkProof) -> None:
            await front.verify(_named(ChonkJob(fixture.key, proof), next(numbers)), Queue.GOSSIP)

        await closed_loop(ask, islice(proofs, depth), depth)
        watch = Watch()
        return watch.cost(await closed_loop(ask, islice(proofs, depth * rounds), depth))


def _named(job: ChonkJob, number: int) -> ChonkJob:
    """The job, which the front takes for another one than any before."""
    object.__setattr__(job, "digest", hash32(hashlib.sha256(number.to_bytes(8, "big")).digest()))
    return job
