"""What a store keeps of gossip at most. The specification sets no limit, and what is refused here may come again.

Why limits: a vote is only kept for known blocks, for a slot from its head's to the present one, and only until finality passes its head
(or moves at all, if the head is not above the finalized block: the specification takes such votes, too). That leaves three ways to grow a
pool without end. A validator can sign any number of different votes for a slot, and make any number of signatures of one vote.
Whoever has seen k signatures can make 2^k proofs of them without any key, and up to 4,096 encodings of each by appending zero bits.
And finality may stand still.

Rules
1. A validator has at most `VOTES_PER_SLOT` different things in a pool for one slot. An honest one has one: its key signs once a slot.
   An aggregate of a vote that is not there yet is refused only if all its participants are at that limit.
2. Of a data that has `REDUNDANT_PROOFS` proofs, only a proof that adds a voter is taken.
3. The proofs of both pools together take at most `PROOF_POOL_BYTES`, and their data are at most `PROOF_POOL_DATA`.
4. The raw votes together are at most `RAW_VOTES`.

So one key adds at most `VOTES_PER_SLOT` votes for each slot, and the slots it can choose from begin with that of the oldest known block:
rules 1 and 2 keep anybody from taking another's place in a slot, and rules 3 and 4 bound memory whatever the slots. Who has keys and
patience reaches those: then nobody's votes are taken until finality moves. Not limited: data in a block's body, eight a block, without
proofs, which a proposer had to sign.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from operator import itemgetter

from proofplane.base.errors import TryAgain
from proofplane.lean.store import Store
from proofplane.lean.types import AggregateProof, AttestationData, SignedAggregate, SignedAttestation

VOTES_PER_SLOT = 64
"""Votes for one slot by one validator: honest ones cast one, but the specification's own tests let one cast nine.
Higher values cost memory; at 1, votes would be refused that the specification counts."""

REDUNDANT_PROOFS = 64
"""Aggregators overlap, and one committee has fewer of them than this. Too low loses no vote, only choice in an aggregation round."""

PROOF_POOL_BYTES = 2**30
"""2,048 proofs of the largest size: an hour without finality at two of them a slot. Too low, and votes are lost while finality stands
still."""

PROOF_POOL_DATA = 2**16
"""Honest validators make one or two data a slot, so this is a day or more without finality. Choosing a head looks at all of them, 80 ms.
Too low has the same effect as too few bytes."""

RAW_VOTES = 2**18
"""Every validator's vote in 64 slots, 0.7 GB in the production set; an aggregation round takes them out each slot."""

_VOTER = itemgetter(0)


class PoolFull(TryAgain):
    """A valid-looking vote is not kept because its pool is at a limit: says nothing about the vote, which may come again after finality."""

    def __init__(self, limit: str, detail: str) -> None:
        """`limit` is the name of the bound."""
        super().__init__(f"{limit}: {detail}; send it again after finality has moved, or drop it")
        self.limit = limit


def check_signature_pool(store: Store, vote: SignedAttestation) -> None:
    """Raises `PoolFull` if the voter's place is taken (rule 1) or the pool is full (rule 4). A vote that is already in the pool fits."""
    pool, voter = store.attestation_signatures, vote.validator_index
    if (voter, vote.signature) in pool.get(vote.data, ()):
        return
    held = sum(list(map(_VOTER, votes)).count(voter) for data, votes in pool.items() if data.slot == vote.data.slot)
    if held >= VOTES_PER_SLOT:
        raise PoolFull("VOTES_PER_SLOT", f"validator {voter} has {held} votes for slot {vote.data.slot}")
    if sum(map(len, pool.values())) >= RAW_VOTES:
        raise PoolFull("RAW_VOTES", f"{RAW_VOTES} votes wait for an aggregation round")


def check_proof_pools(store: Store, vote: SignedAggregate) -> None:
    """Raises `PoolFull` if there is no place for an aggregate (rules 1 to 3). One that is already in a pool fits."""
    data, voters = vote.data, vote.proof.participants.mask
    pools = (store.new_payloads, store.known_payloads)
    held = {proof for pool in pools for proof in pool.get(data, ())}
    if vote.proof in held:
        return
    if not any(data in pool for pool in pools):
        if not voters & ~_at_limit(store, data):
            raise PoolFull("VOTES_PER_SLOT", f"all its voters have {VOTES_PER_SLOT} other votes for slot {data.slot}")
        if sum(map(len, pools)) >= PROOF_POOL_DATA:
            raise PoolFull("PROOF_POOL_DATA", f"the pools hold {PROOF_POOL_DATA} data")
    if len(held) >= REDUNDANT_PROOFS and not voters & ~_voters(held):
        raise PoolFull("REDUNDANT_PROOFS", f"{len(held)} proofs stand for this vote of slot {data.slot}, and it adds nobody")
    size = sum(len(proof.proof) for pool in pools for proofs in pool.values() for proof in proofs)
    if size + len(vote.proof.proof) > PROOF_POOL_BYTES:
        raise PoolFull("PROOF_POOL_BYTES", f"the proofs in the pools take {size} bytes")


def _voters(proofs: Iterable[AggregateProof]) -> int:
    """Mask of everybody who takes part in one of the proofs."""
    mask = 0
    for proof in proofs:
        mask |= proof.participants.mask
    return mask


def _at_limit(store: Store, data: AttestationData) -> int:
    """Mask of the validators that have `VOTES_PER_SLOT` other votes for the slot of `data`."""
    at_least = [0] * VOTES_PER_SLOT
    for other in {**store.known_payloads, **store.new_payloads}:
        if other.slot == data.slot:
            carry = _voters(chain(store.known_payloads.get(other, ()), store.new_payloads.get(other, ())))
            for count, mask in enumerate(at_least):
                if not carry:
                    break
                at_least[count], carry = mask | carry, mask & carry
    return at_least[-1]
