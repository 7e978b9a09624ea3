"""Header steps on invented blocks: whatever needs no header is right, so that all but a circuit's proof can be tested on them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from proofplane.anchor import ssz
from proofplane.anchor.header_claim import encode
from proofplane.anchor.moho import MohoState, genesis_moho
from proofplane.anchor.state import AnchorState, genesis_state
from proofplane.anchor.transition import after_header
from proofplane.anchor.types import AnchorParams, Mode
from proofplane.base.attestation import StateAttestation, StepAttestation
from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.bitcoin.networks import Network
from proofplane.bitcoin.rules import HeaderState, following
from proofplane.bitcoin.sps50 import TEST_MAGIC
from proofplane.crypto.hashes import sha256

PREDICATE = Predicate(PredicateKind.ULTRA_HONK, bytes(range(64)))
PROOF = bytes(range(32)) * (ssz.HONK_PROOF // 32)
CHILD = BlockId(sha256(b"child"))
TIME = 1_260_000_000


@dataclass(frozen=True)
class Step:
    """One step, honest unless changed; `claim` is always the claim of what it says."""

    before: AnchorState
    after: HeaderState
    moho: MohoState
    circuit: int = 0
    proof: bytes = PROOF

    @property
    def raw(self) -> bytes:
        """The receipt's proof bytes."""
        return encode(self.circuit, self.proof, self.moho.inner_siblings(), self.before, self.after)

    @property
    def claim(self) -> bytes:
        """The claim that fits."""
        end = after_header(self.before, self.after)
        moho = replace(self.moho, inner=end.commitment())
        before = StateAttestation(self.before.block.block_id, self.moho.commitment())
        return StepAttestation(before, StateAttestation(end.block.block_id, moho.commitment())).encode()


def step_at(height: int, network: Network = Network.MAINNET) -> Step:
    """A step on an invented anchor at `height`, whose child has an invented id and time: no header is needed for what is tested here."""
    anchor = BlockCommitment(Height(height), BlockId(sha256(b"anchor")))
    bits = 0x1B04864C if network is Network.MAINNET else 0x207FFFFF
    params = AnchorParams(network, Mode.HEADERS_ONLY, TEST_MAGIC, anchor, bits, TIME - 900_000)
    before = genesis_state(params)
    return Step(before, following(before.pow, CHILD, TIME), genesis_moho(before.commitment(), PREDICATE))
