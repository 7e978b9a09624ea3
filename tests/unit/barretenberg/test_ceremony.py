"""Points that the user has: checked, copied, and never replaced by fewer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kit import toy_ceremony
from proofplane.barretenberg import ceremony
from proofplane.barretenberg.ceremony import check_file, place_file, points_in
from proofplane.barretenberg.crs import POINTS_FILE
from proofplane.barretenberg.points import DEFAULT_POINTS, KNOWN, MAX_POINTS, POINT_SIZE
from proofplane.barretenberg.setup_errors import CacheBusy, CrsWrong, FileUnreadable

FILE = toy_ceremony.points(45)


@pytest.fixture
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    toy_ceremony.install(monkeypatch)


def file_of(folder: Path, points: int) -> Path:
    path = folder / f"{points}.dat"
    path.write_bytes(FILE[: points * POINT_SIZE])
    return path


@pytest.mark.usefixtures("_toy")
def test_a_file_is_copied_and_a_longer_one_takes_its_place_but_no_shorter_one(tmp_path: Path) -> None:
    place = tmp_path / "crs"
    for points, there, fresh in ((40, 40, True), (40, 40, False), (41, 41, True), (40, 41, False), (2, 41, False)):
        placed = place_file(file_of(tmp_path, points), place)
        assert (placed.points, placed.fresh, points_in(place)) == (there, fresh, there)
        assert placed.path.read_bytes() == FILE[: there * POINT_SIZE]
    assert sorted(os.listdir(place)) == [".lock", POINTS_FILE]


@pytest.mark.usefixtures("_toy")
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "0 bytes are no ceremony file"),
        (FILE[:POINT_SIZE], "64 bytes are no ceremony file"),
        (FILE[:-1], "2,879 bytes are no ceremony file"),
        (toy_ceremony.points(45, secret=6), "another secret"),
        (FILE[POINT_SIZE:], "another secret"),
        (FILE[: 39 * POINT_SIZE] + FILE[38 * POINT_SIZE :], "the first 40 points are not the ceremony's"),
        (FILE[: 44 * POINT_SIZE] + FILE[43 * POINT_SIZE : 44 * POINT_SIZE], "behind the first 40 points"),
        (FILE[: 44 * POINT_SIZE] + bytes(POINT_SIZE), "point 44 is not on the curve"),
    ],
)
def test_what_is_not_the_beginning_of_the_ceremony_is_refused_by_name_and_leaves_nothing(tmp_path: Path, content: bytes, why: str) -> None:
    wrong = tmp_path / "wrong.dat"
    wrong.write_bytes(content)
    with pytest.raises(CrsWrong, match=why) as caught:
        place_file(wrong, tmp_path / "crs")
    assert str(wrong) in str(caught.value)
    assert points_in(tmp_path / "crs") == 0
    assert [path for path in tmp_path.rglob("*") if path.name not in (wrong.name, "crs", ".lock")] == []


@pytest.mark.usefixtures("_toy")
@pytest.mark.parametrize("begins", [b"", FILE[: 2 * POINT_SIZE]])
@pytest.mark.parametrize("size", [MAX_POINTS * POINT_SIZE + POINT_SIZE, 64 << 20, (64 << 20) + 1])
def test_a_large_file_that_is_none_is_refused_before_anything_is_copied(tmp_path: Path, begins: bytes, size: int) -> None:
    wrong = tmp_path / "wrong.dat"
    with wrong.open("wb") as file:
        file.write(begins)
        file.truncate(size)
    told: list[str] = []
    with pytest.raises(CrsWrong):
        place_file(wrong, tmp_path / "crs", lambda what, _done, _goal: told.append(what))
    assert told == []
    assert not (tmp_path / "crs").exists()


@pytest.mark.usefixtures("_toy")
def test_a_wrong_file_is_refused_though_enough_points_are_there(tmp_path: Path) -> None:
    place_file(file_of(tmp_path, 40), tmp_path / "crs")
    wrong = tmp_path / "wrong.dat"
    wrong.write_bytes(FILE[: 20 * POINT_SIZE] + bytes(POINT_SIZE))
    with pytest.raises(CrsWrong, match="not on the curve"):
        place_file(wrong, tmp_path / "crs")
    assert points_in(tmp_path / "crs") == 40


@pytest.mark.usefixtures("_toy")
@pytest.mark.parametrize("damage", [b"", FILE[:1000], FILE[: 10 * POINT_SIZE] + FILE[: 30 * POINT_SIZE], b"x" * 64 * 50])
def test_a_damaged_file_counts_as_none_and_is_mended(tmp_path: Path, damage: bytes) -> None:
    place = tmp_path / "crs"
    place.mkdir()
    (place / POINTS_FILE).write_bytes(damage)
    assert points_in(place) == 0
    assert place_file(file_of(tmp_path, 40), place).fresh
    assert points_in(place) == 40


@pytest.mark.usefixtures("_toy")
def test_the_source_may_be_the_file_in_its_place(tmp_path: Path) -> None:
    placed = place_file(file_of(tmp_path, 40), tmp_path / "crs")
    assert not place_file(placed.path, tmp_path / "crs").fresh


def test_points_that_no_digest_pins_are_checked_by_their_pairing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_ceremony.install(monkeypatch, pairing=True)
    wrong = tmp_path / "wrong.dat"
    wrong.write_bytes(FILE[: 44 * POINT_SIZE] + FILE[43 * POINT_SIZE : 44 * POINT_SIZE])
    with pytest.raises(CrsWrong, match="behind the first 40 points"):
        check_file(wrong)


@pytest.mark.parametrize("name", ["absent", "."])
def test_a_file_that_cannot_be_read_is_the_callers_mistake(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileUnreadable, match=r"cannot be read: (No such file|Is a directory)"):
        place_file(tmp_path / name, tmp_path / "crs")


@pytest.mark.usefixtures("_toy")
def test_while_another_brings_points_one_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceremony, "PATIENCE", 0.0)
    with ceremony.locked(tmp_path / "crs", 0.0), pytest.raises(CacheBusy, match="another process"):
        place_file(file_of(tmp_path, 40), tmp_path / "crs")


def test_the_default_number_of_points_is_pinned_entirely() -> None:
    assert KNOWN[-1].points == DEFAULT_POINTS
    assert [prefix.points for prefix in KNOWN] == sorted(prefix.points for prefix in KNOWN)


@pytest.mark.data
def test_the_genuine_file_has_the_pinned_digests_and_needs_no_pairing(data_dir: Path, tmp_path: Path) -> None:
    genuine = data_dir / "crs" / POINTS_FILE
    checked: list[str] = []
    assert check_file(genuine, lambda what, _done, _goal: checked.append(what)) == 32_769
    assert checked == []
    short = tmp_path / "short.dat"
    short.write_bytes(genuine.read_bytes()[: 1_025 * POINT_SIZE])
    assert check_file(short) == 1_025
