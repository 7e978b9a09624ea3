"""The check of header steps: what is asked of `bb`, what is refused without it, and that trouble with it is no verdict."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from kit.header_steps import PROOF, Step, step_at
from proofplane.barretenberg.circuits.header_step import StepCircuit, public_inputs, step_keys
from proofplane.barretenberg.errors import CouldNotVerify, ProofFlaw, ProofRefused, UnfitVerifier
from proofplane.barretenberg.field import Fr
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.proofs import UltraHonkProof
from proofplane.barretenberg.setup_errors import BinaryMissing, BinaryWrong, CacheFull
from proofplane.base.errors import NeverAgain, Refused, TryAgain
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.bitcoin.networks import Network
from proofplane.crypto.hashes import sha256
from proofplane.crypto.predicates import CheckUnavailable, PredicateNotMet, PredicateReason
from proofplane.node.header_check import FLAVOR, HeaderCheck, UnknownKeys, step_predicate

Asked = tuple[VerificationKey, Sequence[Fr], UltraHonkProof, Flavor]


@dataclass
class AskedOnly:
    """In the place of the verifier: notes what it is asked and answers with `error`, if there is one."""

    error: Exception | None = None
    asked: list[Asked] = field(default_factory=list)

    def verify(self, *question: object) -> None:
        self.asked.append(question)
        if self.error is not None:
            raise self.error


def check(step: Step, verifier: AskedOnly, predicate: Predicate | None = None) -> None:
    HeaderCheck(verifier)(predicate or step_predicate(), step.claim, step.raw)


def test_the_design_page_names_the_committed_keys() -> None:
    page = (Path(__file__).parents[3] / "docs" / "design" / "header-step.md").read_text()

    rows = re.findall(r"^\| `(\w+)\.vk` \| `([0-9a-f]{64})` \|$", page, re.MULTILINE)
    assert rows == [(circuit.name.lower(), key.sha256.hex()) for circuit, key in zip(StepCircuit, step_keys(), strict=True)]


def test_the_predicate_is_the_digests_of_the_committed_keys_in_the_order_of_the_circuits() -> None:
    assert step_predicate().kind == PredicateKind.ULTRA_HONK
    assert step_predicate().condition == sha256(StepCircuit.PLAIN.key()) + sha256(StepCircuit.RETARGET.key())
    assert len(step_predicate().condition) == 64


@pytest.mark.parametrize(("height", "circuit"), [(7, StepCircuit.PLAIN), (2014, StepCircuit.RETARGET), (2015, StepCircuit.PLAIN)])
def test_bb_is_asked_for_exactly_these_states_and_this_hash_under_the_key_of_the_place(height: int, circuit: StepCircuit) -> None:
    step = replace(step_at(height), circuit=int(circuit))
    verifier = AskedOnly()

    check(step, verifier)

    ((key, inputs, proof, flavor),) = verifier.asked
    assert key == step_keys()[circuit]
    assert inputs == public_inputs(step.before.pow, step.after)
    assert b"".join(inputs[2:])[16:32] + inputs[3][16:] == step.after.last.block_id
    assert (proof.raw, flavor) == (PROOF, FLAVOR)


@pytest.mark.parametrize(("height", "circuit"), [(7, 1), (2014, 0), (7, 2), (7, 255)])
def test_a_proof_of_another_circuit_is_refused_before_bb_is_asked(height: int, circuit: int) -> None:
    verifier = AskedOnly()
    with pytest.raises(PredicateNotMet, match="takes the circuit"):
        check(replace(step_at(height), circuit=circuit), verifier)
    assert verifier.asked == []


def test_a_claim_that_its_openings_do_not_lead_to_is_refused_before_bb_is_asked() -> None:
    verifier = AskedOnly()
    with pytest.raises(PredicateNotMet):
        HeaderCheck(verifier)(step_predicate(), step_at(8).claim, step_at(7).raw)
    with pytest.raises(PredicateNotMet):
        HeaderCheck(verifier)(step_predicate(), step_at(7).claim, b"garbage")
    assert verifier.asked == []


def test_a_network_without_a_circuit_and_a_field_element_that_is_none_are_refused() -> None:
    with pytest.raises(PredicateNotMet, match="mainnet"):
        check(step_at(7, Network.REGTEST), AskedOnly())
    with pytest.raises(PredicateNotMet, match="canonical"):
        check(replace(step_at(7), proof=b"\xff" * len(PROOF)), AskedOnly())


def test_what_bb_refuses_is_not_met() -> None:
    with pytest.raises(PredicateNotMet) as caught:
        check(step_at(7), AskedOnly(ProofRefused(ProofFlaw.FALSE, "no")))
    assert caught.value.reason is PredicateReason.PROOF
    assert str(caught.value).endswith("the proof was refused: no")


TROUBLE = [CouldNotVerify("busy"), BinaryMissing("gone"), BinaryWrong("another file"), CacheFull("no room"), UnfitVerifier("damaged")]


@pytest.mark.parametrize("error", TROUBLE, ids=lambda error: type(error).__name__)
def test_no_trouble_with_bb_is_a_verdict_whatever_its_family(error: Exception) -> None:
    with pytest.raises(TryAgain) as caught:
        check(step_at(7), AskedOnly(error))
    assert not isinstance(caught.value, Refused)
    assert isinstance(caught.value, (CheckUnavailable, CouldNotVerify))


def test_other_keys_than_this_versions_cannot_be_checked_and_are_no_refusal() -> None:
    verifier = AskedOnly()
    condition = step_predicate().condition
    for other in (b"", condition[:32], condition[32:] + condition[:32], bytes(64)):
        with pytest.raises(UnknownKeys) as caught:
            check(step_at(7), verifier, Predicate(PredicateKind.ULTRA_HONK, other))
        assert isinstance(caught.value, NeverAgain)
    assert verifier.asked == []
