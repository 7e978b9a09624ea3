"""The requests that verify, packed: what the generated classes would give, field for field, of values that were checked before.

A proof's hundreds of field elements were packed when it was read: to do so here would cost as much as all the rest of a call.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from proofplane.barretenberg.field import Fr, packed
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.generated.barretenberg import (
    ChonkVerifyFromFields,
    ChonkVerifyFromFieldsResponse,
    CircuitVerify,
    CircuitVerifyResponse,
    ProofSystemSettings,
)
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.proofs import ChonkProof, UltraHonkProof
from proofplane.wire import Prepared

_encode = msgspec.msgpack.Encoder().encode


class _CircuitVerify(msgspec.Struct, frozen=True, gc=False):
    """The fields of `CircuitVerify`."""

    verification_key: bytes
    public_inputs: msgspec.Raw
    proof: msgspec.Raw
    settings: ProofSystemSettings


class _ChonkVerifyFromFields(msgspec.Struct, frozen=True, gc=False):
    """The fields of `ChonkVerifyFromFields`."""

    proof: msgspec.Raw
    vk: bytes


def circuit_verify(
    key: VerificationKey, public_inputs: Sequence[Fr], proof: UltraHonkProof, flavor: Flavor
) -> Prepared[CircuitVerifyResponse]:
    """Asks whether a proof of one circuit holds; raises `NotCanonical` for public inputs that are none of `Fr`."""
    inputs = [value if type(value) is Fr else Fr(value) for value in public_inputs]
    fields = _CircuitVerify(key.raw, msgspec.Raw(packed(inputs)), msgspec.Raw(proof.packed), flavor.settings)
    return Prepared(CircuitVerify, _encode(fields))


def chonk_verify(key: VerificationKey, proof: ChonkProof) -> Prepared[ChonkVerifyFromFieldsResponse]:
    """Asks whether a proof of a stack of circuits holds."""
    return Prepared(ChonkVerifyFromFields, _encode(_ChonkVerifyFromFields(msgspec.Raw(proof.packed), key.raw)))
