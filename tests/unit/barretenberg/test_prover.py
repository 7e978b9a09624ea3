"""What a prover does around bb: sizes before, a key once, a verification after, and a report of each stage."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kit.bb_circuits import fourth_power, power, witness
from kit.scripted_bb import ScriptedBb
from proofplane.barretenberg.errors import CircuitRefused, CircuitTooLarge, CouldNotProve, CouldNotVerify, WitnessRefused
from proofplane.barretenberg.generated.barretenberg import (
    CircuitComputeVk,
    CircuitComputeVkResponse,
    CircuitInfoResponse,
    CircuitProve,
    CircuitProveResponse,
    CircuitStats,
    CircuitVerify,
    CircuitVerifyResponse,
)
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.known_good import FLAVOR, known_good
from proofplane.barretenberg.prover import MAX_CIRCUITS, Progress, Prover, Stage
from proofplane.barretenberg.setup_errors import CrsWrong
from proofplane.barretenberg.verifier import Verifier
from proofplane.pool.errors import QueueFull, WorkerDied
from proofplane.rpc.errors import CallFailed

GOOD = known_good()
KEY = VerificationKey(GOOD.verification_key)
CIRCUIT = fourth_power(FLAVOR)
NO_KEY = CircuitComputeVkResponse(b"", [], b"")

ANSWERS: dict[Any, Any] = {
    CircuitStats: CircuitInfoResponse(21, 32, 2, []),
    CircuitComputeVk: CircuitComputeVkResponse(KEY.raw, [], b""),
    CircuitProve: CircuitProveResponse(GOOD.public_inputs, GOOD.proof, NO_KEY),
    CircuitVerify: CircuitVerifyResponse(True),
}


def rig(verdict: Any = CircuitVerifyResponse(True), **changes: Any) -> tuple[Prover, ScriptedBb, ScriptedBb]:  # noqa: B008 - it is frozen
    """A prover with 32 points, its bb, and its verifier's."""
    replaced = {"stats": CircuitStats, "key": CircuitComputeVk, "prove": CircuitProve}
    bb = ScriptedBb(ANSWERS | {replaced[name]: answer for name, answer in changes.items()})
    verifying = ScriptedBb({CircuitVerify: verdict})
    return Prover(bb, 32, Verifier(verifying)), bb, verifying


async def test_a_proof_comes_with_its_key_and_inputs_after_it_was_verified() -> None:
    prover, bb, verifying = rig()
    proof = await prover.prove(CIRCUIT, witness(7))
    assert (proof.key, proof.public_inputs, proof.proof.raw) == (KEY, (power(7),), b"".join(GOOD.proof))
    assert proof.verified.key == KEY.sha256
    assert verifying.asked == [GOOD]
    assert [type(request) for request in bb.asked] == [CircuitStats, CircuitComputeVk, CircuitProve]


async def test_stages_are_reported_in_their_order_and_a_known_key_is_none() -> None:
    prover, _, _ = rig()
    seen: list[Progress] = []
    await prover.prove(CIRCUIT, witness(7), on_progress=seen.append)
    await prover.prove(CIRCUIT, witness(7), on_progress=seen.append)
    assert [one.stage for one in seen] == [*Stage, *(stage for stage in Stage if stage is not Stage.KEY)]
    assert {one.circuit for one in seen} == {CIRCUIT.name}
    assert [one.seconds for one in seen[:5]] == sorted(one.seconds for one in seen[:5])


async def test_size_and_key_of_a_circuit_are_asked_once_by_jobs_side_by_side_too() -> None:
    prover, bb, _ = rig()
    await asyncio.gather(*(prover.prove(CIRCUIT, witness(7)) for _ in range(3)))
    await prover.key(CIRCUIT)
    assert await prover.gates(CIRCUIT) == 21
    kinds = [type(request) for request in bb.asked]
    assert (kinds.count(CircuitComputeVk), kinds.count(CircuitProve)) == (1, 3)


async def test_a_key_that_is_given_is_used_and_the_size_is_still_looked_at() -> None:
    prover, bb, _ = rig()
    await prover.prove(CIRCUIT, witness(7), KEY)
    assert [type(request) for request in bb.asked] == [CircuitStats, CircuitProve]
    prove = bb.asked[1]
    assert isinstance(prove, CircuitProve)
    assert prove.circuit.verification_key == KEY.raw


@pytest.mark.parametrize(("gates", "fits"), [(27, True), (28, False), (5000, False)])
async def test_a_circuit_for_which_there_are_too_few_points_is_refused_before_bb_would_ask_the_network(gates: int, fits: bool) -> None:
    for key in (None, KEY):
        prover, bb, _ = rig(stats=CircuitInfoResponse(gates, 32, 2, []))
        if fits:
            await prover.prove(CIRCUIT, witness(7), key)
            continue
        with pytest.raises(CircuitTooLarge) as refused:
            await prover.prove(CIRCUIT, witness(7), key)
        assert (refused.value.gates, refused.value.points) == (gates, 32)
        assert [type(request) for request in bb.asked] == [CircuitStats]


@pytest.mark.parametrize(
    "verdict", [CircuitVerifyResponse(False), [CallFailed("not on the curve", "CircuitVerify"), CircuitVerifyResponse(True)]]
)
async def test_a_proof_that_does_not_verify_is_not_handed_out(verdict: Any) -> None:
    prover, _, _ = rig(verdict)
    seen: list[Progress] = []
    with pytest.raises(WitnessRefused, match="does not satisfy"):
        await prover.prove(CIRCUIT, witness(7), on_progress=seen.append)
    assert seen[-1].stage is Stage.VERIFYING


