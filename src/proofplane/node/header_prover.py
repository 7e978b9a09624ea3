"""Makes the receipt of one header step: runs the step program for its claim, has `bb` prove the circuit, and joins the two.

What fails a job for good is about the job: the step does not hold, or its proof does not verify. Whatever is wrong with `bb`, its points
or its processes says nothing about the step, so it is a `CouldNotProve` here, whatever its family.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from proofplane.anchor.header_claim import encode
from proofplane.anchor.moho import MohoState
from proofplane.anchor.programs import STEP_PROGRAM_ID, StepInput, Unexecutable, decode_step_input, run_step
from proofplane.anchor.state import AnchorState
from proofplane.barretenberg.circuit import Circuit
from proofplane.barretenberg.circuits.header_step import StepCircuit, circuit_for, public_inputs, step_keys, witness
from proofplane.barretenberg.errors import CouldNotProve, WitnessRefused
from proofplane.barretenberg.field import Fr
from proofplane.barretenberg.prover import Proof, Prover
from proofplane.base.errors import Broken, ProofplaneError, TryAgain
from proofplane.base.receipt import ProverKind, Receipt
from proofplane.bitcoin.header import Header
from proofplane.bitcoin.rules import HeaderState, accept
from proofplane.node.header_check import FLAVOR, step_predicate
from proofplane.node.timings import Timings
from proofplane.proving.types import Submission
from proofplane.service.clock import Clock

_log = logging.getLogger(__name__)

STEP_SECONDS = 60.0
"""Seconds for one step at `bb`, which takes one or two: thirty times that on a loaded machine. All steps wait behind one that hangs,
so it must be short beside the ten minutes that the largest circuits are given."""


class OtherPredicate(Unexecutable):
    """The job is under a predicate that the header circuits' proofs do not meet."""


class WrongOutputs(Broken):
    """`bb` proved something else than was asked for: our witness and our circuit do not belong together."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A job, computed up to what `bb` does."""

    claim: bytes
    circuit: StepCircuit
    witness: bytes
    outputs: tuple[Fr, ...]
    before: AnchorState
    moho: MohoState
    after: HeaderState


class HeaderProver:
    """Proves header steps with one process of `bb`, and keeps the time that each took."""

    def __init__(self, prover: Prover, version: str, clock: Clock, patience: float = STEP_SECONDS) -> None:
        """Takes the prover of circuits, the version of `bb`, which goes into the receipts, and the seconds that a step may be with `bb`."""
        self._prover = prover
        self._patience = patience
        self._version = f"bb-{version}"
        self._clock = clock
        self._bb_is_free = asyncio.Lock()
        """Held while `bb` works, so that no proof's time contains the wait for another one's."""
        self.timings = Timings()

    async def prove(self, job: Submission) -> Receipt:
        """The receipt of a step.

        Raises:
            NeverAgain: The step does not hold, or no circuit states it.
            WitnessRefused: It holds, and yet its proof does not verify.
            TryAgain: `bb` could not be asked to the end, for whatever reason.
            WrongOutputs: See there.
        """
        began = self._clock.now()
        ready = await asyncio.to_thread(_prepared, job)
        prepared = self._clock.now() - began
        circuit = Circuit(f"header step, {ready.circuit.name.lower()}", ready.circuit.circuit(), FLAVOR)
        async with self._bb_is_free:
            began = self._clock.now()
            proved = await self._proved(circuit, ready)
            seconds = prepared + self._clock.now() - began
        if tuple(proved.public_inputs) != ready.outputs:
            raise WrongOutputs(f"{job.proof_id}: the proof is about other states than the step's")
        self.timings.add(seconds)
        _log.info("%s proved by bb in %.2f s", job.proof_id, seconds)
        proof = encode(ready.circuit, proved.proof.raw, ready.moho.inner_siblings(), ready.before, ready.after)
        return Receipt(proof, ready.claim, ProverKind.BARRETENBERG, self._version, STEP_PROGRAM_ID)

    async def _proved(self, circuit: Circuit, ready: _Prepared) -> Proof:
        try:
            return await self._prover.prove(circuit, ready.witness, step_keys()[ready.circuit], timeout=self._patience)
        except (WitnessRefused, TryAgain):
            raise
        except ProofplaneError as error:  # of the binary, its files or its processes: no verdict, whatever its family
            raise CouldNotProve(f"the step could not be proved: {error}") from error


def _prepared(job: Submission) -> _Prepared:
    """Everything in Python, some tenths of a second, so on a thread."""
    if job.program_id != STEP_PROGRAM_ID or job.predicate != step_predicate():
        raise OtherPredicate(f"the header circuits prove steps under {step_predicate()}, not {job.proof_id} under {job.predicate}")
    claim = run_step(job.body, ())
    given: StepInput = decode_step_input(job.body)
    moho, before, header = MohoState.decode(given.moho_state), AnchorState.decode(given.anchor_state), Header.decode(given.payload)
    after = accept(before.pow, header)
    circuit = circuit_for(before.pow)
    return _Prepared(claim, circuit, witness(before.pow, header), public_inputs(before.pow, after), before, moho, after)
