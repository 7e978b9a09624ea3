"""What a verifier says for every answer of bb, and what it refuses without asking."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from kit.scripted_bb import ScriptedBb
from proofplane.barretenberg.errors import CouldNotVerify, ProofFlaw, ProofRefused
from proofplane.barretenberg.field import Fr, NotCanonical
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.generated.barretenberg import (
    ChonkVerifyFromFields,
    ChonkVerifyFromFieldsResponse,
    CircuitVerify,
    CircuitVerifyResponse,
)
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.known_good import FLAVOR, known_good, known_good_rollup
from proofplane.barretenberg.proofs import ChonkProof, UltraHonkProof
from proofplane.barretenberg.verifier import Verified, Verifier
from proofplane.pool.errors import WorkerDied
from proofplane.rpc.errors import CallFailed

GOOD = known_good()
KEY = VerificationKey(GOOD.verification_key)
INPUTS = [Fr(one) for one in GOOD.public_inputs]
PROOF = UltraHonkProof.of(GOOD.proof)
CHONK_KEY = VerificationKey(KEY.raw[:32] + Fr.of(30) + KEY.raw[64:])
CHONK = ChonkProof.of([Fr.of(number) for number in range(1272)])


async def test_a_yes_is_a_witness_that_names_key_inputs_and_proof() -> None:
    bb = ScriptedBb({CircuitVerify: CircuitVerifyResponse(True)})
    verified = await Verifier(bb).verify(KEY, INPUTS, PROOF, FLAVOR, timeout=3.0)
    assert verified == Verified(KEY.sha256, tuple(INPUTS), verified.proof)
    assert verified.proof == hashlib.sha256(PROOF.raw).digest()
    assert (bb.asked, bb.timeouts) == ([GOOD], [3.0])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (CircuitVerifyResponse(False), ProofFlaw.FALSE),
        ([CallFailed("Deserialized point is not on the curve", "CircuitVerify"), CircuitVerifyResponse(True)], ProofFlaw.MALFORMED),
    ],
)
async def test_a_no_and_an_error_are_refusals(answer: Any, reason: ProofFlaw) -> None:
    with pytest.raises(ProofRefused) as refused:
        await Verifier(ScriptedBb({CircuitVerify: answer})).verify(KEY, INPUTS, PROOF, FLAVOR)
    assert refused.value.reason is reason


@pytest.mark.parametrize("error", [WorkerDied("process 7 died"), CallFailed("HTTP request failed for https://x", "CircuitVerify")])
async def test_a_dead_process_and_missing_points_say_nothing_about_the_proof(error: Exception) -> None:
    with pytest.raises(CouldNotVerify):
        await Verifier(ScriptedBb({CircuitVerify: error})).verify(KEY, INPUTS, PROOF, FLAVOR)


@pytest.mark.parametrize(
    ("inputs", "proof", "flavor", "reason"),
    [
        (INPUTS, PROOF, Flavor.EVM, ProofFlaw.WRONG_KEY),
        ([], PROOF, FLAVOR, ProofFlaw.WRONG_INPUTS),
        (INPUTS * 2, PROOF, FLAVOR, ProofFlaw.WRONG_INPUTS),
        (INPUTS, UltraHonkProof(PROOF.raw[:-32]), FLAVOR, ProofFlaw.WRONG_SIZE),
        (INPUTS, UltraHonkProof(PROOF.raw + bytes(32)), FLAVOR, ProofFlaw.WRONG_SIZE),
        (INPUTS, PROOF, Flavor.NOIR_RECURSIVE, ProofFlaw.WRONG_SIZE),
        (INPUTS, PROOF, Flavor.NOIR_ROLLUP, ProofFlaw.WRONG_INPUTS),
    ],
)
async def test_what_the_counts_tell_is_refused_without_asking(
    inputs: list[Fr], proof: UltraHonkProof, flavor: Flavor, reason: ProofFlaw
) -> None:
    bb = ScriptedBb({})
    with pytest.raises(ProofRefused) as refused:
        await Verifier(bb).verify(KEY, inputs, proof, flavor)
    assert refused.value.reason is reason
    assert bb.asked == []


@pytest.mark.parametrize("value", [b"\xff" * 32, bytes(31), bytes(33)])
async def test_an_input_that_is_no_field_element_is_the_callers_mistake(value: bytes) -> None:
    bb = ScriptedBb({})
    with pytest.raises(NotCanonical):
        await Verifier(bb).verify(KEY, [value], PROOF, FLAVOR)  # type: ignore[list-item]  # what an unchecked caller may do
    assert bb.asked == []


async def test_the_witness_names_what_was_asked_also_if_the_caller_changes_its_list_meanwhile() -> None:
    inputs: list[Any] = [bytes(value) for value in INPUTS]

    def answer(_: CircuitVerify) -> CircuitVerifyResponse:
        inputs[0] = Fr.of(666)
        return CircuitVerifyResponse(True)

    verified = await Verifier(ScriptedBb({CircuitVerify: answer})).verify(KEY, inputs, PROOF, FLAVOR)
    assert verified.public_inputs == tuple(INPUTS)
    assert {type(value) for value in verified.public_inputs} == {Fr}


async def test_a_chonk_proof_goes_to_bb_as_it_is_and_its_outputs_are_told() -> None:
    bb = ScriptedBb({CircuitVerify: CircuitVerifyResponse(True), ChonkVerifyFromFields: ChonkVerifyFromFieldsResponse(True)})
    verified = await Verifier(bb).verify_chonk(CHONK_KEY, CHONK)
    assert (verified.key, verified.public_inputs) == (CHONK_KEY.sha256, (Fr.of(0), Fr.of(1)))
    assert bb.asked == [known_good_rollup(), ChonkVerifyFromFields(list(CHONK.fields), CHONK_KEY.raw)]


@pytest.mark.parametrize(
    ("key", "answer", "reason"),
    [
        (CHONK_KEY, ChonkVerifyFromFieldsResponse(False), ProofFlaw.FALSE),
        (CHONK_KEY, CallFailed("wrong", "ChonkVerifyFromFields"), ProofFlaw.MALFORMED),
        (KEY, CallFailed("not asked", ""), ProofFlaw.WRONG_SIZE),
        (VerificationKey(CHONK_KEY.raw[:1888]), CallFailed("not asked", ""), ProofFlaw.WRONG_KEY),
    ],
)
async def test_a_chonk_proof_is_refused_for_its_reason(
    key: VerificationKey, answer: ChonkVerifyFromFieldsResponse | Exception, reason: ProofFlaw
) -> None:
    bb = ScriptedBb({CircuitVerify: CircuitVerifyResponse(True), ChonkVerifyFromFields: answer})
    with pytest.raises(ProofRefused) as refused:
        await Verifier(bb).verify_chonk(key, CHONK)
    assert refused.value.reason is reason
