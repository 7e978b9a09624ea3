"""What a header step's receipt carries so that a circuit's proof proves the whole step, and everything about it that needs no header.

The circuit proves one thing: a header that keeps the header rules leads from one committed header state to another, and this is its hash.
A step claims more (`base.attestation`): two Moho commitments and two block ids. `hold` closes the gap by computing, from the anchor state
before the block and nothing else that it has to believe:

1. The anchor state leads, by the two Moho siblings, to the commitment that the claim starts from, and its last block is the claim's.
2. It knows headers only: a body could have changed what no circuit looked at.
3. The header state after it is the one that any valid child with the claimed id leads to (`bitcoin.rules.following`): height, ring of
   times, work, next bits and epoch all follow; only the child's time is free, and the circuit commits to it.
4. The manifest of such a block, the history with it as a leaf, and the same siblings (a header changes neither predicate nor exports)
   lead to the commitment that the claim ends at.

What is left is that a valid header with this id and time exists: who checks holds the circuit's proof, the circuit that it names and
the commitments of both header states against a verification key (`HeaderStep` has all of it).

Encoding: version u8 = 1, then the SSZ container `ssz.HeaderClaim`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum

from proofplane.anchor import ssz
from proofplane.anchor.moho import INNER_INDEX
from proofplane.anchor.state import AnchorState, header_plain, header_state_from
from proofplane.anchor.transition import after_header
from proofplane.anchor.types import Mode
from proofplane.base.attestation import StateAttestation, StepAttestation
from proofplane.base.errors import Refused
from proofplane.base.ids import MAX_HEIGHT, BlockId, Hash32
from proofplane.bitcoin.rules import HeaderState, following
from proofplane.crypto.merkle import branch_root
from proofplane.crypto.ssz import codec_of

VERSION = 1
"""First byte; another meaning of the rest takes another number."""

_CLAIM = codec_of(ssz.HeaderClaim)


class HeaderClaimReason(Enum):
    """Why a receipt's proof bytes do not carry the claimed step."""

    FORM = "form"
    MODE = "mode"
    START = "start"
    HEADER_STATE = "header state"
    END = "end"


class HeaderClaimRefused(Refused):
    """The proof bytes are malformed, or say something else than the claim; `reason` says which part."""

    def __init__(self, reason: HeaderClaimReason, text: str) -> None:
        super().__init__(f"the header step's {reason.value}: {text}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class HeaderStep:
    """A step of which everything holds that needs no header; made only by `hold`."""

    before: HeaderState
    after: HeaderState
    circuit: int
    """Number of the circuit that the proof is said to be of."""
    proof: bytes
    """The circuit's proof, `ssz.HONK_PROOF` bytes."""


def encode(circuit: int, proof: bytes, siblings: tuple[Hash32, Hash32], before: AnchorState, after: HeaderState) -> bytes:
    """The proof bytes of a header step's receipt.

    Args:
        circuit: Number of the circuit, a u8.
        proof: Its proof, `ssz.HONK_PROOF` bytes.
        siblings: `MohoState.inner_siblings` of the state before the block.
        before: The anchor state before the block.
        after: The header state after it.
    """
    return bytes([VERSION]) + _CLAIM.encode((circuit, proof, siblings, before.plain(), header_plain(after)))


def hold(claim: bytes, raw: bytes) -> HeaderStep:
    """Holds the proof bytes of a header step's receipt against its claim; see the head of the file.

    Args:
        claim: The receipt's public values: a step attestation, 128 bytes.
        raw: The receipt's proof bytes.

    Raises:
        HeaderClaimRefused: They do not carry this step.
        MalformedClaim: The claim is no step attestation.
    """
    attestation = StepAttestation.decode(claim)
    circuit, proof, siblings, before, after = _read(raw)
    if before.mode is not Mode.HEADERS_ONLY:
        raise HeaderClaimRefused(HeaderClaimReason.MODE, f"the state before it is one of {before.mode.label} mode, not of headers only")
    _compare(HeaderClaimReason.START, before, siblings, attestation.before)
    if before.block.height >= MAX_HEIGHT:
        raise HeaderClaimRefused(HeaderClaimReason.HEADER_STATE, f"no block follows height {before.block.height}")
    expected = following(before.pow, attestation.after.reference, after.window[before.pow.head])
    if after != expected:
        named = ", ".join(field.name for field in fields(after) if getattr(after, field.name) != getattr(expected, field.name))
        raise HeaderClaimRefused(HeaderClaimReason.HEADER_STATE, f"what it is after the block does not follow: {named}")
    _compare(HeaderClaimReason.END, after_header(before, after), siblings, attestation.after)
    return HeaderStep(before.pow, after, circuit, proof)


def _read(raw: bytes) -> tuple[int, bytes, tuple[Hash32, Hash32], AnchorState, HeaderState]:
    if raw[:1] != bytes([VERSION]):
        raise HeaderClaimRefused(HeaderClaimReason.FORM, f"version {raw[0] if raw else 'none'}, known is {VERSION}")
    try:
        circuit, proof, (low, high), before, after = _CLAIM.decode(raw[1:])
        return circuit, proof, (Hash32(low), Hash32(high)), AnchorState.from_plain(before), header_state_from(after)
    except Refused as error:
        raise HeaderClaimRefused(HeaderClaimReason.FORM, str(error)) from None


def _compare(reason: HeaderClaimReason, state: AnchorState, siblings: tuple[Hash32, Hash32], claimed: StateAttestation) -> None:
    commitment = branch_root(state.commitment(), INNER_INDEX, siblings)
    if (state.block.block_id, commitment) != (claimed.reference, claimed.commitment):
        found = f"{commitment.hex()[:16]} at block {BlockId(state.block.block_id)}"
        raise HeaderClaimRefused(reason, f"{found}, claimed is {claimed.commitment.hex()[:16]} at block {claimed.reference}")
