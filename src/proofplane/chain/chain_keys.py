"""Keys and signatures of the validators of a chain for tests: all of them follow from one seed, so such a chain is worth nothing.

Every key holds just the window of slots that it signs in. Leaves and signatures are computed without the GIL, on all cores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

from proofplane.base.cores import usable_cores
from proofplane.crypto.hashes import tagged_hash
from proofplane.crypto.xmss import Scheme, SigningKey
from proofplane.lean.clock import proposer_of
from proofplane.lean.types import Root, Slot, Validator, ValidatorIndex

T = TypeVar("T")
U = TypeVar("U")

_SEED_TAG = "proofplane/lean-chain"


class ChainKeys:
    """The keys of all validators for the slots 1 to `slots`; a context manager that ends its threads."""

    def __init__(self, scheme: Scheme, seed: bytes, validators: int, slots: int, told: Callable[[int], None]) -> None:
        """Makes two keys for each validator; `told` hears how many validators have theirs."""
        self._scheme = scheme
        self._seed = seed
        self._slots = slots
        self._validators = validators
        self._threads = ThreadPoolExecutor(usable_cores(), thread_name_prefix="keys")
        try:
            self._keys = []
            for pair in self._threads.map(self._pair, range(validators)):
                self._keys.append(pair)
                told(len(self._keys))
        except BaseException:
            self._threads.shutdown(cancel_futures=True)
            raise

    def registry(self) -> list[Validator]:
        """The validators, in order."""
        return [Validator(attestation.public, proposal.public) for attestation, proposal in self._keys]

    def attest(self, voters: Iterable[ValidatorIndex], slot: Slot, message: Root) -> list[tuple[bytes, bytes]]:
        """Key and signature of each voter over a vote's data root; raises `SlotUsed` if one has voted for something else in this slot."""
        return self._all(lambda voter: self._signed(self._keys[voter][0], slot, message), voters)

    def propose(self, slot: Slot, message: Root) -> tuple[bytes, bytes]:
        """Key and signature of the slot's proposer over a block root; raises `SlotUsed` if it has signed another block."""
        return self._signed(self._keys[proposer_of(slot, self._validators)][1], slot, message)

    def equivocate(self, slot: Slot, message: Root) -> tuple[bytes, bytes]:
        """The same with a copy of the key that does not know what it has signed: for blocks that must be refused for another reason."""
        proposer = proposer_of(slot, self._validators)
        return self._signed(self._proposal_key(proposer), slot, message)

    def __enter__(self) -> ChainKeys:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._threads.shutdown(cancel_futures=True)

    def _all(self, work: Callable[[T], U], items: Iterable[T]) -> list[U]:
        return list(self._threads.map(work, items))

    def _pair(self, index: int) -> tuple[SigningKey, SigningKey]:
        voting = max(1, self._slots - 1)  # nobody carries the votes of the last slot
        attestation = SigningKey.generate(self._scheme, self._key_seed(b"attestation", index), 1, voting)
        return attestation, self._proposal_key(ValidatorIndex(index))

    def _proposal_key(self, index: ValidatorIndex) -> SigningKey:
        """From the first to the last slot that it proposes in; one that never does has a key all the same."""
        first = min(index or self._validators, self._scheme.lifetime - 1)
        last = max(first, self._slots - (self._slots - index) % self._validators)
        return SigningKey.generate(self._scheme, self._key_seed(b"proposal", index), first, last - first + 1)

    def _key_seed(self, purpose: bytes, index: int) -> bytes:
        return tagged_hash(_SEED_TAG, self._seed + purpose + index.to_bytes(8, "little"))

    @staticmethod
    def _signed(key: SigningKey, slot: Slot, message: Root) -> tuple[bytes, bytes]:
        return key.public, key.sign(slot, message)
