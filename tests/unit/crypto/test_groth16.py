"""Unit tests of `proofplane.crypto.groth16`: points, their encodings, and the equation."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofplane.crypto.groth16 import (
    SCALAR_ORDER,
    Groth16Proof,
    MalformedPoint,
    PairingMismatch,
    PointFlaw,
    WrongInputs,
    curve,
    decompress_g1,
    decompress_g2,
    verify,
)
from proofplane.crypto.sp1 import Sp1VerifyingKey
from unit.crypto.sp1_simulator import G1, G2, forge, g1_bytes, g1_compressed, g2_bytes, g2_compressed, verifying_key

MODULUS = curve.field_modulus
TWIST_Y = (
    5912654199736721486680175016176231956195085055698687135131307249486702594212,
    18278151005453108793778860132295291098363647455926340152056652516292830556603,
)
"""y (c1, c0) over x = 1 on the twist, a point outside the subgroup."""

A, B, C = g1_bytes(2), g2_bytes(3), g1_bytes(4)
KEY = Sp1VerifyingKey.parse(verifying_key()).key
SCALARS = st.integers(1, SCALAR_ORDER - 1)


def number(value: int) -> bytes:
    return value.to_bytes(32, "big")


def flaw_of(raw: bytes) -> tuple[str, PointFlaw]:
    with pytest.raises(MalformedPoint) as caught:
        Groth16Proof.parse(raw)
    return caught.value.name, caught.value.flaw


@settings(max_examples=20, deadline=None)
@given(SCALARS)
def test_compressed_points_of_the_first_group_read_back(scalar: int) -> None:
    assert curve.eq(decompress_g1("P", g1_compressed(scalar)), curve.multiply(G1, scalar))


@settings(max_examples=5, deadline=None)
@given(SCALARS)
def test_compressed_points_of_the_second_group_read_back(scalar: int) -> None:
    assert curve.eq(decompress_g2("Q", g2_compressed(scalar)), curve.multiply(G2, scalar))


def test_the_flag_chooses_the_sign() -> None:
    other = bytes([g1_compressed(7)[0] ^ 0x40]) + g1_compressed(7)[1:]
    assert curve.eq(decompress_g1("P", other), curve.neg(curve.multiply(G1, 7)))
    other = bytes([g2_compressed(7)[0] ^ 0x40]) + g2_compressed(7)[1:]
    assert curve.eq(decompress_g2("Q", other), curve.neg(curve.multiply(G2, 7)))


@pytest.mark.parametrize(
    ("raw", "flaw"),
    [
        (bytes(32), PointFlaw.FLAG),
        (b"\x40" + bytes(31), PointFlaw.INFINITY),
        (b"\x80" + bytes(31), PointFlaw.INFINITY),
        (bytes([0x80 | number(MODULUS)[0]]) + number(MODULUS)[1:], PointFlaw.COORDINATE_RANGE),
        (b"\x80" + number(4)[1:], PointFlaw.NOT_ON_CURVE),
    ],
)
def test_a_malformed_compressed_point_of_the_first_group_is_refused(raw: bytes, flaw: PointFlaw) -> None:
    with pytest.raises(MalformedPoint) as caught:
        decompress_g1("P", raw)
    assert (caught.value.name, caught.value.flaw) == ("P", flaw)


@pytest.mark.parametrize(
    ("raw", "flaw"),
    [
        (bytes(64), PointFlaw.FLAG),
        (b"\x40" + bytes(63), PointFlaw.INFINITY),
        (b"\x80" + bytes(31) + number(MODULUS), PointFlaw.COORDINATE_RANGE),
        (b"\x80" + bytes(31) + number(1), PointFlaw.NOT_IN_SUBGROUP),
        (b"\x80" + bytes(31) + number(3), PointFlaw.NOT_ON_CURVE),
    ],
)
def test_a_malformed_compressed_point_of_the_second_group_is_refused(raw: bytes, flaw: PointFlaw) -> None:
    with pytest.raises(MalformedPoint) as caught:
        decompress_g2("Q", raw)
    assert (caught.value.name, caught.value.flaw) == ("Q", flaw)


def test_a_proof_reads_back_as_its_points() -> None:
    proof = Groth16Proof.parse(A + B + C)
    assert curve.eq(proof.a, curve.multiply(G1, 2))
    assert curve.eq(proof.b, curve.multiply(G2, 3))
    assert curve.eq(proof.c, curve.multiply(G1, 4))


def test_a_point_at_infinity_is_refused_in_every_place() -> None:
    assert flaw_of(bytes(64) + B + C) == ("A", PointFlaw.INFINITY)
    assert flaw_of(A + bytes(128) + C) == ("B", PointFlaw.INFINITY)
    assert flaw_of(A + B + bytes(64)) == ("C", PointFlaw.INFINITY)


@pytest.mark.parametrize("place", range(8))
def test_a_coordinate_written_with_the_modulus_added_is_refused(place: int) -> None:
    raw = A + B + C
    at = slice(32 * place, 32 * place + 32)
    aliased = int.from_bytes(raw[at], "big") + MODULUS
    name = "AABBBBCC"[place]
    assert flaw_of(raw[: at.start] + number(aliased) + raw[at.stop :]) == (name, PointFlaw.COORDINATE_RANGE)


@pytest.mark.parametrize("place", range(8))
def test_a_coordinate_off_by_one_leaves_the_curve(place: int) -> None:
    raw = bytearray(A + B + C)
    raw[32 * place + 31] ^= 1
    assert flaw_of(bytes(raw)) == ("AABBBBCC"[place], PointFlaw.NOT_ON_CURVE)


def test_b_on_the_twist_but_outside_the_subgroup_is_refused() -> None:
    outside = number(0) + number(1) + number(TWIST_Y[0]) + number(TWIST_Y[1])
    assert flaw_of(A + outside + C) == ("B", PointFlaw.NOT_IN_SUBGROUP)


def test_the_equation_holds_for_a_proof_made_with_the_trapdoor_and_not_for_others() -> None:
    proof = Groth16Proof.parse(forge(number(5), b"")[4:])
    digest = int.from_bytes(bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"), "big") % 2**253
    verify(KEY, proof, (5, digest))
    with pytest.raises(PairingMismatch):
        verify(KEY, proof, (6, digest))
    with pytest.raises(PairingMismatch):
        verify(KEY, Groth16Proof(curve.neg(proof.a), proof.b, proof.c), (5, digest))


@pytest.mark.parametrize("inputs", [(), (1,), (1, 2, 3), (SCALAR_ORDER, 1), (1, -1)])
def test_inputs_of_another_number_or_range_are_the_callers_mistake(inputs: tuple[int, ...]) -> None:
    with pytest.raises(WrongInputs):
        verify(KEY, Groth16Proof.parse(A + B + C), inputs)


def test_deeply_nested_input_is_an_error_and_no_crash_once_the_pairing_is_imported() -> None:
    with pytest.raises(RecursionError):
        json.loads("[" * 100_000)
