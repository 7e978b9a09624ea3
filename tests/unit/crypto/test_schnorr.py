"""Unit tests of `proofplane.crypto.schnorr` on BIP-340's vectors and the native attestation's known answers."""

import pickle

import pytest
from coincurve import PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from kit import bip340
from proofplane.crypto.hashes import sha256
from proofplane.crypto.schnorr import InvalidSignature, MalformedDigest, MalformedKey, SigningFailed, SigningKey, XOnlyKey

SECRET = b"\x01" * 32
KEY = SigningKey(SECRET)
PUBLIC = "1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f"
SIGNATURE = bytes.fromhex(
    "7753a7f961e09137af0bb4444d179e195775f6d42f3ca4ee59e713798a3b61157d9e12a9f95c3f1ca786cbac90788be8dd8f19d2163cce3f11d3091292a9cf3d"
)
ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141


def test_the_known_secret_has_the_known_public_key() -> None:
    assert KEY.public().raw.hex() == PUBLIC


def test_the_known_message_has_the_known_signature() -> None:
    assert KEY.sign(bytes(128)) == SIGNATURE
    KEY.public().verify(bytes(128), SIGNATURE)


def test_vector_0_of_bip_340_is_reproduced() -> None:
    key = SigningKey(bytes(31) + b"\x03")
    expected = bytes.fromhex(
        "e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca821525f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0"
    )
    assert key.public().raw.hex() == "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"
    assert key.sign_digest(bytes(32)) == expected
    key.public().verify_digest(bytes(32), expected)


@given(st.integers(1, ORDER - 1), st.binary(max_size=300))
def test_what_a_key_signs_its_public_key_verifies(secret: int, message: bytes) -> None:
    key = SigningKey(secret.to_bytes(32, "big"))
    signature = key.sign(message)
    assert signature == key.sign_digest(sha256(message))
    XOnlyKey(key.public().raw).verify(message, signature)


def holds(key: bytes, digest: bytes, signature: bytes) -> bool:
    """What the library says."""
    try:
        XOnlyKey(key).verify_digest(digest, signature)
    except (MalformedKey, InvalidSignature):
        return False
    return True


SECRETS = st.integers(1, ORDER - 1) | st.integers(1, 5) | st.integers(ORDER - 5, ORDER - 1)
DIGESTS = st.binary(min_size=32, max_size=32)
EDGES = (0, 1, ORDER - 1, ORDER, bip340.FIELD - 1, bip340.FIELD, 2**256 - 1)


@given(SECRETS, DIGESTS)
@settings(max_examples=8, deadline=None)
def test_it_signs_as_bip_340_in_plain_python_does_and_each_accepts_the_others(secret: int, digest: bytes) -> None:
    key = SigningKey(secret.to_bytes(32, "big"))
    signature = bip340.sign(secret, digest, bytes(32))
    assert (key.public().raw, key.sign_digest(digest)) == (bip340.public_key(secret), signature)
    assert bip340.verify(key.public().raw, digest, signature)
    other = bip340.sign(secret, digest, b"\x01" * 32)  # of other randomness
    assert other != signature
    assert holds(key.public().raw, digest, other)


@given(st.data(), SECRETS, DIGESTS)
@settings(max_examples=25, deadline=None)
def test_it_refuses_what_bip_340_in_plain_python_refuses(data: st.DataObject, secret: int, digest: bytes) -> None:
    key = bip340.public_key(secret)
    signed = key + digest + SigningKey(secret.to_bytes(32, "big")).sign_digest(digest)
    part = data.draw(st.integers(0, 3), "which 32 bytes: key, digest, r, s")
    old = int.from_bytes(signed[32 * part : 32 * part + 32], "big")
    new = data.draw(
        st.integers(0, 255).map(lambda bit: old ^ 1 << bit)
        | st.sampled_from([*EDGES, ORDER - old if old < ORDER else old, (old + ORDER) % 2**256, (old + bip340.FIELD) % 2**256])
        | st.integers(0, 2**256 - 1),
        "what is there instead",
    )
    changed = signed[: 32 * part] + new.to_bytes(32, "big") + signed[32 * part + 32 :]
    verdict = bip340.verify(changed[:32], changed[32:64], changed[64:])
    assert verdict == (new == old)
    assert holds(changed[:32], changed[32:64], changed[64:]) == verdict


