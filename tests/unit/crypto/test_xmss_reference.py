"""Unit tests of `proofplane.crypto.xmss_reference` on the specification's worked values."""

from pathlib import Path

import pytest

from kit.xmss_keys import recorded_claim
from proofplane.crypto.koalabear import P, decode
from proofplane.crypto.xmss import PROD, TEST, Scheme
from proofplane.crypto.xmss_reference import Signature, capacity, climb, digits_of, leaf, message_hash, verify, walk


@pytest.mark.parametrize(
    ("scheme", "elements"),
    [
        (TEST, "627826400 1244476188 370678638 978729783 1996000804 1380088873 1753334201 433326939 1294775677"),
        (PROD, "2060061975 916902315 229801915 83751504 2093549181 1743125625 721042244 1252069948 1192880636"),
    ],
)
def test_the_capacity_value_is_the_known_one(scheme: Scheme, elements: str) -> None:
    assert capacity(scheme) == tuple(map(int, elements.split()))


@pytest.mark.data
def test_the_worked_values_are_reproduced_step_by_step(data_dir: Path) -> None:
    claim = recorded_claim(data_dir / "lean" / "chains" / "test-8")
    elements = decode(claim.key)
    root, parameter = elements[:8], elements[8:]
    signature = Signature.decode(TEST, claim.signature)
    assert signature is not None
    assert (claim.slot, claim.message.hex()[:8]) == (1, "eda82717")
    hashed = message_hash(TEST, parameter, claim.slot, claim.message, signature.rho)
    assert hashed == (1601349202,)
    digits = digits_of(TEST, hashed)
    assert digits == (0, 3, 0, 3)
    ends = [walk(parameter, 1, chain, digit, 7, value) for chain, (digit, value) in enumerate(zip(digits, signature.hashes, strict=True))]
    assert ends[0][:2] == (1787692551, 289355051)
    bottom = leaf(TEST, parameter, 1, ends)
    assert bottom[:3] == (1309584941, 1903804832, 461417598)
    assert climb(parameter, 1, bottom, signature.siblings[:1])[:2] == (387244913, 985946330)
    assert climb(parameter, 1, bottom, signature.siblings) == root
    assert root[:3] == (1603570824, 817179616, 687937317)


@pytest.mark.data
@pytest.mark.parametrize(("chain", "scheme"), [("test-8", TEST), ("prod-8", PROD)], ids=["test", "prod"])
def test_a_recorded_signature_holds(data_dir: Path, chain: str, scheme: Scheme) -> None:
    claim = recorded_claim(data_dir / "lean" / "chains" / chain)
    assert verify(scheme, claim)
    assert not verify(scheme, claim._replace(slot=claim.slot + 1))


def test_digits_are_read_least_significant_first_and_the_highest_element_has_none() -> None:
    assert digits_of(Scheme("four digits", 8, 4, 6), (0o0411 * 127,)) == (1, 1, 4, 0)
    assert digits_of(Scheme("four digits", 8, 4, 6), (0o76540411 * 127 + 126,)) == (1, 1, 4, 0)
    assert digits_of(Scheme("four digits", 8, 4, 7), (0o0411 * 127,)) is None
    assert digits_of(Scheme("all sevens", 8, 8, 56), (P - 2,)) == (7,) * 8
    assert digits_of(Scheme("all zeros", 8, 8, 0), (126,)) == (0,) * 8
    assert digits_of(Scheme("all zeros", 8, 8, 0), (P - 1,)) is None


@pytest.mark.parametrize("scheme", [TEST, PROD], ids=["test", "prod"])
def test_a_signature_decodes_to_what_was_encoded_and_has_the_schemes_size(scheme: Scheme) -> None:
    number = iter(range(10**6))
    digests = [tuple(next(number) for _ in range(8)) for _ in range(scheme.log_lifetime + scheme.dimension)]
    signature = Signature(tuple(range(7)), tuple(digests[: scheme.log_lifetime]), tuple(digests[scheme.log_lifetime :]))
    assert len(signature.encode()) == scheme.signature_size == {"test": 424, "prod": 2536}[scheme.name]
    assert Signature.decode(scheme, signature.encode()) == signature
