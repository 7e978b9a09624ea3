"""Ceremony points over HTTP: resumed, bounded, and nothing gets its name before it was checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit import toy_ceremony
from kit.points_host import Answer, points_host
from proofplane.barretenberg.crs import POINTS_FILE
from proofplane.barretenberg.download import ATTEMPTS, HOSTS, download
from proofplane.barretenberg.points import MAX_POINTS, POINT_SIZE
from proofplane.barretenberg.setup_errors import BadDownload, CrsWrong, FetchFailed

ALL = 60
FILE = toy_ceremony.points(ALL)
WANTED = toy_ceremony.KNOWN_POINTS
CONTENT = FILE[: WANTED * POINT_SIZE]


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    toy_ceremony.install(monkeypatch)


class Pauses(list[float]):
    """Keeps what would be waited."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def brought(directory: Path, *urls: str, points: int = WANTED) -> list[float]:
    """Downloads, checks that the file is whole and alone, and returns the pauses."""
    pauses = Pauses()
    placed = download(directory, points, urls, pause=pauses)
    assert (placed.path, placed.points, placed.fresh) == (directory / POINTS_FILE, points, True)
    assert placed.path.read_bytes() == FILE[: points * POINT_SIZE]
    assert placed.path.stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in directory.iterdir()) == [".lock", POINTS_FILE]
    return pauses


def test_exactly_the_points_that_are_wanted_are_asked_for(tmp_path: Path) -> None:
    with points_host(Answer(FILE)) as host:
        assert brought(tmp_path, host.url) == []
        assert host.ranges == [f"bytes=0-{WANTED * POINT_SIZE - 1}"]


def test_points_that_are_there_are_not_fetched_again_and_more_are(tmp_path: Path) -> None:
    with points_host(Answer(FILE)) as host:
        brought(tmp_path, host.url)
        again = download(tmp_path, WANTED - 1, [host.url])
        assert (again.points, again.fresh, len(host.ranges)) == (WANTED, False, 1)
        brought(tmp_path, host.url, points=WANTED + 1)


def test_an_answer_that_stops_is_resumed_where_it_stopped(tmp_path: Path) -> None:
    with points_host(Answer(FILE, stops_after=1_000), Answer(FILE, stops_after=1_001), Answer(FILE)) as host:
        assert brought(tmp_path, host.url) == [0.5, 1.0]
        assert host.ranges[1:] == [f"bytes={have}-{WANTED * POINT_SIZE - 1}" for have in (1_000, 2_001)]


def test_a_later_run_resumes_what_an_earlier_one_left(tmp_path: Path) -> None:
    with points_host(Answer(FILE, stops_after=1_000), Answer(b"", status=503)) as host:
        with pytest.raises(FetchFailed, match=r"15 of 40 ceremony points are here after 6 attempts .*status 503.*--crs-file"):
            download(tmp_path, WANTED, [host.url], pause=Pauses())
        assert len(host.ranges) == ATTEMPTS
        assert not (tmp_path / POINTS_FILE).exists()
        host.answers = [Answer(FILE)]
        brought(tmp_path, host.url)
        assert host.ranges[-1] == f"bytes=1000-{WANTED * POINT_SIZE - 1}"


def test_a_partial_file_that_is_already_longer_needs_no_request(tmp_path: Path) -> None:
    (tmp_path / f"{POINTS_FILE}.partial").write_bytes(FILE)
    with points_host(Answer(FILE)) as host:
        brought(tmp_path, host.url)
        assert host.ranges == []


def test_a_host_that_ignores_ranges_sends_the_file_from_its_beginning(tmp_path: Path) -> None:
    with points_host(Answer(FILE, stops_after=1_000), Answer(FILE, status=200)) as host:
        brought(tmp_path, host.url)


def test_a_file_that_is_too_short_at_the_host_ends_in_a_bounded_number_of_attempts(tmp_path: Path) -> None:
    with points_host(Answer(FILE, announces=999), Answer(FILE, announces=0)) as host:
        with pytest.raises(FetchFailed, match="the answer ended after 999 of 2,560 bytes"):
            download(tmp_path, WANTED, [host.url], pause=Pauses())
        assert len(host.ranges) == ATTEMPTS


def test_another_range_than_the_one_asked_for_is_not_taken(tmp_path: Path) -> None:
    with points_host(Answer(FILE, shifted=64)) as host, pytest.raises(FetchFailed, match="it answered with 'bytes 64-"):
        download(tmp_path, WANTED, [host.url], pause=Pauses())


def test_the_second_host_is_asked_when_the_first_fails(tmp_path: Path) -> None:
    with points_host(Answer(b"", status=404)) as first, points_host(Answer(FILE)) as second:
        assert brought(tmp_path, first.url, second.url) == [0.5]


def test_a_host_with_a_wrong_page_is_left_at_its_first_bytes_for_the_second(tmp_path: Path) -> None:
    with points_host(Answer(b"<html>" * 500, status=200)) as first, points_host(Answer(FILE)) as second:
        brought(tmp_path, first.url, second.url)
        assert len(first.ranges) == 1


def test_points_of_another_secret_are_refused_and_removed(tmp_path: Path) -> None:
    with points_host(Answer(toy_ceremony.points(ALL, secret=7))) as host:
        with pytest.raises(CrsWrong, match=r"127\.0\.0\.1.*first two points"):
            download(tmp_path, WANTED, [host.url], pause=Pauses())
        assert [path.name for path in tmp_path.iterdir()] == [".lock"]
        assert len(host.ranges) == 1


@pytest.mark.parametrize("at", [2, toy_ceremony.KNOWN_POINTS - 1, toy_ceremony.KNOWN_POINTS])
def test_one_wrong_point_anywhere_is_found_before_the_file_gets_its_name(tmp_path: Path, at: int) -> None:
    content = bytearray(FILE)
    content[at * POINT_SIZE : (at + 1) * POINT_SIZE] = FILE[:POINT_SIZE]  # a point of the curve, in the wrong place
    with points_host(Answer(bytes(content))) as host, pytest.raises(CrsWrong):
        download(tmp_path, ALL, [host.url], pause=Pauses())
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_no_host_at_all_is_said_as_what_it_is(tmp_path: Path) -> None:
    with points_host(Answer(FILE)) as host:
        gone = host.url
    pauses = Pauses()
    with pytest.raises(FetchFailed, match="0 of 40 ceremony points"):
        download(tmp_path, WANTED, [gone], pause=pauses)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize("url", ["ftp://host/g1.dat", "g1.dat", "http://", "http://[::1", ""])
def test_what_is_no_url_is_a_mistake(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadDownload):
        download(tmp_path, WANTED, [url])


@pytest.mark.parametrize("points", [1, 0, -1, MAX_POINTS + 1])
def test_numbers_of_points_that_the_ceremony_has_not_are_a_mistake(tmp_path: Path, points: int) -> None:
    with pytest.raises(BadDownload):
        download(tmp_path, points)


def test_the_official_hosts_are_asked_with_encryption() -> None:
    assert all(host.startswith("https://") for host in HOSTS)
