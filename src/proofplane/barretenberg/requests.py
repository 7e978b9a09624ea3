"""The requests that verify, packed: what the generated classes would give, field for field, of values that were checked before.

A proof's hundreds of field elements were packed when it was read: to do so here would cost as much as all the rest of a call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from proofplane.barretenberg.field import Fr
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
from proofplane.rpc.codec import encoder
from proofplane.wire import Message, Prepared

R = TypeVar("R", bound=Message)


@dataclass(frozen=True, slots=True)
class Checked(Prepared[R]):
    """A packed request all of whose field elements are canonical: only what is here makes one, of `Fr` and of proofs."""


_encode = encoder().encode


class _CircuitVerify(msgspec.Struct, frozen=True, gc=False):
    """The fields of `CircuitVerify`."""

    verification_key: bytes
    public_inputs: Sequence[Fr]
    proof: msgspec.Raw
    settings: ProofSystemSettings


class _ChonkVerifyFromFields(msgspec.Struct, frozen=True, gc=False):
    """The fields of `ChonkVerifyFromFields`."""

    proof: msgspec.Raw
    vk: bytes


def circuit_verify(
    key: VerificationKey, public_inputs: Sequence[Fr], proof: UltraHonkProof, flavor: Flavor
) -> Checked[CircuitVerifyResponse]:
    """Asks whether a proof of one circuit holds."""
    fields = _CircuitVerify(key.raw, public_inputs, msgspec.Raw(proof.packed), flavor.settings)
    return Checked(CircuitVerify, _encode(fields))


def chonk_verify(key: VerificationKey, proof: ChonkProof) -> Checked[ChonkVerifyFromFieldsResponse]:
    """Asks whether a proof of a stack of circuits holds."""
    return Checked(ChonkVerifyFromFields, _encode(_ChonkVerifyFromFields(msgspec.Raw(proof.packed), key.raw)))