@given(SECRETS, SECRETS, DIGESTS)
@settings(max_examples=6, deadline=None)
def test_a_signature_whose_point_has_odd_y_or_is_infinite_is_refused_by_both(secret: int, nonce: int, digest: bytes) -> None:
    key = bip340.public_key(secret)
    r = bip340.public_key(nonce)
    signer, even = bip340.even(secret)[0], bip340.even(nonce)[0]
    challenge = bip340.challenge(r, key, digest)
    for scalar, verdict in ((even, True), (ORDER - even, False), (0, False)):
        signature = r + ((scalar + challenge * signer) % ORDER).to_bytes(32, "big")
        assert (bip340.verify(key, digest, signature), holds(key, digest, signature)) == (verdict, verdict)


@given(st.integers(0, 511))
def test_a_signature_with_any_bit_flipped_is_refused(bit: int) -> None:
    damaged = bytearray(SIGNATURE)
    damaged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidSignature):
        KEY.public().verify(bytes(128), bytes(damaged))


def test_a_signature_holds_for_no_other_message_or_key() -> None:
    with pytest.raises(InvalidSignature):
        KEY.public().verify(bytes(127), SIGNATURE)
    with pytest.raises(InvalidSignature):
        SigningKey(b"\x02" * 32).public().verify(bytes(128), SIGNATURE)


@pytest.mark.parametrize("size", [0, 63, 65])
def test_a_signature_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(InvalidSignature, match="64 bytes"):
        KEY.public().verify(bytes(128), (SIGNATURE + b"\0")[:size])


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_digest_of_another_length_is_the_callers_mistake(size: int) -> None:
    with pytest.raises(MalformedDigest):
        KEY.sign_digest(bytes(size))
    with pytest.raises(MalformedDigest):
        KEY.public().verify_digest(bytes(size), SIGNATURE)


@pytest.mark.parametrize("secret", [b"", bytes(31), SECRET + b"\1", b"\1", bytes(32), ORDER.to_bytes(32, "big"), b"\xff" * 32])
def test_a_secret_out_of_range_or_of_another_length_is_refused(secret: bytes) -> None:
    with pytest.raises(MalformedKey):
        SigningKey(secret)


@pytest.mark.parametrize("raw", [b"", bytes(31), bytes(33), bytes(32), b"\xff" * 32, bytes(31) + b"\x05"])
def test_a_public_key_off_the_curve_or_of_another_length_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedKey):
        XOnlyKey(raw)


def test_no_text_form_shows_the_secret() -> None:
    assert repr(KEY) == str(KEY) == f"{KEY}" == f"SigningKey(public={PUBLIC})"
    with pytest.raises(MalformedKey) as caught:
        SigningKey(b"\xee" * 33)
    assert "ee" * 4 not in str(caught.value)


def test_a_secret_is_not_pickled_but_a_public_key_is() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(KEY)
    copy = pickle.loads(pickle.dumps(KEY.public()))
    assert copy == KEY.public()
    copy.verify(bytes(128), SIGNATURE)


def test_a_revealed_secret_makes_the_same_key() -> None:
    assert KEY.reveal() == SECRET


def test_generated_keys_differ() -> None:
    assert len({SigningKey.generate().public() for _ in range(8)}) == 8


def test_public_keys_are_equal_by_their_bytes() -> None:
    assert XOnlyKey(bytes.fromhex(PUBLIC)) == KEY.public()
    assert hash(XOnlyKey(bytes.fromhex(PUBLIC))) == hash(KEY.public())
    assert KEY.public() != bytes.fromhex(PUBLIC)
    assert repr(KEY.public()) == f"XOnlyKey({PUBLIC})"


def test_any_bytes_like_form_is_taken() -> None:
    XOnlyKey(bytearray.fromhex(PUBLIC)).verify_digest(bytearray(sha256(bytes(128))), memoryview(SIGNATURE))


def test_a_failure_of_the_library_is_ours_and_not_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise ValueError("Invalid signature")

    monkeypatch.setattr(PrivateKey, "sign_schnorr", fail)
    with pytest.raises(SigningFailed, match="Invalid signature"):
        KEY.sign(b"")
