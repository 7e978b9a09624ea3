"""Making a header step's receipt: what `bb` is asked, what the receipt carries, and what is refused. `bb` itself is not here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest

from kit.clock import ManualClock
from kit.header_steps import PROOF
from proofplane.anchor.aux_data import AuxData
from proofplane.anchor.header_claim import hold
from proofplane.anchor.moho import genesis_moho
from proofplane.anchor.programs import STEP_PROGRAM_ID, Unexecutable, encode_step_input, run_step
from proofplane.anchor.state import genesis_state
from proofplane.anchor.types import AnchorParams, Mode
from proofplane.barretenberg.circuit import Circuit
from proofplane.barretenberg.circuits.header_step import StepCircuit, public_inputs, step_keys
from proofplane.barretenberg.errors import CircuitRefused, CouldNotProve, UnfitVerifier, WitnessRefused
from proofplane.barretenberg.field import Fr
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.prover import PROVE_SECONDS
from proofplane.barretenberg.setup_errors import BinaryMissing, BinaryWrong, CrsMissing, CrsWrong
from proofplane.base.errors import Broken, CallerMistake
from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.base.proof_id import StepId
from proofplane.base.receipt import ProverKind
from proofplane.bitcoin.header import Header
from proofplane.bitcoin.networks import Network
from proofplane.bitcoin.rules import accept
from proofplane.bitcoin.sps50 import TEST_MAGIC
from proofplane.node.header_check import step_predicate
from proofplane.node.header_prover import STEP_SECONDS, HeaderProver, OtherPredicate, WrongOutputs
from proofplane.pool.errors import WorkerUnusable
from proofplane.proving.tasks import TaskProver
from proofplane.proving.types import Failed, FailureReason, JobKey, Submission

GENESIS = BlockCommitment(Height(0), BlockId.from_display("000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"))
FIRST = bytes.fromhex(
    "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000"
    "982051fd1e4ba744bbbe680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299"
)
"""Mainnet's block 1."""

BEFORE = genesis_state(AnchorParams(Network.MAINNET, Mode.HEADERS_ONLY, TEST_MAGIC, GENESIS, 0x1D00FFFF, 1_231_006_505))
AFTER = accept(BEFORE.pow, Header.decode(FIRST))


def job(payload: bytes = FIRST, predicate: Predicate | None = None) -> Submission:
    moho = genesis_moho(BEFORE.commitment(), step_predicate())
    body = encode_step_input(moho.encode(), BEFORE.encode(), payload, AuxData().encode(), None)
    return Submission(JobKey(bytes(32)), StepId.of(AFTER.last), STEP_PROGRAM_ID, predicate or step_predicate(), body, ())


@dataclass
class Proving:
    """In the place of the prover: each proof takes 2 s of the clock and is of `outputs`, or ends with `error`."""

    clock: ManualClock
    outputs: tuple[Fr, ...] = public_inputs(BEFORE.pow, AFTER)
    error: Exception | None = None
    asked: list[tuple[Circuit, VerificationKey]] = field(default_factory=list)
    timeouts: list[float] = field(default_factory=list)
    at_once: int = 0
    most: int = 0

    async def prove(self, circuit: Circuit, witness: bytes, key: VerificationKey, *, timeout: float) -> SimpleNamespace:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.asked.append((circuit, key))
        self.timeouts.append(timeout)
        self.clock.advance(2.0)
        await asyncio.sleep(0)
        self.at_once -= 1
        if self.error is not None:
            raise self.error
        return SimpleNamespace(public_inputs=list(self.outputs), proof=SimpleNamespace(raw=PROOF))


