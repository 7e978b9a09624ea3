"""Whatever is wrong with what a user gives: one or two clear lines, the documented exit code, and nothing lost."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.cli_chains import copy_of, settle
from kit.cli_disk import file_limit, small_disk
from kit.cli_headers import flipped, mainnet_headers, regtest_headers
from kit.cli_run import Running, here, proofplane, prove
from proofplane.bitcoin.header import HEADER_SIZE
from proofplane.crypto.schnorr import SigningKey
from proofplane.storage.database import DATABASE_NAME

HEADERS = 80
"""In the regtest file; more than one batch of the anchor worker."""


@pytest.fixture(scope="module")
def headers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return regtest_headers(tmp_path_factory.mktemp("headers") / "regtest.raw", HEADERS)


@pytest.fixture(scope="module")
def half_done(headers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A settled data directory of the first blocks of `headers`; copy it."""
    directory = tmp_path_factory.mktemp("half") / "data"
    prove(headers, 0, directory, "--network", "regtest", "--until", 20).succeeded()
    settle(directory)
    return directory


@pytest.fixture
def started(half_done: Path, tmp_path: Path) -> Path:
    """A data directory that holds some blocks and whose owner wants to go on."""
    return copy_of(half_done, tmp_path / "data")


def go_on(headers: Path, data_dir: Path, network: str = "regtest", first_height: int = 0, blocks: int = HEADERS - 1) -> None:
    """The corrected input takes the same data directory to the end, and everything in it holds."""
    done = prove(headers, first_height, data_dir, "--network", network, "--json")
    summary = done.json()
    assert done.err == "", "going on is nothing to warn of"
    report = here("verify-chain", "--json", "--data-dir", data_dir).json()
    # Proofs are counted by the check: a damaged regtest header may meet its target, and is then an orphan with proofs.
    assert (summary["blocks"], report["blocks"]) == (blocks, blocks)
    assert report["step_proofs"] == report["recursive_proofs"] == {"native": blocks}


# Headers files


