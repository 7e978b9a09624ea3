"""The whole command line as a user types it: what each command prints, as text and as one JSON document."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from kit.cli_chains import DEMO_BLOCKS, DEMO_FORK, DEMO_UPGRADE, copy_of, flip, make_demo
from kit.cli_headers import regtest_headers
from kit.cli_run import Running, here, proofplane, prove
from proofplane.base.receipt import Receipt
from proofplane.cli.exits import INTERRUPTED
from proofplane.crypto.keyfile import load_or_create_key

SP1_PROGRAMS = [
    "0010bd9131991c632d564370bcd99415a0f24b91baf35311a7051f4a897485c1",
    "0040f228996377e03af318ad050f7ac466f27e776613992336862b1c9057b2a4",
    "0061de0996d4cc66d710d9ad80585ecaba0f64b9c089b606ad635c5d0408f59b",
    "00d0c2a2a163035da6766fd1fdb1cd044425e8b26faa69282fc8d8851452e6fc",
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo(tmp_path_factory.mktemp("demo") / "data")


@pytest.fixture(scope="module")
def exported(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "receipts"
    assert here("proofs", "export", folder, "--json", "--data-dir", demo).json() == {"directory": str(folder), "receipts": 2 * DEMO_BLOCKS}
    return folder


# One JSON document


def test_the_demo_prints_one_document_or_a_table_and_can_be_run_again(tmp_path: Path) -> None:
    done = proofplane("demo", "--json", "--blocks", 20, "--data-dir", tmp_path / "demo")

    document = done.json()
    assert (document["blocks"], document["reorgs"], document["verified"]["blocks"]) == (20, 1, 20)
    assert (document["lean"]["imported"], document["lean"]["reorgs"], document["lean"]["head_slot"]) == (23, 1, 24)
    assert "step proofs" in done.err, "progress belongs to standard error"
    assert "lean blocks 23/23" in done.err

    again = proofplane("demo", "--quiet", "--blocks", 20, "--data-dir", tmp_path / "demo").succeeded()
    assert again.err == ""
    chains = ("blocks of the chain", "reorgs handled", "step proofs", "recursive proofs", "proofs of orphans")
    for line in (*chains, "Lean blocks imported", "Lean reorgs handled", "XMSS signatures"):
        assert line in again.out
    assert "only" not in again.out
    assert "WRONG" not in again.out


def test_the_progress_of_the_demo_never_counts_more_proofs_than_there_will_be(tmp_path: Path) -> None:
    done = proofplane("demo", "--json", "--blocks", 20, "--data-dir", tmp_path / "demo")

    last = done.err.splitlines()[-1]
    assert "step proofs 20/20, recursive 20/20" in last


def test_prove_prints_one_document_and_progress_on_standard_error_only(tmp_path: Path) -> None:
    headers = regtest_headers(tmp_path / "headers.raw", 30)

    done = proofplane("prove", "--json", "--network", "regtest", "--headers", headers, "--first-height", 0, "--data-dir", tmp_path / "data")

    assert done.json()["recursive_proofs"] == 29
    assert "recursive 29/29" in done.err.splitlines()[-1]


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("verify-chain",),
        ("proofs", "list"),
        ("proofs", "list", "--all", "--limit", "1000"),
        ("proofs", "list", "--from-height", "100"),
        ("proofs", "show", "step", "7"),
        ("proofs", "show", "recursive", "7"),
    ],
    ids=" ".join,
)
def test_every_reading_command_prints_exactly_one_document(command: Sequence[str], demo: Path) -> None:
    done = here(*command, "--json", "--data-dir", demo)

    done.json()
    assert done.err == ""


def test_reading_changes_nothing(demo: Path, tmp_path: Path) -> None:
    data = copy_of(demo, tmp_path / "data")
    before = {file: file.read_bytes() for file in data.rglob("*") if file.is_file()}

    for command in (["status"], ["verify-chain"], ["proofs", "list", "--all"], ["proofs", "show", "step", "3"]):
        here(*command, "--data-dir", data).succeeded()

    assert {file: file.read_bytes() for file in data.rglob("*") if file.is_file()} == before


# Status and proofs


def test_status_counts_what_is_there(demo: Path) -> None:
    status = here("status", "--json", "--data-dir", demo).json()

    orphans = 3
    assert status["blocks"] == DEMO_BLOCKS
    assert status["tip"] == status["moho_tip"] == status["last_proven"]
    assert (status["step_proofs"], status["recursive_proofs"]) == (DEMO_BLOCKS + orphans, DEMO_BLOCKS + orphans)
    assert (status["planned"], status["in_flight"], status["failed"], status["failures"]) == (0, 0, 0, [])
    assert status["identity"] == here("verify-chain", "--json", "--data-dir", demo).json()["identity"]
    text = here("status", "--data-dir", demo).succeeded().out
    assert status["tip"] in text


def test_proofs_are_listed_by_height_and_orphans_only_when_asked_for(demo: Path) -> None:
    chain = here("proofs", "list", "--json", "--limit", 1000, "--data-dir", demo).json()
    everything = here("proofs", "list", "--json", "--all", "--limit", 1000, "--data-dir", demo).json()

    assert [(row["height"], row["kind"]) for row in chain] == [
        (height, kind) for height in range(1, DEMO_BLOCKS + 1) for kind in ("step", "recursive")
    ]
    assert {row["chain"] for row in chain} == {"canonical"}
    orphans = [row for row in everything if row["chain"] == "orphan"]
    assert sorted((row["height"], row["kind"]) for row in orphans) == [
        (height, kind) for height in range(DEMO_FORK + 1, DEMO_FORK + 4) for kind in ("recursive", "step")
    ]
    assert [row for row in everything if row["chain"] == "canonical"] == chain


def test_a_list_starts_and_ends_where_it_is_told_to(demo: Path) -> None:
    rows = here("proofs", "list", "--json", "--from-height", 8, "--limit", 3, "--data-dir", demo).json()

    assert [(row["height"], row["kind"]) for row in rows] == [(8, "step"), (8, "recursive"), (9, "step")]


def test_a_proof_is_shown_by_height_and_by_hash_also_of_an_orphan(demo: Path) -> None:
    everything = here("proofs", "list", "--json", "--all", "--limit", 1000, "--data-dir", demo).json()
    orphan = next(row for row in everything if row["chain"] == "orphan")

    by_hash = here("proofs", "show", orphan["kind"], orphan["block"], "--json", "--data-dir", demo).json()
    assert {name: by_hash[name] for name in orphan} == orphan
    assert len(by_hash["proof"]) == 128

    by_height = here("proofs", "show", "step", orphan["height"], "--json", "--data-dir", demo).json()
    assert by_height["chain"] == "canonical"
    assert by_height["block"] != orphan["block"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("step", "0"), "0:0f9188f1"),
        (("step", str(DEMO_BLOCKS + 1)), str(DEMO_BLOCKS + 1)),
        (("step", "9" * 30), "9" * 30),
        (("recursive", "ab" * 32), "ab" * 32),
        (("step", "tip"), "tip"),
        (("step", "-1"), "-1"),
        (("both", "1"), "both"),
    ],
)
def test_a_proof_that_is_not_there_is_named(arguments: tuple[str, ...], word: str, demo: Path) -> None:
    here("proofs", "show", *arguments, "--data-dir", demo).refused(2, word)


def test_status_and_proofs_are_readable_while_a_node_runs(tmp_path: Path) -> None:
    headers, data = regtest_headers(tmp_path / "headers.raw", 1201), tmp_path / "data"
    with Running("prove", "-q", "--network", "regtest", "--headers", headers, "--first-height", 0, "--data-dir", data) as node:
        while (status := here("status", "--json", "--data-dir", data)).code or not status.json()["last_proven"]:
            assert node.runs(), node.end()
        listed = here("proofs", "list", "--json", "--data-dir", data).json()
        shown = here("proofs", "show", "step", 1, "--json", "--data-dir", data).json()
        written = here("proofs", "export", tmp_path / "out", "--until", 1, "--json", "--data-dir", data).json()
        assert node.runs()
        node.end().succeeded()

    assert listed[0]["height"] == shown["height"] == 1
    assert written["receipts"] == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_as_interrupted_and_goes_on_at_the_next_start(number: signal.Signals, tmp_path: Path) -> None:
    headers, data = regtest_headers(tmp_path / "headers.raw", 1201), tmp_path / "data"
    with Running("prove", "-q", "--network", "regtest", "--headers", headers, "--first-height", 0, "--data-dir", data) as node:
        while (status := here("status", "--json", "--data-dir", data)).code or not status.json()["last_proven"]:
            assert node.runs(), node.end()
        node.signal(number)
        ended = node.end()

    assert (ended.code, ended.out) == (INTERRUPTED, ""), ended
    assert len(ended.err.splitlines()) <= 2, ended
    again = prove(headers, 0, data, "--network", "regtest", "--json")
    assert (again.json()["recursive_proofs"], again.err) == (1200, "")


# Exported receipts


def test_exported_receipts_verify_against_the_trust_file_beside_them_alone(exported: Path) -> None:
    files = sorted(exported.glob("*-recursive-*.receipt"))
    early = [file for file in sorted(exported.glob("*-step-*.receipt")) if int(file.name[:8]) <= DEMO_UPGRADE]

    verified = here("proofs", "verify", "--json", *files, *early).json()

    assert [row["kind"] for row in verified] == ["recursive"] * DEMO_BLOCKS + ["step"] * DEMO_UPGRADE
    assert len({row["from_block"] for row in verified[:DEMO_BLOCKS]}) == 1
    for one, after in zip(verified[DEMO_BLOCKS:], verified[DEMO_BLOCKS + 1 :], strict=False):
        assert one["to_block"] == after["from_block"]


def test_a_step_after_an_upgrade_needs_the_key_that_the_chain_has_then(exported: Path, demo: Path) -> None:
    late = next(exported.glob(f"{DEMO_UPGRADE + 1:08d}-step-*.receipt"))
    key = load_or_create_key(demo / "keys" / "step-2.key").public().raw.hex()

    here("proofs", "verify", late, "--step-key", key).succeeded()
    here("proofs", "verify", late).refused(1, late.name, "--step-key")


def test_any_flipped_bit_of_an_exported_receipt_is_refused(exported: Path, tmp_path: Path) -> None:
    for kind in ("step", "recursive"):
        raw = next(exported.glob(f"00000005-{kind}-*.receipt")).read_bytes()
        unnoticed = []
        for offset in range(len(raw)):
            (tmp_path / "damaged.receipt").write_bytes(flip(raw, offset))
            done = here("proofs", "verify", tmp_path / "damaged.receipt", "--trust", exported / "trust.json")
            if done.code != 1:
                unnoticed.append(offset)
        start = raw.index(Receipt.decode(raw).version.encode())
        provenance = range(start, start + len(Receipt.decode(raw).version))  # the one thing that nothing signs
        assert set(unnoticed) <= set(provenance), kind


@pytest.mark.parametrize(
    ("damage", "code", "word"),
    [
        (lambda raw: raw[:-1], 1, "receipt"),
        (lambda raw: raw + b"x", 1, "receipt"),
        (lambda raw: b"", 1, "receipt"),
        (lambda raw: b"hello\n", 1, "receipt"),
    ],
    ids=["cut", "longer", "empty", "text"],
)
def test_what_is_no_receipt_is_refused(damage: object, code: int, word: str, exported: Path, tmp_path: Path) -> None:
    raw = next(exported.glob("00000005-step-*.receipt")).read_bytes()
    assert callable(damage)
    (tmp_path / "bad.receipt").write_bytes(damage(raw))

    here("proofs", "verify", tmp_path / "bad.receipt", "--trust", exported / "trust.json").refused(code, "bad.receipt", word)


def test_a_receipt_that_is_not_there_a_trust_file_that_is_not_there_and_another_chains_are_refused(exported: Path, tmp_path: Path) -> None:
    receipt = next(exported.glob("00000005-recursive-*.receipt"))
    headers = regtest_headers(tmp_path / "headers.raw", 3)
    prove(headers, 0, tmp_path / "other", "--network", "regtest").succeeded()

    here("proofs", "verify", exported / "absent.receipt").refused(2, "absent.receipt")
    here("proofs", "verify", receipt, "--trust", tmp_path / "absent.json").refused(2, "absent.json")
    here("proofs", "verify", receipt, "--trust", tmp_path / "other" / "trust.json").refused(1, receipt.name)
    here("proofs", "verify", receipt, "--step-key", "zz").refused(2, "--step-key")
    here("proofs", "verify", next(exported.glob("00000005-step-*")), "--step-key", "aa").refused(2, "--step-key")


# SP1


@pytest.mark.data
@pytest.mark.parametrize("program", SP1_PROGRAMS, ids=[program[:8] for program in SP1_PROGRAMS])
def test_a_real_sp1_proof_verifies_under_its_program(program: str, data_dir: Path) -> None:
    key = data_dir / "sp1" / "sp1_groth16_vk_v5.bin"
    done = here("proofs", "verify-sp1", data_dir / "sp1" / f"{program}.bin", "--program", program, "--vk", key, "--json")

    found = done.json()
    assert (found["verified"], found["program"]) == (True, program)
    assert found["to_block"] == "000000000000000000000c835b2adcaedc20fdf6ee440009c249452c726dafae"


@pytest.mark.data
@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("another program", 1),
        ("program off by one", 1),
        ("flipped proof", 1),
        ("flipped values", 1),
        ("cut proof", 1),
        ("flipped key", 1),
        ("cut key", 2),
        ("proof as key", 2),
        ("no key", 2),
        ("no proof", 2),
        ("no hex", 2),
        ("short program", 2),
    ],
)
def test_an_sp1_proof_with_anything_wrong_is_refused(damage: str, code: int, data_dir: Path, tmp_path: Path) -> None:
    folder, program = data_dir / "sp1", SP1_PROGRAMS[0]
    proof, key = (folder / f"{program}.bin").read_bytes(), (folder / "sp1_groth16_vk_v5.bin").read_bytes()
    match damage:
        case "another program":
            program = SP1_PROGRAMS[1]
        case "program off by one":
            program = f"{int(program, 16) + 1:064x}"
        case "flipped proof":
            proof = flip(proof, 100)
        case "flipped values":
            proof = flip(proof, 300)
        case "cut proof":
            proof = proof[:-1]
        case "flipped key":
            key = flip(key, 300)
        case "cut key":
            key = key[:-1]
        case "proof as key":
            key = proof
        case "no hex":
            program = "zz"
        case "short program":
            program = program[:-2]
    for name, content in (("proof", proof), ("key", key)):
        if damage != f"no {name}":
            (tmp_path / name).write_bytes(content)

    here("proofs", "verify-sp1", tmp_path / "proof", "--program", program, "--vk", tmp_path / "key").refused(code)


# Arguments


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("frobnicate",), "frobnicate"),
        (("--frob",), "--frob"),
        (("prove",), "--headers"),
        (("prove", "--headers", "a", "--block", "b"), "not several"),
        (("prove", "--headers", "a", "--bitcoind", "http://x"), "not several"),
        (("prove", "--headers", "a"), "--first-height"),
        (("prove", "--headers", "a", "--first-height", "-1"), "--first-height"),
        (("prove", "--headers", "a", "--first-height", "0", "--network", "signet"), "signet"),
        (("prove", "--headers", "a", "--first-height", "0", "--cores", "0"), "--cores"),
        (("prove", "--headers", "a", "--first-height", "0", "--processes", "many"), "--processes"),
        (("prove", "--headers", "a", "--first-height", "0", "--height", "5"), "--height"),
        (("prove", "--headers", "a", "--first-height", "0", "--user", "me"), "--user"),
        (("prove", "--block", "a", "--until", "5"), "--until"),
        (("prove", "--block", "a", "--first-height", "5"), "--first-height"),
        (("demo", "--blocks", "19"), "19"),
        (("proofs", "list", "--limit", "0"), "--limit"),
        (("proofs", "frobnicate"), "frobnicate"),
        (("proofs", "verify"), "RECEIPTS"),
        (("status", "--config", "absent.toml"), "absent.toml"),
        (("status", "extra"), "extra"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_arguments_are_one_or_two_lines_that_name_them(arguments: tuple[str, ...], word: str) -> None:
    here(*arguments).refused(2, word)


CHAIN_COMMANDS = [("chain",), *(("chain", name) for name in ("generate", "import", "head", "state", "block", "vectors"))]


@pytest.mark.parametrize(
    "command", [(), ("prove",), ("demo",), ("status",), ("proofs",), ("proofs", "list"), ("verify-chain",), *CHAIN_COMMANDS]
)
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    done = here(*command, "--help").succeeded()

    assert done.out.startswith("Usage: proofplane")
    assert done.err == ""


def test_flags_win_over_the_environment_and_that_over_the_file(demo: Path, tmp_path: Path) -> None:
    (tmp_path / "node.toml").write_text(json.dumps("nowhere").join(["[node]\ndata_dir = ", "\n"]))

    proofplane("status", "--json", "--config", tmp_path / "node.toml").refused(2, "nowhere")
    proofplane("status", "--json", "--config", tmp_path / "node.toml", env={"PROOFPLANE_NODE_DATA_DIR": str(demo)}).json()
    proofplane("status", "--json", "--data-dir", demo, env={"PROOFPLANE_NODE_DATA_DIR": "nowhere"}).json()
    proofplane("status", env={"PROOFPLANE_NODE_FROB": "1"}).refused(2, "PROOFPLANE_NODE_FROB")
