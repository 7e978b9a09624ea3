"""XMSS over KoalaBear: verification of whole batches, and sparse keys that sign for test networks.

A slot number says which one-time key of a validator's key signs. The work is done in Rust without the GIL, one call for a batch.
Source: eprint 2025/055 (generalised XMSS), eprint 2026/016 (target-sum encoding); parameters and encodings of leanSpec 43246bd6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, NoReturn

from proofplane import _native
from proofplane.base.errors import Broken, CallerMistake, NeverAgain, Refused

PUBLIC_KEY_SIZE = 52
"""Bytes of a public key: root (8 elements), parameter (5 elements)."""

MESSAGE_SIZE = 32
"""Bytes that are signed."""

SEED_SIZE = 32
"""Bytes of a signing key's seed."""

MAX_WINDOW = _native.XMSS_LARGEST_WINDOW
"""Slots that a signing key may hold: in the production set they take five seconds to make, and 4 MiB."""

_OFFSETS_AND_RHO_SIZE = 40
"""Bytes of a signature before its siblings: three SSZ offsets and the 7 elements of rho."""

_DIGEST_SIZE = 32
"""Bytes of 8 elements: a sibling, a chain value."""


class WrongSize(CallerMistake):
    """A key, message or seed of another length than these have, a slot beyond u64, or no thread to work on."""


class OutsideWindow(CallerMistake):
    """A slot that the signing key does not hold, or a window that is empty, too large or beyond the scheme's lifetime."""


class SlotUsed(CallerMistake):
    """The key has signed another message in this slot; two signatures of one slot give the key away."""


class NoEncoding(NeverAgain):
    """No attempt encoded the message; meets one in 10^47."""


class KernelFailed(Broken):
    """The native code failed under us: that says nothing about the signatures."""


class InvalidSignature(Refused):
    """A signature of a batch does not hold; `index` is the first such one."""

    def __init__(self, index: int, of: int) -> None:
        super().__init__(f"signature {index} of {of} does not hold")
        self.index = index


@dataclass(frozen=True, slots=True)
class Scheme:
    """A parameter set; what all sets share (chains of 8 values, digests of 8 elements) is not in it."""

    name: str
    log_lifetime: int
    """Height of the tree; a key has two to this power slots."""
    dimension: int
    """Chains of a one-time key."""
    target_sum: int
    """Sum of the digits of every encoded message."""

    @property
    def lifetime(self) -> int:
        """Slots of a key."""
        return 1 << self.log_lifetime

    @property
    def signature_size(self) -> int:
        """Bytes of every signature."""
        return _OFFSETS_AND_RHO_SIZE + _DIGEST_SIZE * (self.log_lifetime + self.dimension)


PROD = Scheme("prod", log_lifetime=32, dimension=46, target_sum=200)
TEST = Scheme("test", log_lifetime=8, dimension=4, target_sum=6)
"""Small and insecure: for vectors and tests."""

SCHEMES: Mapping[str, Scheme] = MappingProxyType({scheme.name: scheme for scheme in (PROD, TEST)})
"""The parameter sets by name."""


class Claim(NamedTuple):
    """That a key signed a message in a slot; a named tuple, because blocks bring hundreds and a dataclass takes twice as long to make."""

    key: bytes
    """52 bytes; elements beyond the modulus make the claim false."""
    slot: int
    """u64; one beyond the lifetime makes the claim false."""
    message: bytes
    """32 bytes."""
    signature: bytes
    """Anything; a wrong length or an element beyond the modulus makes the claim false."""


class Run(NamedTuple):
    """Entries one after the other in a buffer, all of which sign the same message in the same slot."""

    message: bytes
    """32 bytes."""
    slot: int
    """u64."""
    start: int
    """Offset of the first entry, bytes."""
    entries: int