def test_a_headers_file_cut_inside_a_header_is_refused_before_anything_is_written(headers: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.raw"
    cut.write_bytes(headers.read_bytes()[:-10])

    prove(cut, 0, tmp_path / "data", "--network", "regtest").refused(2, "cut.raw", "truncated")

    assert not (tmp_path / "data").exists()


def test_a_headers_file_cut_between_headers_is_a_shorter_chain_that_the_whole_file_continues(headers: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.raw"
    cut.write_bytes(headers.read_bytes()[: 30 * HEADER_SIZE])

    go_on(cut, tmp_path / "data", blocks=29)
    go_on(headers, tmp_path / "data")


@pytest.mark.parametrize("content", [b"", b"x", bytes(HEADER_SIZE - 1)], ids=["empty", "one byte", "79 bytes"])
def test_a_headers_file_without_a_header_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "few.raw").write_bytes(content)

    prove(tmp_path / "few.raw", 0, tmp_path / "data").refused(2, "few.raw")


def test_a_headers_file_that_is_not_there_or_is_a_folder_is_named(tmp_path: Path) -> None:
    prove(tmp_path / "absent.raw", 0, tmp_path / "data").refused(2, "absent.raw", "No such file")
    prove(tmp_path, 0, tmp_path / "data").refused(2, str(tmp_path), "directory")


@pytest.mark.parametrize(
    "field",
    [4, 68, 72, *(pytest.param(field, marks=pytest.mark.slow) for field in (0, 36, 76))],
    ids=["previous", "time", "bits", "version", "merkle root", "nonce"],
)
def test_a_flipped_bit_in_a_headers_file_stops_at_its_block_and_the_right_file_goes_on(field: int, headers: Path, tmp_path: Path) -> None:
    damaged = flipped(headers, tmp_path / "damaged.raw", 70 * HEADER_SIZE + field)

    done = prove(damaged, 0, tmp_path / "data", "--network", "regtest")

    done.refused(1)
    assert re.search(r"\b7[01]\b", done.err), f"the height tells a user where to look, the hash of a damaged header does not: {done}"
    go_on(headers, tmp_path / "data")


@pytest.mark.data
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_a_bit_flipped_anywhere_in_mainnet_headers_is_refused_and_the_right_file_goes_on(seed: int, data_dir: Path, tmp_path: Path) -> None:
    right = mainnet_headers(data_dir, tmp_path / "right.raw", 40_300, 60)  # across the retarget at 40,320
    offset = random.Random(seed).randrange(HEADER_SIZE, 60 * HEADER_SIZE)
    damaged = flipped(right, tmp_path / "damaged.raw", offset, seed)

    prove(damaged, 40_300, tmp_path / "data").refused(1)

    go_on(right, tmp_path / "data", "mainnet", 40_300, 59)


@pytest.mark.data
def test_a_bit_flipped_in_the_last_mainnet_header_is_refused(data_dir: Path, tmp_path: Path) -> None:
    right = mainnet_headers(data_dir, tmp_path / "right.raw", 40_300, 20)
    damaged = flipped(right, tmp_path / "damaged.raw", 19 * HEADER_SIZE + 40)

    prove(damaged, 40_300, tmp_path / "data").refused(1, "target")

    go_on(right, tmp_path / "data", "mainnet", 40_300, 19)


# Heights and networks


@pytest.mark.data
@pytest.mark.parametrize(
    ("first_height", "network", "word"),
    [(40_001, "mainnet", "block 40000 of mainnet"), (50_000, "mainnet", "block 40000 of mainnet"), (40_000, "regtest", "mainnet")],
    ids=["one too high", "far too high", "another network"],
)
def test_mainnet_headers_given_as_something_else_are_recognised(
    first_height: int, network: str, word: str, data_dir: Path, tmp_path: Path
) -> None:
    file = mainnet_headers(data_dir, tmp_path / "headers.raw", 40_000, 50)

    prove(file, first_height, tmp_path / "data", "--network", network).refused(2, word)

    assert not (tmp_path / "data").exists()


def test_regtest_headers_given_as_mainnet_are_recognised(headers: Path, tmp_path: Path) -> None:
    prove(headers, 0, tmp_path / "data").refused(2, "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206", "network")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--until", 500), ("500", "0 to 79")),
        (("--from-height", 500), ("500", "0 to 79")),
        (("--from-height", 30, "--until", 29), ("--until 29", "30")),
        (("--epoch-start-time", 5), ("--epoch-start-time", "1296688602")),
    ],
    ids=["until outside", "anchor outside", "until below the anchor", "contradicted epoch start"],
)
def test_heights_and_times_that_do_not_fit_the_file_are_refused_before_anything_is_written(
    options: tuple[object, ...], words: tuple[str, ...], headers: Path, tmp_path: Path
) -> None:
    prove(headers, 0, tmp_path / "data", "--network", "regtest", *options).refused(2, *words)

    assert not (tmp_path / "data").exists()


@pytest.mark.data
def test_an_anchor_whose_epoch_start_nobody_knows_needs_it_to_be_given(data_dir: Path, tmp_path: Path) -> None:
    file = mainnet_headers(data_dir, tmp_path / "headers.raw", 42_330, 20)  # the epoch began at 40,320; the next begins at 42,336
    start = mainnet_headers(data_dir, tmp_path / "start.raw", 40_320, 1).read_bytes()[68:72]

    prove(file, 42_330, tmp_path / "data").refused(2, "40320", "--epoch-start-time")
    assert not (tmp_path / "data").exists()

    prove(file, 42_330, tmp_path / "wrong", "--epoch-start-time", 1).refused(1, "bits")

    given = int.from_bytes(start, "little")
    summary = prove(file, 42_330, tmp_path / "data", "--json", "--epoch-start-time", given).json()
    assert summary["blocks"] == 19


# Data directories


