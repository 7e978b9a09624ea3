"""A key is named by its exact bytes; another form of the same key is no key."""

from __future__ import annotations

import hashlib

import pytest

from proofplane.barretenberg.errors import MalformedKey
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.known_good import known_good

RAW = known_good().verification_key


def test_a_key_tells_its_hash_and_what_it_is_for() -> None:
    key = VerificationKey(RAW)
    assert key.sha256 == hashlib.sha256(RAW).digest()
    assert (key.log_size, key.public_inputs) == (5, 9)
    assert repr(key) == f"VerificationKey({key.sha256.hex()})"


@pytest.mark.parametrize("size", [0, 1, 32, 1887, 3648, 3681, 5215, 40_000])
def test_bytes_of_no_keys_length_are_no_key(size: int) -> None:
    with pytest.raises(MalformedKey, match=f"not {size}"):
        VerificationKey((RAW * 20)[:size])


@pytest.mark.parametrize("place", [place for place in range(96) if place % 32 < 24])
def test_a_flipped_bit_that_bb_does_not_read_is_another_form_and_no_key(place: int) -> None:
    raw = bytearray(RAW)
    raw[place] ^= 1
    with pytest.raises(MalformedKey, match="not read"):
        VerificationKey(bytes(raw))


@pytest.mark.parametrize("log_size", [0, 31, 2**63])
def test_a_key_of_a_circuit_that_nobody_can_prove_is_no_key(log_size: int) -> None:
    with pytest.raises(MalformedKey, match="rows"):
        VerificationKey(log_size.to_bytes(32, "big") + RAW[32:])