async def test_the_receipt_carries_the_step_of_the_claim_and_names_its_maker() -> None:
    clock = ManualClock()
    bb = Proving(clock)

    receipt = await HeaderProver(bb, "5.0.0", clock).prove(job())

    assert receipt.public_values == run_step(job().body, ())
    assert (receipt.prover, receipt.version, receipt.program_id) == (ProverKind.BARRETENBERG, "bb-5.0.0", STEP_PROGRAM_ID)
    step = hold(receipt.public_values, receipt.proof)
    assert (step.before, step.after, step.circuit, step.proof) == (BEFORE.pow, AFTER, StepCircuit.PLAIN, PROOF)
    ((circuit, key),) = bb.asked
    assert (circuit.bytecode, key) == (StepCircuit.PLAIN.circuit(), step_keys()[StepCircuit.PLAIN])


async def test_one_proof_at_a_time_is_with_bb_and_the_time_of_each_is_kept() -> None:
    clock = ManualClock()
    bb = Proving(clock)
    prover = HeaderProver(bb, "5.0.0", clock)

    await asyncio.gather(prover.prove(job()), prover.prove(job()), prover.prove(job()))

    times = prover.timings.times()
    assert bb.most == 1
    assert times is not None
    assert times.proofs == 3
    assert times.min >= 2.0


async def test_a_proof_of_other_states_is_our_failure() -> None:
    clock = ManualClock()
    other = (Fr.of(1), *public_inputs(BEFORE.pow, AFTER)[1:])
    with pytest.raises(WrongOutputs):
        await HeaderProver(Proving(clock, other), "5.0.0", clock).prove(job())


async def test_a_step_is_with_bb_for_a_time_of_its_own_since_all_others_wait_behind_it() -> None:
    clock = ManualClock()
    bb = Proving(clock)

    await HeaderProver(bb, "5.0.0", clock).prove(job())
    await HeaderProver(bb, "5.0.0", clock, 3.0).prove(job())

    assert bb.timeouts == [STEP_SECONDS, 3.0]
    assert STEP_SECONDS <= PROVE_SECONDS / 10


async def fate(error: Exception) -> FailureReason:
    """How the job ends whose proof ends with `error`."""
    clock = ManualClock()
    prover = TaskProver("bb", HeaderProver(Proving(clock, error=error), "5.0.0", clock).prove, 1)
    (remote_id,) = await prover.start([job()])
    assert isinstance(remote_id, bytes)
    await prover.completions.recv()
    (status,) = await prover.status([remote_id])
    await prover.close()
    assert isinstance(status, Failed)
    assert str(error) in status.text
    return status.reason


TROUBLE = [
    CouldNotProve("busy"),
    CrsMissing("gone"),
    CrsWrong("damaged"),
    BinaryMissing("gone"),
    BinaryWrong("another file"),
    WorkerUnusable("cannot run"),
    UnfitVerifier("damaged"),
    CircuitRefused("a committed circuit"),
    Broken("the disk"),
    CallerMistake("closed"),
]


@pytest.mark.parametrize("error", TROUBLE, ids=lambda error: type(error).__name__)
async def test_no_trouble_with_bb_fails_a_job_for_good_whatever_its_family(error: Exception) -> None:
    assert await fate(error) is FailureReason.UNFULFILLABLE


async def test_a_proof_that_does_not_verify_fails_its_job_for_good() -> None:
    assert await fate(WitnessRefused("no")) is FailureReason.UNEXECUTABLE


async def test_a_header_that_does_not_follow_is_unexecutable_and_bb_is_not_asked() -> None:
    clock = ManualClock()
    bb = Proving(clock)
    with pytest.raises(Unexecutable):
        await HeaderProver(bb, "5.0.0", clock).prove(job(FIRST[:-1] + b"\0"))
    assert bb.asked == []


@pytest.mark.parametrize("predicate", [Predicate(PredicateKind.SCHNORR, bytes(32)), replace(step_predicate(), condition=bytes(64))])
async def test_a_step_under_another_predicate_is_refused_and_bb_is_not_asked(predicate: Predicate) -> None:
    clock = ManualClock()
    bb = Proving(clock)
    with pytest.raises(OtherPredicate):
        await HeaderProver(bb, "5.0.0", clock).prove(job(predicate=predicate))
    assert bb.asked == []
