"""Aux data: what a block's transition asks of the chain before it, with proofs; kept per block, because a prover needs the same witness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated

import msgspec

from proofplane.base.errors import Refused
from proofplane.base.ids import HASH_SIZE, Hash32, Height
from proofplane.crypto.merkle import InvalidMerkleProof
from proofplane.crypto.mmr import Mmr


class AuxFault(Enum):
    """What is wrong with aux data."""

    MALFORMED = "malformed"
    """The bytes are no aux data."""
    NOT_AS_REQUESTED = "not as requested"
    """Its heights are not exactly the requested ones, ascending."""
    WRONG_PROOF = "wrong proof"
    """A leaf is not in the history before the block."""


class AuxRefused(Refused):
    """Aux data that does not answer a block's requests; `fault` says why."""

    def __init__(self, fault: AuxFault, reason: str) -> None:
        super().__init__(fault, reason)
        self.fault = fault
        self.reason = reason

    def __str__(self) -> str:
        return f"aux data {self.fault.value}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ManifestProof:
    """A leaf of the history, with its proof."""

    height: Height
    manifest_hash: Hash32
    siblings: tuple[Hash32, ...]
    """Lowest first, up to the peak that the leaf is under."""


@dataclass(frozen=True, slots=True)
class AuxData:
    """The answers to a block's requests, ascending by height."""

    manifests: tuple[ManifestProof, ...] = ()

    def encode(self) -> bytes:
        """msgpack: a list of [height, manifest hash, siblings]."""
        return msgspec.msgpack.encode([(proof.height, proof.manifest_hash, proof.siblings) for proof in self.manifests])

    @classmethod
    def decode(cls, raw: bytes) -> AuxData:
        """Reads `encode()`; raises `AuxRefused`."""
        try:
            read = _DECODER.decode(raw)
        except msgspec.MsgspecError as error:
            raise AuxRefused(AuxFault.MALFORMED, str(error)) from None
        proofs = [ManifestProof(Height(height), Hash32(leaf), tuple(map(Hash32, siblings))) for height, leaf, siblings in read]
        return cls(tuple(proofs))

    def verify(self, requests: Sequence[Height], history: Mmr) -> dict[Height, Hash32]:
        """The requested manifest hashes, every one proven in `history`; raises `AuxRefused`.

        Exactly the requests are answered, so nobody who provides the data can leave one out and change what the block does.
        """
        heights = [proof.height for proof in self.manifests]
        if heights != list(requests):
            raise AuxRefused(AuxFault.NOT_AS_REQUESTED, f"the block asks for the heights {list(requests)}, not {heights}")
        for proof in self.manifests:
            try:
                history.verify(proof.manifest_hash, proof.height, proof.siblings)
            except InvalidMerkleProof as error:
                raise AuxRefused(AuxFault.WRONG_PROOF, f"the manifest at height {proof.height}: {error}") from None
        return {proof.height: proof.manifest_hash for proof in self.manifests}


_Digest = Annotated[bytes, msgspec.Meta(min_length=HASH_SIZE, max_length=HASH_SIZE)]
_MAX_SIBLINGS = 64  # a history has no more peaks
_Siblings = Annotated[list[_Digest], msgspec.Meta(max_length=_MAX_SIBLINGS)]
_DECODER = msgspec.msgpack.Decoder(list[tuple[Annotated[int, msgspec.Meta(ge=0, lt=2**32)], _Digest, _Siblings]])
