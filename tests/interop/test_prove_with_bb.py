"""Real mainnet headers proved by circuits with the real `bb` and genuine points; another process checks them, and every lie is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.cli_chains import copy_of, flip, rows_of
from kit.cli_headers import regtest_headers
from kit.cli_run import Ended, here, proofplane
from kit.honk_node import environment, proving
from proofplane.anchor import ssz
from proofplane.base.ids import BlockCommitment
from proofplane.base.proof_id import StepId
from proofplane.base.receipt import Receipt
from proofplane.crypto.hashes import sha256
from proofplane.node.data_dir import TrustRoot
from proofplane.node.header_check import step_predicate

START, UNTIL = 45_000, 45_003

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def bb(data_dir: Path) -> dict[str, str]:
    """Where `bb` and its points are."""
    return environment(data_dir)


@pytest.fixture(scope="module")
def run(bb: dict[str, str], data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """A finished data directory, and what the run that made it said."""
    data = tmp_path_factory.mktemp("proved") / "data"
    return data, proofplane(*proving(data_dir, data, START, UNTIL), env=bb).succeeded()


@pytest.fixture(scope="module")
def proved(run: tuple[Path, Ended]) -> Path:
    """The data directory; read it, or copy it."""
    return run[0]


@pytest.fixture
def at_hand(bb: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets commands that run inside this process find `bb`."""
    for name, value in bb.items():
        monkeypatch.setenv(name, value)


def step_key(data: Path, height: int) -> bytes:
    with rows_of(data) as rows:
        (key,) = rows.execute("SELECT key FROM leaves WHERE height = ?", (height,)).fetchone()
    return StepId.of(BlockCommitment.from_key(key)).key()


def receipt_at(data: Path, height: int) -> Receipt:
    with rows_of(data) as rows:
        (raw,) = rows.execute("SELECT receipt FROM proofs WHERE key = ?", (step_key(data, height),)).fetchone()
    return Receipt.decode(raw)


def put(data: Path, height: int, raw: bytes) -> None:
    """Stores a receipt with the digest that fits it: only the proof can give the change away."""
    with rows_of(data) as rows:
        changed = rows.execute(
            "UPDATE proofs SET receipt = ?, digest = ? WHERE key = ?", (raw, sha256(raw), step_key(data, height))
        ).rowcount
    assert changed == 1


def test_the_summary_has_the_counts_and_the_time_of_each_proof(run: tuple[Path, Ended]) -> None:
    summary = run[1].json()

    assert (summary["backend"], summary["network"], summary["mode"]) == ("barretenberg", "mainnet", "headers-only")
    assert (summary["blocks"], summary["step_proofs"], summary["recursive_proofs"], summary["failed"]) == (3, 3, 3, 0)
    times = summary["step_seconds"]
    assert times["proofs"] == 3
    assert 0 < times["min"] <= times["p50"] <= times["max"]


def test_another_process_verifies_them_with_bb_and_counts_them_by_kind(proved: Path, bb: dict[str, str]) -> None:
    report = proofplane("verify-chain", "--json", "--data-dir", proved, env=bb).json()

    assert report["blocks"] == 3
    assert report["step_proofs"] == {"ultra_honk": 3}
    assert report["recursive_proofs"] == {"native": 3}


@pytest.mark.usefixtures("at_hand")
def test_people_are_shown_the_kinds_by_their_names(proved: Path) -> None:
    shown = here("verify-chain", "--data-dir", proved).succeeded().out

    assert "3 UltraHonk\n" in shown
    assert "3 native\n" in shown


def test_the_trust_root_names_the_committed_keys_and_there_is_no_step_key(proved: Path) -> None:
    assert TrustRoot.read(proved).step_predicate == step_predicate()
    assert [path.name for path in (proved / "keys").iterdir()] == ["moho.key"]


@pytest.mark.usefixtures("at_hand")
def test_status_says_which_backend_and_why_recursive_proofs_are_native(proved: Path) -> None:
    status = here("status", "--json", "--data-dir", proved).json()

    assert (status["backend"], status["step_proofs"], status["recursive_proofs"]) == ("barretenberg", 3, 3)
    for word in ("native attestations", "2,097,152", "32,769"):
        assert word in status["recursion"]


