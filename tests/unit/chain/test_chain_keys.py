"""Keys of a generated chain: one seed, one set of keys, each for the slots that it signs in."""

from __future__ import annotations

import pytest

from proofplane.chain.chain_keys import ChainKeys
from proofplane.crypto.xmss import TEST, Claim, SlotUsed, verify
from proofplane.lean.types import Root, Slot, ValidatorIndex

SEED = bytes(32)
MESSAGE, OTHER = Root(bytes([1]) * 32), Root(bytes([2]) * 32)


def keys(seed: bytes = SEED, validators: int = 3, slots: int = 7) -> ChainKeys:
    return ChainKeys(TEST, seed, validators, slots, lambda done: None)


def test_every_signature_holds_for_its_key_in_every_slot_that_it_may_be_asked_for() -> None:
    claims = []
    with keys() as made:
        for number in range(1, 8):
            slot = Slot(number)
            claims.append(Claim(made.propose(slot, MESSAGE)[0], slot, MESSAGE, made.propose(slot, MESSAGE)[1]))
            if number < 7:  # nobody carries the votes of the last slot
                claims += [Claim(key, slot, MESSAGE, signature) for key, signature in made.attest([ValidatorIndex(0)], slot, MESSAGE)]
    assert verify(TEST, claims, 1).count == 13


def test_keys_follow_from_the_seed_and_are_all_different() -> None:
    with keys() as one, keys() as same, keys(bytes([1]) * 32) as other:
        assert one.registry() == same.registry()
        found = [key for made in (one, other) for entry in made.registry() for key in (entry.attestation_key, entry.proposal_key)]
    assert len(set(found)) == len(found) == 12


def test_nobody_signs_two_messages_in_a_slot_but_who_equivocates_on_purpose() -> None:
    with keys() as made:
        key, _ = made.propose(Slot(2), MESSAGE)
        with pytest.raises(SlotUsed):
            made.propose(Slot(2), OTHER)
        again, signature = made.equivocate(Slot(2), OTHER)
    assert again == key
    assert verify(TEST, [Claim(key, Slot(2), OTHER, signature)], 1).count == 1


def test_an_interrupted_making_ends_its_threads() -> None:
    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ChainKeys(TEST, SEED, 3, 7, stop)
