"""Runners of the three families that check signatures: verify_signatures and verify_{single,multi}_message_proofs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from proofplane.chain.vectors.fields import Fields, hex_bytes, numbers_of, root_of, typed
from proofplane.chain.vectors.json_forms import attestation_data_of, plain, ssz_bytes, state_of
from proofplane.chain.vectors.types import Case, compare, verdict_of
from proofplane.lean import ssz
from proofplane.lean.codec import attestation_data_root, decode_signed_block
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.proof import Component, ProofInvalid, verify_block
from proofplane.lean.registry import registry_of
from proofplane.lean.signature_list import SignatureList
from proofplane.lean.types import Root, Slot


def run_verify_signatures(vector: Fields, case: Case) -> None:
    """A block's proof against the anchor state's registry."""
    registry = registry_of(state_of(vector.take("anchorState"), "anchorState"))
    signed = decode_signed_block(ssz_bytes(ssz.SignedBlock, vector.take("signedBlock"), "signedBlock"))
    with verdict_of(case.reason):
        verify_block(signed, registry, SignatureList(case.scheme), case.mode.threads)


def run_verify_single(vector: Fields, case: Case) -> None:
    """A proof of one message."""
    described = _described(vector.take("attestationData"), vector.take("aggregationBits"), "attestationData")
    keys = _keys(vector.take("publicKeys"), "publicKeys")
    component = Component(keys, vector.root("message"), Slot(vector.number("slot")))
    proof = plain(ssz.Proof, vector.take("proof"), "proof")
    if case.reason is None:
        _check_described([described], [component])
    with verdict_of(case.reason), _failure_is_invalid_signature():
        SignatureList(case.scheme).verify_single(component, proof, case.mode.threads)


def run_verify_multi(vector: Fields, case: Case) -> None:
    """A proof of many messages; lists of different length make it invalid, not unreadable."""
    data, bits = vector.items("attestationDataPerMessage"), vector.items("aggregationBitsPerMessage")
    compare("the number of aggregationBits", len(bits), len(data))
    described = [_described(*one, f"attestationDataPerMessage[{at}]") for at, one in enumerate(zip(data, bits, strict=True))]
    keys = [_keys(value, f"publicKeysPerMessage[{at}]") for at, value in enumerate(vector.items("publicKeysPerMessage"))]
    messages = [root_of(value, f"messages[{at}]") for at, value in enumerate(vector.items("messages"))]
    slots = [Slot(slot) for slot in numbers_of(vector.take("slots"), "slots")]
    proof = plain(ssz.Proof, vector.take("proof"), "proof")
    with verdict_of(case.reason), _failure_is_invalid_signature():
        if not len(keys) == len(messages) == len(slots):
            raise ProofInvalid(f"{len(keys)} sets of keys, {len(messages)} messages, {len(slots)} slots")
        components = [Component(*one) for one in zip(keys, messages, slots, strict=True)]
        if case.reason is None:
            _check_described(described, components)
        SignatureList(case.scheme).verify_multi(components, proof, case.mode.threads)


def _described(data: object, bits: object, where: str) -> tuple[Root, Slot, int]:
    """Message, slot and number of signers, as the vector's readable part tells them."""
    read = attestation_data_of(data, where)
    mask, _ = plain(ssz.AggregationBits, bits, where)
    return attestation_data_root(read), read.slot, mask.bit_count()


def _check_described(described: list[tuple[Root, Slot, int]], components: list[Component]) -> None:
    """An honest vector's readable part says the same as what is verified; one that must fail was tampered with in one of the two."""
    compare("what attestationData describes", described, [(one.message, one.slot, len(one.keys)) for one in components])


def _keys(value: object, where: str) -> tuple[bytes, ...]:
    return tuple([hex_bytes(key, f"{where}[{at}]") for at, key in enumerate(typed(value, list, where))])


@contextmanager
def _failure_is_invalid_signature() -> Iterator[None]:
    """Outside of blocks, the vectors call any failing proof INVALID_SIGNATURE."""
    try:
        yield
    except ProofInvalid as invalid:
        raise Rejected(Reason.INVALID_SIGNATURE, invalid.detail) from None
