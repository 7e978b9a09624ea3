"""A block of as many voters as one likes, with a production signature of each: more than a proof has room for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from steady_states import SLOTS, steady_state

from proofplane.base.cores import usable_cores
from proofplane.crypto.hashes import sha256
from proofplane.crypto.xmss import PROD, Claim, SigningKey
from proofplane.lean.codec import attestation_data_root
from proofplane.lean.registry import registry_of
from proofplane.lean.ssz import State
from proofplane.lean.types import Block, Registry, Validator


@dataclass(frozen=True, slots=True)
class UnpackedBlock:
    """A block whose signatures are not in a proof."""

    parent_state: State
    block: Block
    registry: Registry
    claims: tuple[Claim, ...]
    """What the block's proof would have to show, in its order."""


def unpacked_block(validators: int) -> UnpackedBlock:
    """The last block of a steady chain, in which everybody votes; every key holds the one slot that it signs in."""
    with ThreadPoolExecutor(usable_cores()) as threads:
        # The vote is cast in the slot before the block's.
        voting = list(threads.map(lambda index: _key(b"attestation", index, SLOTS - 1), range(validators)))
        proposing = _key(b"proposal", SLOTS % validators, SLOTS)
        registry = [Validator(key.public, proposing.public) for key in voting]
        state, block = steady_state(registry, validators)
        (attestation,) = block.attestations
        slot, message = attestation.data.slot, attestation_data_root(attestation.data)
        signatures = list(threads.map(lambda key: key.sign(slot, message), voting))
    claims = [Claim(key.public, slot, message, signature) for key, signature in zip(voting, signatures, strict=True)]
    claims.append(Claim(proposing.public, block.slot, block.root, proposing.sign(block.slot, block.root)))
    return UnpackedBlock(state, block, registry_of(state), tuple(claims))


def _key(purpose: bytes, index: int, slot: int) -> SigningKey:
    return SigningKey.generate(PROD, sha256(purpose + index.to_bytes(8, "little")), slot, 1)
