"""The check of points that no digest pins, against py_ecc and against files that are wrong in one place."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_ecc.optimized_bn128 import optimized_curve as oracle

from kit import toy_ceremony
from proofplane.barretenberg import powers
from proofplane.barretenberg.points import FIELD, POINT_SIZE, START, X_G2, G
from proofplane.barretenberg.setup_errors import CrsWrong

COUNT = 30

scalars = st.integers(1, oracle.curve_order - 1) | st.integers(1, 4)


def expected(scalar: int) -> tuple[int, int] | None:
    """Coordinates of a multiple of G by py_ecc; None at infinity."""
    if scalar % oracle.curve_order == 0:
        return None
    x, y = oracle.normalize(oracle.multiply(oracle.G1, scalar % oracle.curve_order))
    return int(x), int(y)


def seen(point: powers.Jacobian) -> tuple[int, int] | None:
    return toy_ceremony.affine(point) if point[2] else None


@settings(max_examples=25, deadline=None)
@given(scalars, scalars, st.integers(1, FIELD - 1))
def test_sums_are_those_of_py_ecc_whatever_their_representation(a: int, b: int, scale: int) -> None:
    left, right = toy_ceremony.times(G, a), toy_ceremony.times(G, b)
    x, y, z = right
    scaled = (x * scale**2 % FIELD, y * scale**3 % FIELD, z * scale % FIELD)
    negative = (x, FIELD - y, z)
    assert seen(powers.add(left, scaled)) == expected(a + b)
    assert seen(powers.add_affine(left, toy_ceremony.affine(right))) == expected(a + b)
    assert seen(powers.add(left, negative)) == expected(a - b)
    assert seen(powers.double(left)) == expected(2 * a)
    assert powers.add(left, (1, 1, 0)) == left == powers.add((1, 1, 0), left)


@pytest.mark.slow
def test_powers_of_the_secret_pass_from_any_point_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    toy_ceremony.install(monkeypatch, pairing=True)
    done: list[int] = []
    powers.check(io.BytesIO(toy_ceremony.points(COUNT)), COUNT - 2, COUNT, done.append)
    assert done == [COUNT]


def test_more_points_than_are_read_at_once_are_one_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    toy_ceremony.install(monkeypatch, pairing=True)
    monkeypatch.setattr(powers, "_CHUNK", 8)
    done: list[int] = []
    good = toy_ceremony.points(COUNT)
    powers.check(io.BytesIO(good), 1, COUNT, done.append)
    assert done == [10, 18, 26, COUNT]


@pytest.mark.parametrize("gap", [9, pytest.param(10, marks=pytest.mark.slow)])
def test_a_point_left_out_where_two_reads_meet_is_noticed(monkeypatch: pytest.MonkeyPatch, gap: int) -> None:
    toy_ceremony.install(monkeypatch, pairing=True)
    monkeypatch.setattr(powers, "_CHUNK", 8)
    good = toy_ceremony.points(COUNT)
    with pytest.raises(CrsWrong, match="the ceremony does not have"):
        powers.check(io.BytesIO(good[: gap * POINT_SIZE] + good[(gap + 1) * POINT_SIZE :]), 1, COUNT - 1)


@pytest.mark.slow
def test_powers_of_another_secret_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    toy_ceremony.install(monkeypatch, pairing=True)
    with pytest.raises(CrsWrong, match="behind the first 1 points"):
        powers.check(io.BytesIO(toy_ceremony.points(COUNT, secret=6)), 0, COUNT)


def test_a_point_off_the_curve_is_named() -> None:
    raw = bytearray(toy_ceremony.points(COUNT))
    raw[7 * POINT_SIZE] ^= 1
    with pytest.raises(CrsWrong, match="point 7 is not on the curve"):
        powers.check(io.BytesIO(bytes(raw)), 0, COUNT)


@pytest.mark.parametrize("point", [(0, 0), (1, FIELD + 2), (FIELD + 1, 2)])
def test_infinity_and_coordinates_beyond_the_field_are_no_points(point: tuple[int, int]) -> None:
    with pytest.raises(CrsWrong, match="point 3 "):
        powers.parsed(point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big"), 3)


def test_a_file_that_ends_early_is_no_chain() -> None:
    with pytest.raises(CrsWrong, match="ends after 30 points, not 31"):
        powers.check(io.BytesIO(toy_ceremony.points(COUNT)), 0, COUNT + 1)


def test_the_constants_fit_together() -> None:
    powers.check(io.BytesIO(START), 0, 2)
    assert all(coordinate < FIELD for pair in X_G2 for coordinate in pair)


@pytest.mark.slow
@pytest.mark.data
def test_genuine_points_pass_and_two_of_them_swapped_do_not(data_dir: Path) -> None:
    genuine = (data_dir / "crs" / "bn254_g1.dat").read_bytes()
    begin = random.Random(5).randrange(30_000)
    powers.check(io.BytesIO(genuine), begin, begin + 500)
    swapped = bytearray(genuine)
    here = slice((begin + 300) * POINT_SIZE, (begin + 301) * POINT_SIZE)
    there = slice(here.stop, here.stop + POINT_SIZE)
    swapped[here], swapped[there] = swapped[there], swapped[here]
    with pytest.raises(CrsWrong, match="the ceremony does not have"):
        powers.check(io.BytesIO(bytes(swapped)), begin, begin + 500)
