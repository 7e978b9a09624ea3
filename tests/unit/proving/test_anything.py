"""Whatever a prover, the network, the operator and crashes do: in the end every proof is stored once, and every hand-over is on record."""

import asyncio
import tempfile
from collections import deque
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kit.prover_rig import LONG, Killed, Rig
from kit.remote_sim import HONEST, SLOW, Fate, Lie, Offline
from proofplane.proving.errors import ProverFailed, WrongState
from proofplane.proving.service import ProverHandle
from proofplane.proving.types import AnyProofId, Failed, FailureReason, JobStatus, RemoteId

LIMIT = 6
MOST_BLOCKS = 10

FATES = st.one_of(
    st.just(HONEST),
    st.just(SLOW),
    st.sampled_from([Fate(end=Failed(reason)) for reason in FailureReason]),
    st.sampled_from([Fate(SLOW.phases, lie) for lie in Lie]),
)
CALLS = st.sampled_from(["start", "status", "fetch"])
TROUBLE = st.sampled_from([Offline("down"), ProverFailed("refused"), RuntimeError("odd")])


def _request(proof_id: AnyProofId, handle: ProverHandle) -> Coroutine[Any, Any, JobStatus]:
    return handle.request(proof_id)


class Anything(RuleBasedStateMachine):
    """Rules are what may happen; the model is the chain: at the end each of its proofs is stored."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._directory = tempfile.TemporaryDirectory()

    @initialize(pipelines=st.booleans(), idempotent=st.booleans())
    def begin(self, pipelines: bool, idempotent: bool) -> None:
        async def make() -> Rig:
            return Rig(Path(self._directory.name), LIMIT, pipelines, idempotent)

        self.rig = self._runner.run(make())
        self.rig.chain.extend(2)

    def _proof(self, number: int) -> AnyProofId:
        proofs = self.rig.chain.proofs()
        return proofs[number % len(proofs)]

    def _survive(self, act: str) -> None:
        """Runs a hook of the worker; a kill inside it is followed by a restart."""
        try:
            self._runner.run(getattr(self.rig, act)())
        except Killed:
            self.rig.restart()

    @rule()
    def tick(self) -> None:
        self._survive("tick")

    @rule()
    def hints(self) -> None:
        self._survive("hints")

    @rule()
    def committed(self) -> None:
        self._survive("committed")

    @rule()
    def work(self) -> None:
        self.rig.sim.work()

    @rule(seconds=st.sampled_from([0.3, 5.0, LONG]))
    def time_passes(self, seconds: float) -> None:
        self.rig.clock.advance(seconds)

    @precondition(lambda self: len(self.rig.chain.proofs()) < 2 * MOST_BLOCKS)
    @rule(blocks=st.integers(1, 3))
    def grow(self, blocks: int) -> None:
        self.rig.chain.extend(blocks)

    @precondition(lambda self: len(self.rig.chain.proofs()) < 2 * MOST_BLOCKS)
    @rule(depth=st.integers(1, 3), blocks=st.integers(1, 3), name=st.binary(min_size=1, max_size=1))
    def reorganise(self, depth: int, blocks: int, name: bytes) -> None:
        chain = self.rig.chain
        tip = chain.tip()
        assert tip is not None
        branch = [chain.anchor, *chain.branch(tip)]
        chain.extend(blocks, on=branch[max(0, len(branch) - 1 - depth)], branch=name)

    @rule(number=st.integers(0, 99))
    def switch_back(self, number: int) -> None:
        self.rig.chain.switch_to(self.rig.chain.log[number % len(self.rig.chain.log)])

    @rule(number=st.integers(0, 99), fates=st.lists(FATES, min_size=1, max_size=4))
    def fate(self, number: int, fates: list[Fate]) -> None:
        self.rig.sim.fates.setdefault(self._proof(number), deque()).extend(fates)

    @rule(number=st.integers(0, 99))
    def lose(self, number: int) -> None:
        self.rig.sim.lose(self._proof(number))

    @rule(call=CALLS, error=TROUBLE)
    def trouble(self, call: str, error: Exception) -> None:
        self.rig.sim.trouble[call].append(error)

    @rule(call=CALLS, number=st.integers(0, 99), error=TROUBLE)
    def trouble_with_one(self, call: str, number: int, error: Exception) -> None:
        self.rig.sim.item_trouble.setdefault((call, self._proof(number)), deque()).append(error)

    @rule(number=st.integers(0, 99))
    def false_hint(self, number: int) -> None:
        self.rig.sim.hint(RemoteId(b"remote job %d" % number))

    @rule(points=st.integers(0, 5))
    def kill_soon(self, points: int) -> None:
        self.rig.writes.kill_in = points

    @rule()
    def kill_after_acceptance(self) -> None:
        def crash() -> None:
            self.rig.sim.after_accept = lambda: None
            raise Killed

        self.rig.sim.after_accept = crash

    @rule()
    def kill_now(self) -> None:
        self.rig.restart()

    @rule(number=st.integers(0, 99))
    def hide_data(self, number: int) -> None:
        self.rig.chain.hidden.add(self._proof(number))

    @rule(number=st.integers(0, 99), command=st.sampled_from(["request", "abort", "retry"]))
    def command(self, number: int, command: str) -> None:
        proof_id = self._proof(number)

        async def ask() -> None:
            if self.rig.jobs(proof_id):
                await self.rig.ask(lambda handle: getattr(handle, command)(proof_id))

        try:
            self._runner.run(ask())
        except WrongState:
            pass  # the operator is told
        except Killed:
            self.rig.restart()

    @invariant()
    def the_rows_are_right(self) -> None:
        if hasattr(self, "rig"):
            self.rig.check_attempts()
            self.rig.check_submissions()
            self.rig.check_stored()

    async def _heal(self) -> None:
        """All trouble ends, and the operator asks again for what was given up."""
        rig = self.rig
        rig.sim.trouble = {name: deque() for name in rig.sim.trouble}
        rig.sim.item_trouble.clear()
        rig.sim.fates.clear()
        rig.sim.after_accept = lambda: None
        rig.chain.hidden.clear()
        rig.writes.kill_in = None
        await rig.tick(3)  # the log is planned
        for _ in range(12):
            for _ in range(8):
                await rig.tick()
                rig.sim.work(3)
                rig.clock.advance(LONG)
            for proof_id in rig.missing():
                await rig.ask(partial(_request, proof_id))
        await rig.converge()

    def teardown(self) -> None:
        if hasattr(self, "rig"):
            self.rig.restart()
            self._runner.run(self._heal())
            self.the_rows_are_right()
            status = self.rig.status()
            assert status.done == len(self.rig.chain.proofs())
            assert (status.queued, status.parked, status.in_flight, status.failed, status.aborted) == (0, 0, 0, 0, 0)
            assert status.last_proven == self.rig.chain.tip()
            self.rig.database.close()
        self._runner.close()
        self._directory.cleanup()


TestAnything = pytest.mark.checklist(60)(pytest.mark.checklist(67)(pytest.mark.checklist(75)(Anything.TestCase)))
TestAnything.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