async def test_a_proof_that_could_not_be_verified_is_not_called_refused() -> None:
    prover, _, _ = rig(WorkerDied("process 7 died"))
    with pytest.raises(CouldNotVerify):
        await prover.prove(CIRCUIT, witness(7))


async def test_an_empty_witness_is_refused_without_asking() -> None:
    prover, bb, _ = rig()
    with pytest.raises(WitnessRefused, match="empty"):
        await prover.prove(CIRCUIT, b"")
    assert bb.asked == []


@pytest.mark.parametrize(("stage", "error"), [("stats", CircuitRefused), ("key", CircuitRefused), ("prove", WitnessRefused)])
async def test_what_bb_cannot_read_is_named(stage: str, error: type[Exception]) -> None:
    prover, _, _ = rig(**{stage: CallFailed("garbage", "Circuit")})
    with pytest.raises(error, match="garbage"):
        await prover.prove(CIRCUIT, witness(7))


@pytest.mark.parametrize("stage", ["stats", "key", "prove"])
async def test_a_process_that_is_short_of_memory_says_nothing_about_circuit_or_witness(stage: str) -> None:
    prover, bb, _ = rig(**{stage: CallFailed("std::bad_alloc", "Circuit")})
    with pytest.raises(CouldNotProve, match="short of memory"):
        await prover.prove(CIRCUIT, witness(7))
    assert bb.condemned == 1


@pytest.mark.parametrize("stage", ["stats", "key", "prove"])
async def test_an_error_of_a_process_that_fails_a_good_question_too_says_nothing(stage: str) -> None:
    prover, bb, _ = rig(**{stage: CallFailed("some new way to fail", "Circuit")})
    bb.answers[CircuitVerify] = CircuitVerifyResponse(False)
    with pytest.raises(CouldNotProve, match="fails a proof that is good"):
        await prover.prove(CIRCUIT, witness(7))
    assert bb.condemned == 1


@pytest.mark.parametrize(
    ("stage", "odd"),
    [
        ("prove", CircuitProveResponse(GOOD.public_inputs, [b"\xff" * 32], NO_KEY)),
        ("prove", CircuitProveResponse(GOOD.public_inputs, [], NO_KEY)),
        ("prove", CircuitProveResponse([b"\xff" * 32], GOOD.proof, NO_KEY)),
        ("key", CircuitComputeVkResponse(b"no key", [], b"")),
    ],
)
async def test_an_answer_that_is_no_proof_or_no_key_is_no_refusal_either(stage: str, odd: Any) -> None:
    prover, _, _ = rig(**{stage: odd})
    with pytest.raises(CouldNotProve, match="is none"):
        await prover.prove(CIRCUIT, witness(7))


@pytest.mark.parametrize("stage", ["stats", "key", "prove"])
async def test_without_an_answer_nothing_is_said_about_the_witness(stage: str) -> None:
    prover, _, _ = rig(**{stage: QueueFull("too many", 1.5)})
    with pytest.raises(CouldNotProve) as raised:
        await prover.prove(CIRCUIT, witness(7))
    assert raised.value.retry_after == 1.5


async def test_the_deadline_is_shared_by_all_stages() -> None:
    prover, bb, verifying = rig()
    await prover.prove(CIRCUIT, witness(7), timeout=5.0)
    given = [*bb.timeouts, *verifying.timeouts]
    assert given == sorted(given, reverse=True)
    assert given[0] <= 5.0


async def test_a_job_that_waits_for_anothers_key_gives_up_at_its_deadline() -> None:
    prover, _, _ = rig()
    await prover._computing.acquire()
    with pytest.raises(CouldNotProve, match="waited too long"):
        await prover.prove(CIRCUIT, witness(7), timeout=0.01)


async def test_only_so_many_circuits_are_remembered() -> None:
    prover, bb, _ = rig()
    for squarings in range(2, MAX_CIRCUITS + 3):
        await prover.gates(fourth_power(FLAVOR, squarings))
    before = len(bb.asked)
    await prover.gates(fourth_power(FLAVOR, MAX_CIRCUITS + 2))
    assert len(bb.asked) == before
    await prover.gates(CIRCUIT)
    assert len(bb.asked) == before + 1


NOT_ON_THE_CURVE = CallFailed("Deserialized point is not on the curve", "m")


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": CircuitVerifyResponse(False)},
        {"prove": NOT_ON_THE_CURVE},
        {"stats": NOT_ON_THE_CURVE},
    ],
    ids=["a false proof", "an unreadable witness", "an unreadable circuit"],
)
async def test_before_witness_or_circuit_are_blamed_the_points_are_looked_at_and_every_process_is_replaced(changes: dict[str, Any]) -> None:
    def damaged() -> None:
        raise CrsWrong("the points were damaged")

    for look, verdict in ((damaged, CouldNotProve), (lambda: None, (WitnessRefused, CircuitRefused))):
        _, bb, verifying = rig(**changes)
        renewed: list[bool] = []
        prover = Prover(bb, 32, Verifier(verifying), look=look, renew=lambda renewed=renewed: renewed.append(True))
        with pytest.raises(verdict):
            await prover.prove(CIRCUIT, witness(7))
        assert renewed == [True]
