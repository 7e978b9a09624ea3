"""Values of the verifier service: what is to be verified, for whom, in which queue, and what became of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import Enum
from typing import NewType, TypeAlias

from proofplane.barretenberg.errors import ProofRefused
from proofplane.barretenberg.field import Fr
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.proofs import ChonkProof, UltraHonkProof
from proofplane.barretenberg.service.errors import NotVerified
from proofplane.barretenberg.verifier import check, check_chonk
from proofplane.base.ids import Hash32, hash32

Source = NewType("Source", str)
"""Whom a request is from, as its client chose to say; what `cancel` takes. Clients share one space of names."""

NOBODY = Source("")
"""The source of requests that nobody will cancel."""

MAX_SOURCE = 256
"""Characters of a source; it is kept as long as its request."""


_INPUT = 120
"""Bytes of memory that a public input takes: 32 in the request, the rest as a value of its own."""


class Queue(Enum):
    """Where a request waits; its value is the name on the wire."""

    RPC = "rpc"
    """Somebody waits for the answer: singly and soon."""
    GOSSIP = "gossip"
    """Throughput counts: in batches, at a fraction of the cost. For Chonk proofs only."""


@dataclass(frozen=True, slots=True, repr=False)
class UltraHonkJob:
    """An UltraHonk proof to verify."""

    key: VerificationKey
    public_inputs: tuple[Fr, ...]
    proof: UltraHonkProof
    flavor: Flavor
    digest: Hash32 = field(init=False, compare=False)
    """Names the question: equal for requests whose answer must be the same, and only for them."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", _digest(self.flavor.value, self.key.raw, b"".join(self.public_inputs), self.proof.raw))

    @property
    def size(self) -> int:
        """Bytes that it keeps while it waits."""
        return len(self.key.raw) + len(self.proof.raw) + _INPUT * len(self.public_inputs)

    def check(self) -> None:
        """Raises `ProofRefused` if sizes and counts tell that it cannot hold."""
        check(self.key, len(self.public_inputs), self.proof, self.flavor)


@dataclass(frozen=True, slots=True, repr=False)
class ChonkJob:
    """A Chonk proof to verify."""

    key: VerificationKey
    proof: ChonkProof
    digest: Hash32 = field(init=False, compare=False)
    """Names the question, as `UltraHonkJob.digest`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", _digest("chonk", self.key.raw, self.proof.raw))

    @property
    def size(self) -> int:
        """Bytes that it keeps while it waits."""
        return len(self.key.raw) + len(self.proof.raw)

    def check(self) -> None:
        """As `UltraHonkJob.check`."""
        check_chonk(self.key, self.proof)


Job: TypeAlias = UltraHonkJob | ChonkJob

Verdict: TypeAlias = ProofRefused | NotVerified | None
"""What became of a job: None if the proof holds, or the error that says why it does not, or why nobody knows."""


def _digest(name: str, *parts: bytes) -> Hash32:
    """SHA-256 of all parts, each behind its length, so that no two lists of parts are the same bytes."""
    digest = hashlib.sha256()
    for part in (name.encode(), *parts):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return hash32(digest.digest())
