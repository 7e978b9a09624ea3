"""BIP-340 Schnorr keys and signatures over secp256k1, the native prover's attestation and the quorum's votes.

A signature over a message is made over SHA256(message) with 32 zero bytes of auxiliary randomness, so it is deterministic;
`sign_digest` and `verify_digest` take the 32 bytes as they are, for messages that are tagged hashes already.
"""

from __future__ import annotations

from typing import NoReturn

from coincurve import PrivateKey, PublicKeyXOnly

from proofplane.base.errors import Broken, CallerMistake, Refused
from proofplane.crypto.hashes import sha256

SECRET_SIZE = 32
"""Bytes of a secret key."""

KEY_SIZE = 32
"""Bytes of an x-only public key."""

SIGNATURE_SIZE = 64
"""Bytes of a signature."""

DIGEST_SIZE = 32
"""Bytes that BIP-340 signs here."""

_NO_AUXILIARY = bytes(32)
"""BIP-340's auxiliary randomness; other bytes would give other, equally valid signatures that no known answer matches."""


class MalformedKey(CallerMistake):
    """Bytes that are no secret key (1 to the group order - 1) or no x-only public key (x of a point on the curve)."""


class MalformedDigest(CallerMistake):
    """A digest to sign or verify that is not 32 bytes long."""


class InvalidSignature(Refused):
    """The signature does not hold for this key and message."""


class SigningFailed(Broken):
    """The library could not sign, or made a signature that does not verify (it checks its own work)."""


class XOnlyKey:
    """A public key; immutable, equal by its bytes, parsed once."""

    __slots__ = ("_parsed", "raw")

    raw: bytes
    """32 bytes, x big-endian; the point is the one with even y."""

    def __init__(self, raw: bytes) -> None:
        """Raises `MalformedKey` unless `raw` is 32 bytes and the x of a point on the curve."""
        if len(raw) != KEY_SIZE:
            raise MalformedKey(f"an x-only key has {KEY_SIZE} bytes, not {len(raw)}")
        self.raw = bytes(raw)
        try:
            self._parsed = PublicKeyXOnly(self.raw)
        except ValueError:
            raise MalformedKey(f"no point of the curve has x = {self.raw.hex()}") from None

    def verify(self, message: bytes, signature: bytes) -> None:
        """Checks a signature over SHA256(`message`); raises `InvalidSignature` unless it holds."""
        self.verify_digest(sha256(message), signature)

    def verify_digest(self, digest: bytes, signature: bytes) -> None:
        """Checks a signature over the 32 bytes of `digest`.

        Raises:
            InvalidSignature: It does not hold, or is not 64 bytes long.
            MalformedDigest: `digest` is not 32 bytes long.
        """
        _check_digest(digest)
        if len(signature) != SIGNATURE_SIZE:
            raise InvalidSignature(f"a signature has {SIGNATURE_SIZE} bytes, not {len(signature)}")
        if not self._parsed.verify(bytes(signature), bytes(digest)):
            raise InvalidSignature(f"the signature does not hold under key {self.raw.hex()}")

    def __eq__(self, other: object) -> bool:
        return self.raw == other.raw if isinstance(other, XOnlyKey) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.raw)

    def __reduce__(self) -> tuple[type[XOnlyKey], tuple[bytes]]:
        return XOnlyKey, (self.raw,)

    def __repr__(self) -> str:
        return f"XOnlyKey({self.raw.hex()})"


class SigningKey:
    """A secret key; its representation names only the public key, and it refuses to be pickled."""

    __slots__ = ("_private", "_public")

    def __init__(self, secret: bytes) -> None:
        """Raises `MalformedKey` unless `secret` is 32 bytes, big-endian 1 to the group order - 1; the error does not show it."""
        if len(secret) != SECRET_SIZE:
            raise MalformedKey(f"a secret key has {SECRET_SIZE} bytes, not {len(secret)}")
        try:
            self._private = PrivateKey(bytes(secret))
        except ValueError:
            raise MalformedKey("a secret key is not 0 and is below the order of the group") from None
        self._public = XOnlyKey(self._private.public_key_xonly.format())

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key from the operating system's randomness."""
        return cls(PrivateKey().secret)

    def public(self) -> XOnlyKey:
        """The public key."""
        return self._public

    def reveal(self) -> bytes:
        """The secret, 32 bytes: for the key file and for the pipe to a prover process, never for a log or an error."""
        return self._private.secret

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature over SHA256(`message`); raises `SigningFailed` if the library failed."""
        return self.sign_digest(sha256(message))

    def sign_digest(self, digest: bytes) -> bytes:
        """The 64-byte signature over `digest`.

        Raises:
            MalformedDigest: `digest` is not 32 bytes long.
            SigningFailed: The library failed.
        """
        _check_digest(digest)
        try:
            return self._private.sign_schnorr(bytes(digest), _NO_AUXILIARY)
        except ValueError as error:
            raise SigningFailed(f"signing with key {self._public.raw.hex()}: {error}") from None

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signing key is not pickled: hand over reveal() where a secret may go")

    def __repr__(self) -> str:
        return f"SigningKey(public={self._public.raw.hex()})"


def _check_digest(digest: bytes) -> None:
    if len(digest) != DIGEST_SIZE:
        raise MalformedDigest(f"a digest has {DIGEST_SIZE} bytes, not {len(digest)}")
