"""Unit tests of `proofplane.crypto.hashes` on published digests."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from proofplane.crypto.hashes import sha256, sha256d, tagged_hash


def test_sha256_of_abc_is_the_digest_of_fips_180() -> None:
    assert sha256(b"abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_sha256d_hashes_twice() -> None:
    assert sha256d(b"hello").hex() == "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50"


def test_tagged_hash_of_the_empty_challenge_is_fixed() -> None:
    prefix = bytes.fromhex("7bb52d7a9fef58323eb1bf7a407db382d2f3f2d81bb1224f49fe518f6d48d37c") * 2
    assert tagged_hash("BIP0340/challenge", b"") == sha256(prefix)


@given(st.text(max_size=20), st.binary(max_size=100))
def test_tagged_hash_is_the_hash_behind_two_digests_of_the_tag(tag: str, data: bytes) -> None:
    digest = hashlib.sha256(tag.encode()).digest()
    assert tagged_hash(tag, data) == hashlib.sha256(digest + digest + data).digest()


def test_other_tags_give_other_hashes_of_the_same_data() -> None:
    assert len({tagged_hash(tag, b"data") for tag in ("node", "leaf", "")} | {sha256(b"data")}) == 4
