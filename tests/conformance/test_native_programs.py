"""The native prover on the anchor's real programs: it believes nothing but what it computes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proofplane.anchor.aux_data import AuxData
from proofplane.anchor.moho import MohoState, fold, genesis_moho
from proofplane.anchor.programs import RECURSIVE_PROGRAM_ID, STEP_PROGRAM_ID, encode_recursive_input, encode_step_input
from proofplane.anchor.regtest import RegtestChain
from proofplane.anchor.state import AnchorState, genesis_state
from proofplane.anchor.transition import apply
from proofplane.anchor.types import AnchorParams, Mode
from proofplane.base.attestation import RecursiveAttestation, RecursiveClaim, StateAttestation, StepAttestation
from proofplane.base.ids import BlockCommitment, Hash32
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.base.proof_id import RecursiveId, StepId
from proofplane.base.receipt import Receipt
from proofplane.crypto.keyfile import load_or_create_key
from proofplane.node.prover_process import command
from proofplane.proving.errors import ReceiptRefused, RefusalReason
from proofplane.proving.native.backend import NativeProver
from proofplane.proving.reconciler import verify_receipt
from proofplane.proving.types import Expected, Failed, FailureReason, JobKey, RemotePhase, RemoteStatus, Submission


class World:
    """One block on regtest's genesis, both keys, and a running prover."""

    def __init__(self, folder: Path) -> None:
        files = (folder / "moho.key", folder / "step.key")
        self.moho_predicate, self.step_predicate = (
            Predicate(PredicateKind.SCHNORR, load_or_create_key(file).public().raw) for file in files
        )
        self.prover = NativeProver(command(files), workers=1)
        chain = RegtestChain(b"native programs", Mode.HEADERS_ONLY)
        point = chain.anchor(chain.genesis)
        self.params = AnchorParams(point.network, Mode.HEADERS_ONLY, b"ALPN", point.block, point.next_bits, point.epoch_start)
        self.block: BlockCommitment = chain.mine(chain.genesis)
        self.payload = chain.header(self.block).encode()
        self.before: AnchorState = genesis_state(self.params)
        self.moho: MohoState = genesis_moho(self.before.commitment(), self.step_predicate)
        after = apply(self.before, self.payload, AuxData(()), None)
        self.moho_after, _ = fold(self.moho, after.state.commitment(), after.logs)

    def attestation(self) -> StepAttestation:
        """What the step must say."""
        return StepAttestation(
            StateAttestation(self.params.block.block_id, self.moho.commitment()),
            StateAttestation(self.block.block_id, self.moho_after.commitment()),
        )

    def step(self, *, state: bytes | None = None, moho: bytes | None = None, payload: bytes | None = None) -> Submission:
        """The block's step, with parts of its input replaced."""
        body = encode_step_input(
            moho or self.moho.encode(), state or self.before.encode(), payload or self.payload, AuxData(()).encode(), None
        )
        return Submission(JobKey(body[:32].ljust(32)), StepId.of(self.block), STEP_PROGRAM_ID, self.step_predicate, body, ())

    async def prove(self, job: Submission) -> RemoteStatus:
        """Hands the job over and waits for its end."""
        (remote_id,) = await self.prover.start([job])
        assert not isinstance(remote_id, Exception)
        self.remote_id = remote_id
        while True:
            (status,) = await self.prover.status([remote_id])
            assert not isinstance(status, Exception)
            if isinstance(status, Failed) or status is RemotePhase.COMPLETED:
                return status
            await self.prover.completions.recv()

    async def receipt(self, job: Submission) -> Receipt:
        """The receipt of a job that must succeed."""
        assert await self.prove(job) is RemotePhase.COMPLETED
        (receipt,) = await self.prover.fetch([self.remote_id])
        assert isinstance(receipt, Receipt)
        return receipt


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    await made.prover.close()


async def test_a_true_input_is_proved_for_what_we_computed_ourselves(world: World) -> None:
    step = await world.receipt(world.step())

    verify_receipt(step, Expected(world.attestation().encode(), world.step_predicate, STEP_PROGRAM_ID))


async def test_a_false_post_state_does_not_match_what_the_prover_computed(world: World) -> None:
    step = await world.receipt(world.step())
    true = world.attestation()
    false = StepAttestation(true.before, StateAttestation(true.after.reference, Hash32(bytes(32))))

    with pytest.raises(ReceiptRefused) as refused:
        verify_receipt(step, Expected(false.encode(), world.step_predicate, STEP_PROGRAM_ID))
    assert refused.value.reason is RefusalReason.PUBLIC_VALUES


@pytest.mark.parametrize("part", ["state", "moho", "payload"])
async def test_a_false_input_is_not_executed(world: World, part: str) -> None:
    other = RegtestChain(b"another chain", Mode.HEADERS_ONLY)
    foreign = other.mine(other.mine(other.genesis))
    false = {
        "state": world.before.encode().replace(world.params.magic, b"ALPM"),
        "moho": genesis_moho(Hash32(bytes(32)), world.step_predicate).encode(),
        "payload": other.header(foreign).encode(),
    }

    ended = await world.prove(world.step(**{part: false[part]}))

    assert isinstance(ended, Failed)
    assert ended.reason is FailureReason.UNEXECUTABLE


async def test_a_recursive_proof_is_made_only_over_a_step_that_holds(world: World) -> None:
    step = await world.receipt(world.step())
    predicate, opening = world.moho.opening()
    body = encode_recursive_input(world.moho_predicate, Predicate.decode(predicate), opening)
    true = world.attestation()

    def recursive(key: bytes, receipt: Receipt) -> Submission:
        return Submission(JobKey(key * 32), RecursiveId(world.block), RECURSIVE_PROGRAM_ID, world.moho_predicate, body, (receipt,))

    proved = await world.receipt(recursive(b"1", step))
    claim = RecursiveClaim(RecursiveAttestation(true.before, true.after), world.moho_predicate)
    verify_receipt(proved, Expected(claim.encode(), world.moho_predicate, RECURSIVE_PROGRAM_ID))

    forged = Receipt(bytes(64), step.public_values, step.prover, step.version, step.program_id, step.proof_type)
    assert isinstance(await world.prove(recursive(b"2", forged)), Failed)
