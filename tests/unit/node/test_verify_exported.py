"""One receipt against a trust root: what is accepted, and what each refusal means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kit.cli_node import Branches
from proofplane.base.attestation import MalformedClaim, RecursiveAttestation, RecursiveClaim, StateAttestation, StepAttestation
from proofplane.base.errors import Refused
from proofplane.base.ids import Hash32
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.base.receipt import ProofType, ProverKind, Receipt
from proofplane.crypto.keyfile import load_or_create_key
from proofplane.crypto.predicates import PredicateNotMet
from proofplane.crypto.schnorr import SigningKey
from proofplane.node.data_dir import TrustRoot
from proofplane.node.inspect import find_proof
from proofplane.node.verify_exported import ReceiptUntrusted, verify_exported
from proofplane.storage.database import DATABASE_NAME, ReadOnlyDatabase, Rows


@pytest.fixture
def rows(finished: Path) -> Iterator[Rows]:
    database = ReadOnlyDatabase(finished / DATABASE_NAME)
    yield database
    database.close()


@pytest.fixture
def trust(finished: Path) -> TrustRoot:
    return TrustRoot.read(finished)


@pytest.fixture
def moho_key(finished: Path) -> SigningKey:
    return load_or_create_key(finished / "keys" / "moho.key")


@pytest.fixture
def step(rows: Rows, chain: Branches) -> Receipt:
    return find_proof(rows, "step", chain.second[0]).receipt


@pytest.fixture
def recursive(rows: Rows, chain: Branches) -> Receipt:
    return find_proof(rows, "recursive", chain.second[0]).receipt


def test_a_recursive_receipt_says_that_the_anchor_leads_to_its_block(recursive: Receipt, trust: TrustRoot, chain: Branches) -> None:
    claim = verify_exported(recursive, trust)

    assert (claim.kind, claim.from_block, claim.to_block) == (
        "recursive",
        chain.chain.genesis.block_id.display(),
        chain.second[0].block_id.display(),
    )
    assert set(claim.to_json()) == {"kind", "from_block", "from_commitment", "to_block", "to_commitment", "predicate"}


def test_a_step_receipt_says_that_its_parent_leads_to_its_block(step: Receipt, trust: TrustRoot, chain: Branches) -> None:
    claim = verify_exported(step, trust)

    assert (claim.kind, claim.from_block, claim.to_block) == (
        "step",
        chain.first[2].block_id.display(),
        chain.second[0].block_id.display(),
    )


def test_a_step_under_a_replaced_key_needs_that_key(step: Receipt, trust: TrustRoot) -> None:
    key = SigningKey(b"\x05" * 32)
    signed = replace(step, proof=key.sign(step.public_values))

    with pytest.raises(PredicateNotMet):
        verify_exported(signed, trust)
    assert verify_exported(signed, trust, Predicate(PredicateKind.SCHNORR, key.public().raw)).kind == "step"


def test_a_claim_under_another_moho_predicate_is_untrusted_even_if_it_holds_there(recursive: Receipt, trust: TrustRoot) -> None:
    key = SigningKey(b"\x05" * 32)
    claim = RecursiveClaim.decode(recursive.public_values)
    own = RecursiveClaim(claim.attestation, Predicate(PredicateKind.SCHNORR, key.public().raw)).encode()

    with pytest.raises(ReceiptUntrusted, match="trusted is"):
        verify_exported(replace(recursive, public_values=own, proof=key.sign(own)), trust)


def test_a_claim_from_another_genesis_is_untrusted_even_if_the_right_key_signed_it(
    recursive: Receipt, step: Receipt, trust: TrustRoot, moho_key: SigningKey
) -> None:
    """A base case can be built at any block: the verifier must compare where it starts."""
    at = StepAttestation.decode(step.public_values)
    claim = RecursiveClaim.decode(recursive.public_values)
    for genesis in (at.before, StateAttestation(claim.attestation.genesis.reference, Hash32(bytes(32)))):
        values = RecursiveClaim(RecursiveAttestation(genesis, at.after), trust.moho_predicate).encode()
        with pytest.raises(ReceiptUntrusted, match="anchor"):
            verify_exported(replace(recursive, public_values=values, proof=moho_key.sign(values)), trust)


def test_a_step_key_signs_no_recursive_claim_and_a_moho_key_no_step(
    step: Receipt, recursive: Receipt, trust: TrustRoot, finished: Path, moho_key: SigningKey
) -> None:
    step_key = load_or_create_key(finished / "keys" / "step.key")

    with pytest.raises(PredicateNotMet):
        verify_exported(replace(recursive, proof=step_key.sign(recursive.public_values)), trust)
    with pytest.raises(PredicateNotMet):
        verify_exported(replace(step, proof=moho_key.sign(step.public_values)), trust)


def test_a_receipt_of_another_program_or_of_none_is_untrusted(step: Receipt, recursive: Receipt, trust: TrustRoot) -> None:
    for receipt, other in ((step, recursive.program_id), (recursive, step.program_id), (step, Hash32(bytes(32)))):
        with pytest.raises(ReceiptUntrusted, match="program"):
            verify_exported(replace(receipt, program_id=other), trust)
    with pytest.raises(ReceiptUntrusted, match="no program"):
        verify_exported(replace(step, program_id=None, proof_type=ProofType.GROTH16), trust)


def test_a_receipt_of_another_prover_or_form_is_untrusted_in_words_for_people(step: Receipt, recursive: Receipt, trust: TrustRoot) -> None:
    by_bb = r"expects a signed \(native\) proof, this receipt is a Barretenberg \(UltraHonk\) proof$"
    with pytest.raises(ReceiptUntrusted, match=f"^the trust file {by_bb}"):
        verify_exported(replace(step, prover=ProverKind.BARRETENBERG), trust)
    with pytest.raises(ReceiptUntrusted, match=f"^the trust file {by_bb}"):
        verify_exported(replace(recursive, prover=ProverKind.BARRETENBERG), trust)
    with pytest.raises(ReceiptUntrusted, match=f"^the given step predicate {by_bb}"):
        verify_exported(replace(step, prover=ProverKind.BARRETENBERG), trust, trust.step_predicate)
    with pytest.raises(ReceiptUntrusted, match=r"this receipt is a signed \(native\) proof in the form compressed$"):
        verify_exported(replace(step, proof_type=ProofType.COMPRESSED), trust)


@pytest.mark.parametrize("size", [0, 1, 127, 129, 131, 132])
def test_public_values_of_no_known_shape_are_refused(size: int, step: Receipt, trust: TrustRoot) -> None:
    with pytest.raises((MalformedClaim, Refused)):
        verify_exported(replace(step, public_values=bytes(size)), trust)