@dataclass(frozen=True, slots=True)
class Span:
    """When a thread worked: nanoseconds of `time.perf_counter_ns`."""

    thread: int
    """Numbered from 0 within one call."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Verified:
    """Every claim of a batch is true; made only by `verify`."""

    count: int
    spans: tuple[Span, ...]
    """What each verifying thread did."""


def verify(scheme: Scheme, claims: Sequence[Claim], threads: int = 1) -> Verified:
    """Checks all claims at once on up to `threads` threads, without the GIL.

    Memory: a chunk's for each thread, and some hundred bytes a claim.

    Raises:
        InvalidSignature: A claim is false; `index` is that of the first, whatever the number of threads.
        WrongSize: A key has not 52 bytes, a message not 32, a slot is no u64, or `threads` is below 1.
        KernelFailed: It could not be found out.
    """
    if not claims:
        return Verified(0, ())
    keys, slots, messages, signatures = zip(*claims, strict=True)
    return _verified(len(claims), lambda: _native.xmss_verify(scheme.name, keys, slots, messages, signatures, threads))


def verify_packed(scheme: Scheme, data: bytes, runs: Sequence[Run], stride: int, threads: int = 1) -> Verified:
    """As `verify`, for signatures that lie in one buffer, of which nothing is copied.

    Args:
        scheme: Of all signatures.
        data: Holds the entries of `stride` bytes each: the key first, the signature last.
        runs: Which entries, and what they sign; a failing index counts through all runs.
        stride: Bytes from one entry to the next.
        threads: At most so many.

    Raises:
        InvalidSignature, KernelFailed: As `verify`.
        WrongSize: A run reaches beyond `data`, an entry has no room for key and signature, and as `verify`.
    """
    return _verified(sum(run.entries for run in runs), lambda: _native.xmss_verify_packed(scheme.name, data, runs, stride, threads))


def _verified(count: int, checked: Callable[[], tuple[int | None, list[tuple[int, int, int]]]]) -> Verified:
    try:
        failed, spans = checked()
    except (ValueError, OverflowError) as error:
        raise WrongSize(str(error)) from None
    except RuntimeError as error:
        raise KernelFailed(str(error)) from None
    if failed is not None:
        raise InvalidSignature(failed, count)
    return Verified(count, tuple([Span(*span) for span in spans]))


class SigningKey:
    """A sparse key: a window of real one-time keys, above which the tree is made up. To a verifier it is like any other.

    One object signs one message a slot. It remembers that only while it lives, so it is for test networks alone; whoever wants
    two signatures of one slot (a forger in a test) takes a second object of the same seed.
    """

    __slots__ = ("_key", "_signed", "scheme")

    def __init__(self, scheme: Scheme, key: _native.XmssKey) -> None:
        """Takes over `key`; `generate` is the way to make one."""
        self.scheme = scheme
        self._key = key
        self._signed: dict[int, bytes] = {}  # bounded by the window

    @classmethod
    def generate(cls, scheme: Scheme, seed: bytes, first_slot: int, slots: int) -> SigningKey:
        """The key of a 32-byte seed whose window holds `first_slot` and the `slots` - 1 slots after it.

        The window is the smallest aligned power of two around these; all of its leaves are computed, without the GIL.

        Raises:
            OutsideWindow: There are no slots, they go beyond the lifetime, or the window around them is larger than `MAX_WINDOW`.
            WrongSize: The seed has not 32 bytes.
            KernelFailed: The key could not be made.
        """
        if len(seed) != SEED_SIZE:
            raise WrongSize(f"a seed has {SEED_SIZE} bytes, not {len(seed)}")
        if slots < 1 or first_slot < 0 or first_slot + slots > scheme.lifetime:
            raise OutsideWindow(f"slots {first_slot} to {first_slot + slots - 1} of a key of {scheme.lifetime}; ask for some within it")
        if 1 << (first_slot ^ (first_slot + slots - 1)).bit_length() > MAX_WINDOW:
            raise OutsideWindow(f"the window around {slots} slots from {first_slot} is larger than {MAX_WINDOW}; ask for fewer")
        try:
            return cls(scheme, _native.XmssKey(scheme.name, seed, first_slot, slots))
        except RuntimeError as error:
            raise KernelFailed(str(error)) from None

    @property
    def public(self) -> bytes:
        """The public key, 52 bytes."""
        return self._key.public_key

    @property
    def first_slot(self) -> int:
        """First slot of the window."""
        return self._key.first_slot

    @property
    def slots(self) -> int:
        """Slots of the window, a power of two."""
        return self._key.slots

    def sign(self, slot: int, message: bytes) -> bytes:
        """The signature over 32 bytes; the same again for the same slot and message.

        Raises:
            OutsideWindow: The window does not hold the slot.
            SlotUsed: Another message was signed in this slot.
            WrongSize: The message has not 32 bytes.
            NoEncoding: This key cannot sign this message in this slot.
            KernelFailed: No signature could be made.
        """
        if not self.first_slot <= slot < self.first_slot + self.slots:
            raise OutsideWindow(f"slot {slot}; the key signs in {self.first_slot} to {self.first_slot + self.slots - 1}")
        if len(message) != MESSAGE_SIZE:
            raise WrongSize(f"a message has {MESSAGE_SIZE} bytes, not {len(message)}")
        if self._signed.setdefault(slot, message) != message:  # one step, so that two threads cannot both be first
            raise SlotUsed(f"slot {slot} has signed {self._signed[slot].hex()}; sign {message.hex()} in another slot")
        try:
            return self._key.sign(slot, message)
        except ValueError as error:  # the slot and the message's size are right
            raise NoEncoding(str(error)) from None
        except RuntimeError as error:
            raise KernelFailed(str(error)) from None

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signing key is not pickled: make it again from its seed")

    def __repr__(self) -> str:
        return f"SigningKey({self.scheme.name}, public={self.public.hex()})"