@pytest.mark.usefixtures("at_hand")
def test_a_flipped_bit_anywhere_in_what_a_receipt_carries_is_refused_and_its_block_named(proved: Path, tmp_path: Path) -> None:
    receipt = receipt_at(proved, 45_002)
    raw = receipt.encode()
    begin = raw.index(receipt.proof)
    circuit_proof = range(begin + 2, begin + 2 + ssz.HONK_PROOF)
    places = {
        "version": begin,
        "circuit": begin + 1,
        "first of the circuit's proof": circuit_proof[31],
        "middle of it": circuit_proof[len(circuit_proof) // 2],
        "last of it": circuit_proof[-1],
        "siblings": circuit_proof[-1] + 1,
        "state before": begin + 2 + ssz.HONK_PROOF + 64 + 8 + 20,
        "state after": begin + len(receipt.proof) - 40,
        "claim": raw.index(receipt.public_values),
    }
    unnoticed = []
    for what, place in places.items():
        data = copy_of(proved, tmp_path / what)
        put(data, 45_002, flip(raw, place))
        done = here("verify-chain", "--data-dir", data)
        if done.code != 1 or "block 45002:" not in done.err:
            unnoticed.append((what, done))
    assert unnoticed == []


@pytest.mark.usefixtures("at_hand")
def test_a_proof_of_another_step_in_an_honest_receipt_is_refused(proved: Path, tmp_path: Path) -> None:
    """Everything but the circuit's proof is right: only `bb` can tell."""
    data = copy_of(proved, tmp_path / "data")
    mine, other = receipt_at(data, 45_002), receipt_at(data, 45_003)
    end = 2 + ssz.HONK_PROOF
    forged = mine.proof[:2] + other.proof[2:end] + mine.proof[end:]
    put(data, 45_002, mine.encode().replace(mine.proof, forged))

    here("verify-chain", "--data-dir", data).refused(1, "step proof of block 45002:", "does not verify")


def test_without_bb_nothing_is_said_about_the_chain(proved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PROOFPLANE_CACHE": str(tmp_path), "PROOFPLANE_BB": "", "CRS_PATH": ""}.items():
        monkeypatch.setenv(name, value)

    here("verify-chain", "--data-dir", proved).refused(3, "could not be checked", "proofplane bb setup")
    here("status", "--data-dir", proved).succeeded()


@pytest.mark.usefixtures("at_hand")
def test_one_exported_receipt_is_verified_by_itself_and_a_damaged_one_refused(proved: Path, tmp_path: Path) -> None:
    here("proofs", "export", tmp_path, "--data-dir", proved, "--from-height", 45_002, "--until", 45_002).succeeded()
    (step,) = tmp_path.glob("*-step-*.receipt")

    (claim,) = here("proofs", "verify", step, "--json").json()
    assert claim["kind"] == "step"
    assert claim["predicate"] == str(step_predicate())

    step.write_bytes(flip(step.read_bytes(), 4_000))
    here("proofs", "verify", step).refused(1, step.name)


@pytest.mark.usefixtures("at_hand")
def test_a_trust_root_of_other_circuits_is_refused(proved: Path, tmp_path: Path) -> None:
    trust = json.loads((proved / "trust.json").read_text())
    trust["predicates"]["step"]["condition"] = "00" * 64
    (tmp_path / "trust.json").write_text(json.dumps(trust))

    here("verify-chain", "--data-dir", proved, "--trust", tmp_path / "trust.json").refused(1)


# Refused before anything is written


@pytest.mark.usefixtures("at_hand")
def test_a_data_directory_of_one_backend_is_not_gone_on_with_by_the_other(proved: Path, data_dir: Path, tmp_path: Path) -> None:
    circuits = proving(data_dir, proved, START, UNTIL)
    native = [one for one in circuits if one not in ("--backend", "barretenberg")]
    here(*native).refused(2, "--backend barretenberg, not native")

    proofplane(*[tmp_path / "native" if one == proved else one for one in native]).succeeded()
    here(*[tmp_path / "native" if one == proved else one for one in circuits]).refused(2, "--backend native, not barretenberg")


def refusals(data_dir: Path, bb: dict[str, str], tmp_path: Path) -> Iterator[tuple[int, str, tuple[object, ...], dict[str, str]]]:
    """(exit code, word, command, environment)"""
    prove = proving(data_dir, tmp_path / "data", START, UNTIL)
    empty = tmp_path / "empty"
    empty.mkdir()
    yield 4, "proofplane bb setup", prove, {**bb, "PROOFPLANE_CACHE": str(empty), "PROOFPLANE_BB": ""}
    yield 4, "proofplane bb setup", prove, {**bb, "CRS_PATH": str(empty)}
    regtest = regtest_headers(tmp_path / "headers.raw", 4)
    source = ("--network", "regtest", "--headers", regtest, "--first-height", 0, "--data-dir", tmp_path / "data")
    yield 2, "mainnet", ("prove", "--backend", "barretenberg", *source), bb
    block = data_dir / "bitcoin" / "mainnet-block-702861.raw"
    at = ("--block", block, "--epoch-start-time", 1_632_234_876, "--data-dir", tmp_path / "data")
    yield 2, "headers only", ("prove", "--backend", "barretenberg", *at), bb


def test_what_cannot_be_proved_here_is_refused_before_anything_is_written(data_dir: Path, bb: dict[str, str], tmp_path: Path) -> None:
    for code, word, command, env in refusals(data_dir, bb, tmp_path):
        with pytest.MonkeyPatch.context() as patch:
            for name, value in env.items():
                patch.setenv(name, value)
            here(*command).refused(code, word)
        assert not (tmp_path / "data").exists()


# The acceptance ranges


@pytest.mark.slow
@pytest.mark.parametrize(("start", "until"), [(45_000, 45_030), (46_366, 46_370)], ids=["30 headers", "across a retarget"])
def test_a_range_of_real_headers_is_proved_and_verified_by_another_process(
    start: int, until: int, data_dir: Path, bb: dict[str, str], tmp_path: Path
) -> None:
    summary = proofplane(*proving(data_dir, tmp_path / "data", start, until), env=bb).json()
    report = proofplane("verify-chain", "--json", "--data-dir", tmp_path / "data", env=bb).json()

    assert summary["step_seconds"]["proofs"] == until - start
    assert report["step_proofs"] == {"ultra_honk": until - start}
    assert report["recursive_proofs"] == {"native": until - start}
    circuits = {receipt_at(tmp_path / "data", height).proof[1] for height in range(start + 1, until + 1)}
    assert circuits == ({0, 1} if start == 46_366 else {0})
