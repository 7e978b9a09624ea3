"""Unit tests of `proofplane.crypto.xmss.SigningKey`, against the plain Python reference where it can follow."""

import pickle
from dataclasses import dataclass
from typing import cast

import pytest

from proofplane import _native
from proofplane.base.errors import Broken, NeverAgain
from proofplane.crypto.hashes import sha256
from proofplane.crypto.xmss import (
    MAX_WINDOW,
    PROD,
    TEST,
    Claim,
    KernelFailed,
    NoEncoding,
    OutsideWindow,
    Scheme,
    SigningKey,
    SlotUsed,
    WrongSize,
    verify,
)
from proofplane.crypto.xmss_reference import ReferenceKey

SEED = bytes(range(32))
MESSAGE = sha256(b"a message")
OTHER = sha256(b"another")


@pytest.mark.parametrize(
    ("first", "slots", "window"),
    [(0, 1, (0, 1)), (5, 3, (4, 4)), (1, 2, (0, 4)), (255, 1, (255, 1)), (127, 2, (0, 256))],
)
def test_the_window_is_the_smallest_aligned_power_of_two_around_the_slots(first: int, slots: int, window: tuple[int, int]) -> None:
    key = SigningKey.generate(TEST, SEED, first, slots)
    assert (key.first_slot, key.slots) == window


@pytest.mark.parametrize(("first", "slots"), [(0, 1), (5, 3), (255, 1)])
def test_keys_and_signatures_are_those_of_the_reference_and_hold(first: int, slots: int) -> None:
    key, reference = SigningKey.generate(TEST, SEED, first, slots), ReferenceKey(TEST, SEED, first, slots)
    assert (key.public, key.first_slot, key.slots) == (reference.public, reference.first_slot, reference.slots)
    slot = first + slots - 1
    signature = key.sign(slot, MESSAGE)
    assert signature == reference.sign(slot, MESSAGE)
    verify(TEST, [Claim(key.public, slot, MESSAGE, signature)])


def test_a_production_key_at_the_end_of_its_lifetime_is_that_of_the_reference() -> None:
    last = 2**32 - 1
    key, reference = SigningKey.generate(PROD, SEED, last, 1), ReferenceKey(PROD, SEED, last, 1)
    assert key.public == reference.public
    message = sha256(b"message 286")  # encodes at the fourth attempt; the average of 913 takes the reference a second
    signature = key.sign(last, message)
    assert signature == reference.sign(last, message)
    verify(PROD, [Claim(key.public, last, message, signature)])


def test_every_slot_of_a_window_signs() -> None:
    key = SigningKey.generate(TEST, SEED, 9, 7)
    claims = [Claim(key.public, slot, MESSAGE, key.sign(slot, MESSAGE)) for slot in range(key.first_slot, key.first_slot + key.slots)]
    assert verify(TEST, claims).count == 8


def test_other_seeds_and_windows_are_other_keys() -> None:
    keys = [(SEED, 0, 4), (OTHER, 0, 4), (SEED, 0, 2), (SEED, 4, 4)]
    assert len({SigningKey.generate(TEST, seed, first, slots).public for seed, first, slots in keys}) == len(keys)


def test_a_slot_signs_one_message_any_number_of_times_and_never_another() -> None:
    key = SigningKey.generate(TEST, SEED, 0, 2)
    signature = key.sign(1, MESSAGE)
    with pytest.raises(SlotUsed, match="slot 1"):
        key.sign(1, OTHER)
    assert key.sign(1, MESSAGE) == signature
    key.sign(0, OTHER)


def test_a_refused_message_does_not_use_the_slot() -> None:
    key = SigningKey.generate(TEST, SEED, 0, 1)
    with pytest.raises(WrongSize):
        key.sign(0, MESSAGE[:31])
    key.sign(0, MESSAGE)


@pytest.mark.parametrize("slot", [-1, 3, 8, 2**64])
def test_a_slot_outside_the_window_does_not_sign(slot: int) -> None:
    key = SigningKey.generate(TEST, SEED, 4, 4)
    with pytest.raises(OutsideWindow, match="4 to 7"):
        key.sign(slot, MESSAGE)


@pytest.mark.parametrize(
    ("scheme", "first", "slots"),
    [(TEST, 0, 0), (TEST, -1, 1), (TEST, 256, 1), (TEST, 255, 2), (PROD, 2**32 - 1, 2), (PROD, 0, MAX_WINDOW + 1), (PROD, 2**31 - 1, 2)],
)
def test_a_window_that_no_key_has_is_refused(scheme: Scheme, first: int, slots: int) -> None:
    with pytest.raises(OutsideWindow):
        SigningKey.generate(scheme, SEED, first, slots)


def test_the_largest_window_is_that_of_the_native_keys() -> None:
    """The refusal comes before the first leaf, so nothing large is made."""
    with pytest.raises(ValueError, match=f"more than {MAX_WINDOW} slots"):
        _native.XmssKey("prod", SEED, 0, MAX_WINDOW + 1)
    with pytest.raises(ValueError, match=f"more than {MAX_WINDOW} slots"):
        _native.XmssKey("prod", SEED, MAX_WINDOW - 1, 2)


@pytest.mark.slow
def test_a_key_with_the_largest_window_signs_at_both_ends() -> None:
    key = SigningKey.generate(PROD, SEED, 1, MAX_WINDOW - 1)
    assert (key.first_slot, key.slots) == (0, MAX_WINDOW)
    claims = [Claim(key.public, slot, MESSAGE, key.sign(slot, MESSAGE)) for slot in (0, MAX_WINDOW - 1)]
    assert verify(PROD, claims).count == 2


@dataclass
class FailingKey:
    """Stands for a native key that raises what such a key cannot be made to raise."""

    error: Exception
    first_slot: int = 0
    slots: int = 1

    def sign(self, slot: int, message: bytes) -> bytes:
        raise self.error


@pytest.mark.parametrize(
    ("error", "family", "raised"), [(ValueError("no"), NeverAgain, NoEncoding), (RuntimeError("no"), Broken, KernelFailed)]
)
def test_a_message_that_does_not_encode_is_no_fault_of_the_kernel(
    error: Exception, family: type[Exception], raised: type[Exception]
) -> None:
    assert issubclass(raised, family)
    with pytest.raises(raised):
        SigningKey(TEST, cast(_native.XmssKey, FailingKey(error))).sign(0, MESSAGE)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_seed_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(WrongSize, match=str(size)):
        SigningKey.generate(TEST, bytes(size), 0, 1)


def test_a_key_shows_only_its_public_part_and_is_not_pickled() -> None:
    key = SigningKey.generate(TEST, SEED, 0, 1)
    assert repr(key) == f"SigningKey(test, public={key.public.hex()})"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(key)