def test_a_file_in_the_place_of_the_data_directory_is_named_by_every_command(headers: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")

    for command in (
        ["status"],
        ["verify-chain"],
        ["proofs", "list"],
        ["proofs", "show", "step", "1"],
        ["proofs", "export", tmp_path / "x"],
    ):
        here(*command, "--data-dir", file).refused(2, str(file))
    prove(headers, 0, file, "--network", "regtest").refused(2, str(file))
    prove(headers, 0, file / "below", "--network", "regtest").refused(2, str(file))
    assert file.read_text() == "mine"


def test_a_data_directory_that_is_not_there_is_not_made_by_reading(tmp_path: Path) -> None:
    for command in (["status"], ["verify-chain"], ["proofs", "list"]):
        here(*command, "--data-dir", tmp_path / "absent").refused(2, "absent", "--data-dir")
    assert not (tmp_path / "absent").exists()


def test_a_database_that_is_none_is_left_alone(headers: Path, started: Path) -> None:
    right = (started / DATABASE_NAME).read_bytes()
    (started / DATABASE_NAME).write_text("not a database at all, but long enough to have a header of one\n" * 3)
    damaged = (started / DATABASE_NAME).read_bytes()

    here("status", "--data-dir", started).refused(2, DATABASE_NAME)
    here("verify-chain", "--data-dir", started).refused(2, DATABASE_NAME)
    prove(headers, 0, started, "--network", "regtest").refused(2, DATABASE_NAME)
    assert (started / DATABASE_NAME).read_bytes() == damaged

    (started / DATABASE_NAME).write_bytes(right)
    go_on(headers, started)


@pytest.mark.parametrize("name", [DATABASE_NAME, "lock", "keys", "trust.json"])
def test_a_folder_or_file_in_a_wrong_place_inside_is_named(name: str, headers: Path, started: Path, tmp_path: Path) -> None:
    place, kept = started / name, tmp_path / "kept"
    place.rename(kept)
    if kept.is_dir():
        place.write_text("a file")
    else:
        place.mkdir()

    prove(headers, 0, started, "--network", "regtest").refused(2, str(started))

    shutil.rmtree(place) if place.is_dir() else place.unlink()
    kept.rename(place)
    go_on(headers, started)


def test_a_data_directory_of_another_chain_is_refused_with_both_named(headers: Path, started: Path, tmp_path: Path) -> None:
    other = regtest_headers(tmp_path / "other.raw", 20, b"other")

    prove(headers, 0, started, "--network", "regtest", "--from-height", 5).refused(2, "anchor.height: 0, not 5", "--data-dir")
    prove(other, 0, started, "--network", "regtest", "--from-height", 5).refused(2, "anchor.height: 0, not 5")
    proofplane("demo", "--json", "--quiet", "--blocks", 20, "--data-dir", started).refused(2, "headers-only", "full-block")

    go_on(headers, started)


def test_another_branch_from_the_same_anchor_is_a_reorg_and_no_loss(headers: Path, started: Path, tmp_path: Path) -> None:
    other = regtest_headers(tmp_path / "other.raw", 20, b"other")

    assert prove(other, 0, started, "--network", "regtest", "--json").json()["tip"].startswith("20:")
    go_on_summary = prove(headers, 0, started, "--network", "regtest", "--json").json()

    assert go_on_summary["tip"].startswith("79:")
    here("verify-chain", "--data-dir", started).succeeded()


def test_a_second_process_on_a_data_directory_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    long = regtest_headers(tmp_path / "long.raw", 3001)
    arguments = ("--network", "regtest", "--headers", long, "--first-height", 0, "--data-dir", tmp_path / "data")
    with Running("prove", *arguments, "--quiet", "--json") as first:
        while not (tmp_path / "data" / DATABASE_NAME).exists():
            assert first.runs(), first.end()
        prove(long, 0, tmp_path / "data", "--network", "regtest").refused(2, "in use", str(first.pid))
        proofplane("demo", "--json", "--quiet", "--data-dir", tmp_path / "data").refused(2, "in use", str(first.pid))
        assert first.runs(), "the first must be at work while the others ask; give it more headers"
        summary = first.end().json()

    assert summary["blocks"] == 3000
    proofplane("verify-chain", "--data-dir", tmp_path / "data").succeeded()


# Full disk


def test_a_full_disk_ends_in_a_clear_line_and_more_space_goes_on(tmp_path: Path) -> None:
    headers = regtest_headers(tmp_path / "headers.raw", 601)
    arguments = ("--network", "regtest", "--json")
    with small_disk(tmp_path / "disk", kib=1024) as disk:
        for kib in (1024, 1536):
            disk.resize(kib)
            prove(headers, 0, disk.path / "data", *arguments, under=disk.under).refused(5, "no space left", DATABASE_NAME)
        disk.resize(64 * 1024)
        summary = prove(headers, 0, disk.path / "data", *arguments, under=disk.under).json()
        report = proofplane("verify-chain", "--json", "--data-dir", disk.path / "data", under=disk.under).json()

    assert (summary["blocks"], report["blocks"]) == (600, 600)


@pytest.mark.parametrize("kib", [4, 100, *(pytest.param(kib, marks=pytest.mark.slow) for kib in (40, 200))], ids="{} KiB".format)
def test_a_limit_on_the_size_of_files_ends_in_a_clear_line_and_without_it_everything_goes_on(
    kib: int, headers: Path, tmp_path: Path
) -> None:
    prove(headers, 0, tmp_path / "data", "--network", "regtest", under=file_limit(kib)).refused(5, DATABASE_NAME)

    go_on(headers, tmp_path / "data")


# Keys and trust


@pytest.mark.parametrize(
    ("name", "damage", "word"),
    [
        ("step.key", lambda file: file.chmod(0o644), "0644"),
        ("moho.key", lambda file: file.write_text("garbage\n"), "moho.key"),
        ("moho.key", lambda file: file.write_text("0" * 64 + "\n"), "moho.key"),
        ("step.key", lambda file: file.write_bytes(b""), "step.key"),
        ("step.key", lambda file: file.write_text("11" * 32 + "\n"), "trust.json"),
        ("moho.key", lambda file: file.unlink(), "keys"),
    ],
    ids=["open permissions", "garbage", "zero", "empty", "another key", "missing"],
)
def test_a_key_that_is_not_the_one_is_refused_and_never_replaced(
    name: str, damage: Callable[[Path], object], word: str, headers: Path, started: Path
) -> None:
    key = started / "keys" / name
    right = key.read_text()
    damage(key)
    before = key.read_bytes() if key.exists() else None

    done = prove(headers, 0, started, "--network", "regtest")

    done.refused(2, word)
    assert right.strip() not in done.err
    assert (key.read_bytes() if key.exists() else None) == before
    key.unlink(missing_ok=True)
    key.touch(mode=0o600)
    key.write_text(right)
    go_on(headers, started)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b'{"anchor": {}, "predicates": {}}',
        b"[" * 100_000,
        *(pytest.param(other, marks=pytest.mark.slow) for other in (b"", b"null", b'"text"', b"[]", b"{}", b"\xff\xfe")),
    ],
    ids=["cut", "empty anchor", "deep", "empty", "null", "text", "list", "no anchor", "not UTF-8"],
)
def test_a_garbled_trust_file_is_named_by_every_command(content: bytes, headers: Path, started: Path) -> None:
    right = (started / "trust.json").read_bytes()
    (started / "trust.json").write_bytes(content)

    for command in (["status"], ["verify-chain"], ["proofs", "list"]):
        here(*command, "--data-dir", started).refused(2, "trust.json")
    prove(headers, 0, started, "--network", "regtest").refused(2, "trust.json")

    assert (started / "trust.json").read_bytes() == content
    (started / "trust.json").write_bytes(right)
    go_on(headers, started)


