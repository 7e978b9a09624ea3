"""The independent check: one wrong byte, one missing thing, one foreign key, and it refuses and says at which block."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kit.cli_chains import DEMO_BLOCKS, DEMO_FORK, copy_of, flip, make_demo, rows_of
from kit.cli_headers import regtest_headers
from kit.cli_run import Running, here, proofplane
from proofplane.base.ids import BlockCommitment, Height
from proofplane.base.proof_id import RecursiveId, StepId
from proofplane.base.receipt import Receipt
from proofplane.crypto.schnorr import SigningKey
from proofplane.storage.database import DATABASE_NAME

NAMES_A_BLOCK = re.compile(r"\b(block \d+|height \d+|\d+:[0-9a-f]{64})\b")

CANONICAL = "key IN (SELECT key FROM leaves)"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished demo with an upgrade and a reorg; read it, or copy it."""
    return make_demo(tmp_path_factory.mktemp("demo") / "data")


@pytest.fixture
def data(demo: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return copy_of(demo, tmp_path / "data")


def refused(data: Path) -> str:
    """What the check says when it refuses; fails unless it does, with exit code 1, and names a block."""
    done = here("verify-chain", "--data-dir", data)
    done.refused(1)
    assert NAMES_A_BLOCK.search(done.err), done
    return done.err


def block_at(data: Path, height: int) -> BlockCommitment:
    with rows_of(data) as rows:
        (key,) = rows.execute("SELECT key FROM leaves WHERE height = ?", (height,)).fetchone()
    return BlockCommitment.from_key(key)


def test_a_finished_chain_holds_with_counts_per_kind_of_proof(demo: Path) -> None:
    report = proofplane("verify-chain", "--json", "--data-dir", demo).json()

    assert report["blocks"] == DEMO_BLOCKS
    assert report["step_proofs"] == report["recursive_proofs"] == {"native": DEMO_BLOCKS}
    assert report["orphan_proofs"] == 6
    assert report["tip"] == str(block_at(demo, DEMO_BLOCKS))
    assert report["anchor"].startswith("0:")


# One byte


ARTEFACTS = [
    ("anchors", column, f"header IS NOT NULL AND {CANONICAL}")
    for column in ("key", "block_id", "parent", "header", "payload", "state", "commitment", "manifest", "manifest_hash", "aux")
] + [
    ("anchors", "state", "header IS NULL"),
    ("anchors", "commitment", "header IS NULL"),
    ("anchor_tip", "key", "1"),
    ("leaves", "key", "1"),
    ("leaves", "hash", "1"),
    ("nodes", "hash", "1"),
    ("moho", "key", CANONICAL),
    ("moho", "state", CANONICAL),
    ("moho", "commitment", CANONICAL),
    ("moho", "predicate", CANONICAL),
    ("moho", "opening", CANONICAL),
    ("moho_exports", "entry", "1"),
    ("moho_tip", "key", "1"),
    ("proofs", "key", "1"),
    ("proofs", "receipt", "1"),
]


@pytest.mark.parametrize(
    ("table", "column", "where"), ARTEFACTS, ids=[f"{table}.{column} {where[:14]}" for table, column, where in ARTEFACTS]
)
def test_one_flipped_bit_in_a_stored_artefact_is_refused(table: str, column: str, where: str, demo: Path, tmp_path: Path) -> None:
    choose = random.Random(f"{table}.{column}")
    for number in range(4):
        data = copy_of(demo, tmp_path / str(number))
        with rows_of(data) as rows:
            names = [name for (name,) in rows.execute("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", (table,))]
            found = rows.execute(f"SELECT {column}, {', '.join(names)} FROM {table} WHERE {where} AND length({column}) > 0").fetchall()
            value, *key = choose.choice(found)
            damaged = flip(value, choose.randrange(len(value)), choose.randrange(8))
            chosen = " AND ".join(f"{name} = ?" for name in names)
            assert rows.execute(f"UPDATE {table} SET {column} = ? WHERE {chosen}", (damaged, *key)).rowcount == 1
        refused(data)


@pytest.mark.parametrize("kind", [StepId.of, RecursiveId], ids=["step", "recursive"])
def test_every_byte_of_a_receipt_counts(kind: type[RecursiveId], demo: Path, tmp_path: Path) -> None:
    data = copy_of(demo, tmp_path / "data")
    key = kind(block_at(data, 7)).key()
    with rows_of(data) as rows:
        (receipt,) = rows.execute("SELECT receipt FROM proofs WHERE key = ?", (key,)).fetchone()
    unnoticed = []
    for offset in range(0, len(receipt), 3):
        with rows_of(data) as rows:
            rows.execute("UPDATE proofs SET receipt = ? WHERE key = ?", (flip(receipt, offset), key))
        if here("verify-chain", "--data-dir", data).code != 1:
            unnoticed.append(offset)
    assert not unnoticed


# Something is missing


@pytest.mark.parametrize("kind", [StepId.of, RecursiveId], ids=["step", "recursive"])
@pytest.mark.parametrize("height", [1, DEMO_FORK + 1, DEMO_BLOCKS])
def test_a_missing_proof_is_refused_and_its_block_named(kind: type[RecursiveId], height: int, data: Path) -> None:
    block = block_at(data, height)
    with rows_of(data) as rows:
        assert rows.execute("DELETE FROM proofs WHERE key = ?", (kind(block).key(),)).rowcount == 1

    assert str(block) in refused(data)


@pytest.mark.parametrize("table", ["anchors", "leaves", "moho"])
@pytest.mark.parametrize("height", [1, 17, DEMO_BLOCKS])
def test_a_missing_row_of_a_block_is_refused_and_the_block_or_its_neighbour_named(table: str, height: int, data: Path) -> None:
    block = block_at(data, height)
    with rows_of(data) as rows:
        assert rows.execute(f"DELETE FROM {table} WHERE key = ?", (block.key(),)).rowcount == 1

    message = refused(data)

    assert any(str(near) in message for near in (block, *neighbours(data, height)))


def neighbours(data: Path, height: int) -> Iterator[BlockCommitment]:
    for near in (height - 1, height + 1):
        if 1 <= near <= DEMO_BLOCKS:
            yield block_at(data, near)


def test_a_missing_anchor_row_is_refused(data: Path) -> None:
    with rows_of(data) as rows:
        rows.execute("DELETE FROM anchors WHERE header IS NULL")

    refused(data)


def test_a_chain_cut_at_its_end_is_refused(data: Path) -> None:
    with rows_of(data) as rows:
        for table in ("anchors", "leaves", "moho", "proofs"):
            rows.execute(f"DELETE FROM {table} WHERE key >= ?", (Height(DEMO_BLOCKS - 4).to_bytes(4, "big"),))

    assert str(DEMO_BLOCKS) in refused(data)


def test_an_empty_database_or_one_without_tables_is_refused_with_exit_code_1_or_2(data: Path) -> None:
    with rows_of(data) as rows:
        rows.execute("DELETE FROM anchor_tip")
    here("verify-chain", "--data-dir", data).refused(1, "tip")

    (data / DATABASE_NAME).write_bytes(b"")
    here("verify-chain", "--data-dir", data).refused(2, DATABASE_NAME)


def test_a_damaged_file_never_ends_in_a_traceback(demo: Path, tmp_path: Path) -> None:
    choose = random.Random("file")
    data = copy_of(demo, tmp_path / "data")
    raw = (demo / DATABASE_NAME).read_bytes()
    codes = []
    for _ in range(60):
        (data / DATABASE_NAME).write_bytes(flip(raw, choose.randrange(len(raw)), choose.randrange(8)))
        done = here("verify-chain", "--data-dir", data)
        if done.code:
            done.refused(done.code)
        codes.append(done.code)

    assert set(codes) <= {0, 1, 2, 5}  # 0: free space, an index, or a table that the check does not read
    assert 1 in codes


# Keys come from artefacts


def swap(data: Path, first: bytes, second: bytes) -> None:
    """Exchanges the receipts of two rows, with their digests."""
    with rows_of(data) as rows:
        found = {key: rest for key, *rest in rows.execute("SELECT key, receipt, digest FROM proofs WHERE key IN (?, ?)", (first, second))}
        rows.execute("UPDATE proofs SET receipt = ?, digest = ? WHERE key = ?", (*found[second], first))
        rows.execute("UPDATE proofs SET receipt = ?, digest = ? WHERE key = ?", (*found[first], second))


@pytest.mark.parametrize("kind", [StepId.of, RecursiveId], ids=["step", "recursive"])
def test_receipts_swapped_between_two_blocks_are_refused(kind: type[RecursiveId], data: Path) -> None:
    first, second = block_at(data, 5), block_at(data, 6)
    swap(data, kind(first).key(), kind(second).key())

    assert str(first) in refused(data)


def test_receipts_swapped_between_the_step_and_the_recursive_proof_of_a_block_are_refused(data: Path) -> None:
    block = block_at(data, 5)
    swap(data, StepId.of(block).key(), RecursiveId(block).key())

    assert str(block) in refused(data)


def test_receipts_swapped_between_a_block_and_an_orphan_of_its_height_are_refused(data: Path) -> None:
    block = block_at(data, DEMO_FORK + 1)
    with rows_of(data) as rows:
        query = "SELECT key FROM anchors WHERE substr(key, 1, 4) = ? AND key <> ?"
        (orphan,) = rows.execute(query, (block.key()[:4], block.key())).fetchone()
    swap(data, StepId.of(block).key(), StepId.of(BlockCommitment.from_key(orphan)).key())

    assert f"{block.height}:" in refused(data)


def test_a_proof_under_a_key_that_the_chain_has_replaced_is_refused(data: Path) -> None:
    """The old step key signs a step after the upgrade; the row cannot say which key counts."""
    block = block_at(data, DEMO_BLOCKS)
    old = (data / "keys" / "step.key").read_text()
    with rows_of(data) as rows:
        (raw,) = rows.execute("SELECT receipt FROM proofs WHERE key = ?", (StepId.of(block).key(),)).fetchone()
        receipt = Receipt.decode(raw)
        proof = SigningKey(bytes.fromhex(old)).sign(receipt.public_values)
        rows.execute("UPDATE proofs SET receipt = ? WHERE key = ?", (replace(receipt, proof=proof).encode(), StepId.of(block).key()))

    assert str(block) in refused(data)


# What it believes


def test_a_foreign_trust_file_of_the_same_chain_is_refused(demo: Path, tmp_path: Path) -> None:
    other = make_demo(tmp_path / "other")

    here("verify-chain", "--data-dir", demo, "--trust", other / "trust.json").refused(1)
    here("verify-chain", "--data-dir", other, "--trust", demo / "trust.json").refused(1)
    here("verify-chain", "--data-dir", demo, "--trust", demo / "trust.json").succeeded()


@pytest.mark.parametrize("which", ["step", "moho"])
def test_one_foreign_key_in_the_trust_file_is_refused(which: str, demo: Path, tmp_path: Path) -> None:
    trust = json.loads((demo / "trust.json").read_text())
    trust["predicates"][which]["condition"] = SigningKey(bytes([9]) * 32).public().raw.hex()
    (tmp_path / "trust.json").write_text(json.dumps(trust))

    here("verify-chain", "--data-dir", demo, "--trust", tmp_path / "trust.json").refused(1)


@pytest.mark.checklist(80)
def test_it_needs_no_keys_no_lock_and_nothing_of_proving(demo: Path, tmp_path: Path) -> None:
    shutil.copy(demo / DATABASE_NAME, tmp_path)
    shutil.copy(demo / "trust.json", tmp_path)
    script = (
        "import sys\n"
        "from proofplane.cli.main import run\n"
        f"code = run(['verify-chain', '--data-dir', {str(tmp_path)!r}])\n"
        "print(*(name for name in sys.modules if name.startswith('proofplane')))\n"
        "sys.exit(code)\n"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)

    loaded = done.stdout.splitlines()[-1].split()
    assert "proofplane.node.verify_chain" in loaded
    assert [name for name in loaded if name.startswith(("proofplane.proving", "proofplane.service"))] == []


def test_a_running_node_is_not_disturbed_and_its_finished_part_is_checked(tmp_path: Path) -> None:
    headers = regtest_headers(tmp_path / "headers.raw", 3001)
    data = tmp_path / "data"
    arguments = ("--headers", headers, "--first-height", 0, "--network", "regtest", "--data-dir", data)
    with Running("prove", *arguments, "--quiet", "--json") as node:
        while (status := here("status", "--json", "--data-dir", data)).code or not status.json()["blocks"]:
            assert node.runs(), node.end()
        beside = here("verify-chain", "--data-dir", data)
        assert node.runs()
        ended = node.end()

    beside.refused(1, "block")  # what belongs to the tip is still to come
    assert ended.err == ""
    assert ended.json()["blocks"] == 3000
    here("verify-chain", "--data-dir", data).succeeded()
