"""Unit tests of `proofplane.crypto.xmss`: verification against the plain Python reference, byte for byte."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit import xmss_keys
from proofplane import _native
from proofplane.crypto import xmss_reference
from proofplane.crypto.koalabear import P
from proofplane.crypto.xmss import PROD, SCHEMES, TEST, Claim, InvalidSignature, KernelFailed, Scheme, Verified, WrongSize, verify

TRUE = xmss_keys.claim(0)
SIGNATURE_SIZE = 424


def holds(claim: Claim, scheme: Scheme = TEST) -> bool:
    """What the native verification says."""
    try:
        verify(scheme, [claim])
    except InvalidSignature:
        return False
    return True


def flipped(raw: bytes, byte: int, bit: int = 0) -> bytes:
    return raw[:byte] + bytes([raw[byte] ^ 1 << bit]) + raw[byte + 1 :]


def aliased(raw: bytes, byte: int) -> bytes:
    """The element at `byte` replaced by one that is equal modulo P."""
    element = int.from_bytes(raw[byte : byte + 4], "little")
    return raw[:byte] + (element + P).to_bytes(4, "little") + raw[byte + 4 :]


def test_the_parameter_sets_have_the_specifications_sizes() -> None:
    assert [(scheme.name, scheme.lifetime, scheme.signature_size) for scheme in SCHEMES.values()] == [
        ("prod", 2**32, 2536),
        ("test", 2**8, SIGNATURE_SIZE),
    ]


REGIONS = {
    "offset of the path": 0,
    "first element of rho": 4,
    "last byte of rho": 31,
    "offset of the hashes": 32,
    "offset of the siblings": 36,
    "first sibling": 40,
    "last sibling": 295,
    "first hash": 296,
    "second hash": 328,
    "last byte": 423,
}


def test_an_untouched_claim_is_true() -> None:
    assert holds(TRUE)
    assert xmss_reference.verify(TEST, TRUE)


@pytest.mark.parametrize("byte", REGIONS.values(), ids=REGIONS)
def test_a_flipped_bit_anywhere_in_the_signature_makes_the_claim_false(byte: int) -> None:
    claim = TRUE._replace(signature=flipped(TRUE.signature, byte))
    assert not holds(claim)
    assert not xmss_reference.verify(TEST, claim)


@pytest.mark.parametrize("byte", [4, 28, 40, 292, 296, 420])
def test_an_element_of_the_signature_beyond_the_modulus_makes_the_claim_false(byte: int) -> None:
    claim = TRUE._replace(signature=aliased(TRUE.signature, byte))
    assert not holds(claim)
    assert not xmss_reference.verify(TEST, claim)


@pytest.mark.parametrize("byte", [0, 28, 32, 48], ids=["root", "root's end", "parameter", "parameter's end"])
def test_a_key_that_is_another_or_not_canonical_makes_the_claim_false(byte: int) -> None:
    for key in (flipped(TRUE.key, byte), aliased(TRUE.key, byte)):
        claim = TRUE._replace(key=key)
        assert not holds(claim)
        assert not xmss_reference.verify(TEST, claim)


@pytest.mark.parametrize("size", [0, 1, 36, 423, 425, 2536])
def test_a_signature_of_another_length_makes_the_claim_false(size: int) -> None:
    claim = TRUE._replace(signature=TRUE.signature.ljust(size, b"\0")[:size])
    assert not holds(claim)
    assert not xmss_reference.verify(TEST, claim)


@pytest.mark.parametrize(
    "wrong", [{"slot": 0}, {"slot": 2}, {"slot": 257}, {"slot": 2**32 + 1}, {"slot": 2**64 - 1}, {"message": b"\1" + bytes(31)}], ids=repr
)
def test_another_slot_or_message_makes_the_claim_false(wrong: dict[str, int]) -> None:
    claim = TRUE._replace(**wrong)  # slot 257 has the same leaf index as slot 1 in a tree of 256
    assert not holds(claim)
    assert not xmss_reference.verify(TEST, claim)


@settings(max_examples=12, deadline=None)
@given(
    number=st.integers(0, 3),
    slot=st.integers(0, 7),
    message=st.sampled_from([bytes(32), b"\xff" * 32, bytes(range(32))]),
    flips=st.lists(
        st.tuples(st.sampled_from(["key", "signature", "message"]), st.integers(0, SIGNATURE_SIZE - 1), st.integers(0, 7)), max_size=1
    ),
)
def test_a_claim_is_judged_as_the_reference_judges_it(number: int, slot: int, message: bytes, flips: list[tuple[str, int, int]]) -> None:
    claim = xmss_keys.claim(number, slot, message)
    for part, byte, bit in flips:
        raw = getattr(claim, part)
        claim = claim._replace(**{part: flipped(raw, byte % len(raw), bit)})
    assert holds(claim) == xmss_reference.verify(TEST, claim)


@pytest.mark.parametrize("count", [1, 15, 16, 17, 40])
@pytest.mark.parametrize("threads", [1, 2, 4, 64])
def test_a_batch_of_true_claims_is_verified_whatever_its_size(count: int, threads: int) -> None:
    before = time.perf_counter_ns()
    verified = verify(TEST, [xmss_keys.claim(place % 7, place % 8) for place in range(count)], threads)
    after = time.perf_counter_ns()
    assert verified.count == count
    assert 1 <= len({span.thread for span in verified.spans}) <= threads
    assert all(before <= span.start <= span.end <= after for span in verified.spans)


def test_no_claims_are_all_true() -> None:
    assert verify(TEST, []) == Verified(0, ())


@pytest.mark.parametrize("kernel", _native.xmss_kernels())
@settings(max_examples=8, deadline=None)
@given(false=st.sets(st.integers(0, 39), max_size=3), count=st.integers(1, 40), region=st.sampled_from([4, 40, 296, 300]))
def test_the_first_false_claim_is_named_on_every_kernel_and_number_of_threads(
    kernel: str, false: set[int], count: int, region: int
) -> None:
    claims = [xmss_keys.claim(place % 7, place % 8) for place in range(count)]
    for place in false & set(range(count)):
        claims[place] = claims[place]._replace(signature=flipped(claims[place].signature, region))
    expected = min((place for place in false if place < count), default=None)
    columns = list(zip(*claims, strict=True))
    for threads in (1, 2, 4):
        failed, _ = _native.xmss_verify("test", columns[0], columns[1], columns[2], columns[3], threads, kernel=kernel)
        assert failed == expected


def test_the_error_names_the_first_false_claim() -> None:
    false = TRUE._replace(slot=3)
    with pytest.raises(InvalidSignature, match="signature 2 of 5") as caught:
        verify(TEST, [TRUE, TRUE, false, TRUE, false], threads=2)
    assert caught.value.index == 2


@pytest.mark.parametrize(
    "wrong", [{"key": bytes(51)}, {"key": bytes(53)}, {"message": bytes(31)}, {"slot": -1}, {"slot": 2**64}], ids=lambda wrong: str(*wrong)
)
def test_a_claim_that_cannot_be_put_is_the_callers_mistake(wrong: dict[str, int]) -> None:
    with pytest.raises(WrongSize):
        verify(TEST, [TRUE, TRUE._replace(**wrong)])


def test_a_batch_without_a_thread_is_the_callers_mistake() -> None:
    with pytest.raises(WrongSize, match="thread"):
        verify(TEST, [TRUE], threads=0)


def test_a_failing_kernel_is_not_a_false_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    def panics(*_: object) -> None:
        raise RuntimeError("the XMSS kernel panicked")

    monkeypatch.setattr(_native, "xmss_verify", panics)
    with pytest.raises(KernelFailed, match="panicked"):
        verify(TEST, [TRUE])


@pytest.mark.data
def test_a_recorded_production_signature_holds_and_its_mutations_do_not(data_dir: Path) -> None:
    claim = xmss_keys.recorded_claim(data_dir / "lean" / "chains" / "prod-8")
    assert holds(claim, PROD)
    assert not holds(claim, TEST)
    for byte in (0, 4, 40, 40 + 31 * 32, 40 + 32 * 32, 2535):
        assert not holds(claim._replace(signature=flipped(claim.signature, byte)), PROD)
    for byte in (4, 40, 40 + 32 * 32, 2532):
        assert not holds(claim._replace(signature=aliased(claim.signature, byte)), PROD)
    assert not holds(claim._replace(slot=claim.slot + 2**32), PROD)


@pytest.mark.data
@pytest.mark.parametrize("kernel", _native.xmss_kernels())
def test_every_kernel_judges_production_signatures_alike(data_dir: Path, kernel: str) -> None:
    claim = xmss_keys.recorded_claim(data_dir / "lean" / "chains" / "prod-8")
    signatures = [claim.signature, flipped(claim.signature, 2535), claim.signature]
    keys, slots, messages = [claim.key] * 3, [claim.slot] * 3, [claim.message] * 3
    assert _native.xmss_verify("prod", keys, slots, messages, signatures, 1, kernel=kernel)[0] == 1
    assert _native.xmss_verify("prod", keys[:1], slots[:1], messages[:1], signatures[:1], 1, kernel=kernel)[0] is None