@pytest.mark.parametrize("field", ["step", "moho", "epoch_start", "next_bits", "magic", "block_hash"])
def test_a_trust_file_with_one_other_value_is_refused_by_a_node_and_by_the_verifier(field: str, headers: Path, started: Path) -> None:
    trust = json.loads((started / "trust.json").read_text())
    if field in ("step", "moho"):
        trust["predicates"][field]["condition"] = SigningKey(bytes([7]) * 32).public().raw.hex()
    else:
        other = {"epoch_start": 1, "next_bits": "207ffffe", "magic": "00000000", "block_hash": "22" * 32}
        trust["anchor"][field] = other[field]
    (started / "trust.json").write_text(json.dumps(trust))

    prove(headers, 0, started, "--network", "regtest").refused(2, str(started))
    here("verify-chain", "--data-dir", started).refused(1)


def test_a_lost_trust_file_is_asked_for(headers: Path, started: Path) -> None:
    right = (started / "trust.json").read_bytes()
    (started / "trust.json").unlink()

    here("verify-chain", "--data-dir", started).refused(2, "trust.json")
    prove(headers, 0, started, "--network", "regtest").refused(2, "trust.json")

    assert not (started / "trust.json").exists()
    (started / "trust.json").write_bytes(right)
    go_on(headers, started)
