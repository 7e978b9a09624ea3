"""Data directories: made once, locked, tied to one chain and its keys."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kit.anchor_node import params_at
from proofplane.anchor.regtest import RegtestChain
from proofplane.anchor.types import AnchorParams, Quorum
from proofplane.base.ids import Hash32
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.crypto.keyfile import KeyFileUnusable
from proofplane.crypto.schnorr import SigningKey
from proofplane.node.data_dir import TRUST_NAME, DataDirectory, MalformedTrust, TrustRoot, WrongBackend, WrongChain, write_durably
from proofplane.storage.errors import DirectoryInUse, DirectoryUnusable

CHAIN = RegtestChain(b"data directory")


@pytest.fixture
def params() -> AnchorParams:
    return params_at(CHAIN, CHAIN.genesis, exports=True, upgrade=Quorum((Hash32(SigningKey(b"\x01" * 32).public().raw),), 1))


def test_a_new_directory_gets_lock_keys_and_trust_root_and_keeps_them(params: AnchorParams, tmp_path: Path) -> None:
    with DataDirectory(tmp_path / "data", params) as first:
        trust = first.trust
        assert {path.name for path in first.key_files} == {"step.key", "moho.key"}
        assert all(path.stat().st_mode & 0o077 == 0 for path in first.key_files)
        assert (tmp_path / "data" / "keys").stat().st_mode & 0o077 == 0
    with DataDirectory(tmp_path / "data", params) as second:
        assert second.trust == trust == TrustRoot.read(tmp_path / "data")


def test_step_and_moho_keys_are_different(params: AnchorParams, tmp_path: Path) -> None:
    with DataDirectory(tmp_path, params) as directory:
        assert directory.trust.step_predicate != directory.trust.moho_predicate


def test_a_directory_in_use_is_refused_until_it_is_given_free(params: AnchorParams, tmp_path: Path) -> None:
    with DataDirectory(tmp_path, params), pytest.raises(DirectoryInUse, match=str(os.getpid())):
        DataDirectory(tmp_path, params)
    DataDirectory(tmp_path, params).__exit__(None, None, None)


OTHER: dict[str, Callable[[AnchorParams], AnchorParams]] = {
    "magic": lambda params: replace(params, magic=b"ABCD"),
    "next_bits": lambda params: replace(params, next_bits=0x207FFFFE),
    "epoch_start": lambda params: replace(params, epoch_start=7),
    "exports": lambda params: replace(params, exports=False),
    "upgrade": lambda params: replace(params, upgrade=None),
}


@pytest.mark.parametrize("field", OTHER)
def test_other_parameters_are_another_chain_and_the_lock_is_given_back(field: str, params: AnchorParams, tmp_path: Path) -> None:
    DataDirectory(tmp_path, params).__exit__(None, None, None)

    for _ in range(2):
        with pytest.raises(WrongChain, match="another chain"):
            DataDirectory(tmp_path, OTHER[field](params))

    DataDirectory(tmp_path, params).__exit__(None, None, None)


def test_the_message_of_a_wrong_chain_says_what_differs(params: AnchorParams, tmp_path: Path) -> None:
    DataDirectory(tmp_path, params).__exit__(None, None, None)

    with pytest.raises(WrongChain) as caught:
        DataDirectory(tmp_path, replace(params, epoch_start=7))

    assert "epoch" in str(caught.value)


def test_other_keys_than_the_trust_roots_are_refused(params: AnchorParams, tmp_path: Path) -> None:
    DataDirectory(tmp_path, params).__exit__(None, None, None)
    key = tmp_path / "keys" / "moho.key"
    key.write_text("07" * 32 + "\n")

    with pytest.raises(WrongChain, match="keys"):
        DataDirectory(tmp_path, params)


def test_a_lost_key_is_not_made_anew_beside_a_trust_root_that_names_it(params: AnchorParams, tmp_path: Path) -> None:
    DataDirectory(tmp_path, params).__exit__(None, None, None)
    (tmp_path / "keys" / "moho.key").unlink()

    with pytest.raises((WrongChain, KeyFileUnusable)):
        DataDirectory(tmp_path, params)

    assert not (tmp_path / "keys" / "moho.key").exists()


def test_a_database_without_a_trust_file_is_not_adopted(params: AnchorParams, tmp_path: Path) -> None:
    with DataDirectory(tmp_path, params) as directory:
        directory.database.touch()
    (tmp_path / TRUST_NAME).unlink()

    with pytest.raises(WrongChain, match=TRUST_NAME):
        DataDirectory(tmp_path, params)


def test_a_further_key_is_found_again_and_listed(params: AnchorParams, tmp_path: Path) -> None:
    with DataDirectory(tmp_path, params) as directory:
        made = directory.add_key("step-2")
        assert directory.add_key("step-2") == made
        assert made.kind == PredicateKind.SCHNORR
        assert len(directory.key_files) == 3


# Backends

CIRCUITS = Predicate(PredicateKind.ULTRA_HONK, bytes(range(64)))


def test_where_circuits_prove_the_steps_there_is_no_step_key(params: AnchorParams, tmp_path: Path) -> None:
    for _ in range(2):
        with DataDirectory(tmp_path, params, step_predicate=CIRCUITS) as directory:
            assert directory.trust.step_predicate == CIRCUITS
            assert directory.trust.moho_predicate.kind == PredicateKind.SCHNORR
            assert [path.name for path in directory.key_files] == ["moho.key"]


def test_a_directory_made_with_the_other_backend_is_refused_and_both_are_named(params: AnchorParams, tmp_path: Path) -> None:
    DataDirectory(tmp_path / "native", params).__exit__(None, None, None)
    DataDirectory(tmp_path / "circuits", params, step_predicate=CIRCUITS).__exit__(None, None, None)

    with pytest.raises(WrongBackend, match="--backend native, not barretenberg"):
        DataDirectory(tmp_path / "native", params, step_predicate=CIRCUITS)
    with pytest.raises(WrongBackend, match="--backend barretenberg, not native"):
        DataDirectory(tmp_path / "circuits", params)
    assert not (tmp_path / "circuits" / "keys" / "step.key").exists()


def test_steps_under_a_predicate_that_no_backend_meets_are_named_and_no_backend_is_advised(params: AnchorParams, tmp_path: Path) -> None:
    DataDirectory(tmp_path, params, step_predicate=CIRCUITS).__exit__(None, None, None)
    trust = TrustRoot.read(tmp_path)
    other = replace(trust, step_predicate=Predicate(PredicateKind.SP1_GROTH16, b"\x07" * 32))
    (tmp_path / TRUST_NAME).write_text(other.to_json())

    for asked in (None, CIRCUITS):
        with pytest.raises(WrongChain, match="sp1-groth16:0707") as caught:
            DataDirectory(tmp_path, params, step_predicate=asked)
        assert "--backend" not in str(caught.value)


def test_a_directory_made_for_other_circuits_is_another_chain(params: AnchorParams, tmp_path: Path) -> None:
    DataDirectory(tmp_path, params, step_predicate=CIRCUITS).__exit__(None, None, None)

    with pytest.raises(WrongChain, match="verification keys"):
        DataDirectory(tmp_path, params, step_predicate=replace(CIRCUITS, condition=bytes(64)))


# Trust roots


@pytest.fixture
def trust(params: AnchorParams) -> TrustRoot:
    return TrustRoot(params, Predicate(PredicateKind.SCHNORR, b"\x01" * 32), Predicate(PredicateKind.ALWAYS_ACCEPT))


def test_a_trust_root_reads_back_and_its_identity_is_that_of_its_text(trust: TrustRoot) -> None:
    again = TrustRoot.from_json(trust.to_json(), "here")

    assert (again, again.identity()) == (trust, trust.identity())
    assert replace(trust, moho_predicate=Predicate(0)).identity() != trust.identity()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("anchor",), None),
        (("anchor", "height"), "5"),
        (("anchor", "network"), "moon"),
        (("anchor", "block_hash"), "00"),
        (("anchor", "next_bits"), "zz"),
        (("anchor", "unknown"), 1),
        (("predicates",), []),
        (("predicates", "step"), {}),
        (("predicates", "step", "kind"), 256),
        (("predicates", "step", "kind"), "10"),
        (("predicates", "step", "kind"), True),
        (("predicates", "step", "kind"), 10.0),
        (("predicates", "step", "condition"), "xyz"),
        (("predicates", "step", "condition"), 5),
        (("predicates", "step", "condition"), "00" * 2000),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else repr(value)[:12],
)
def test_a_trust_root_with_a_wrong_value_is_refused_and_its_place_named(place: tuple[str, ...], value: object, trust: TrustRoot) -> None:
    raw = json.loads(trust.to_json())
    target = raw
    for name in place[:-1]:
        target = target[name]
    target[place[-1]] = value

    with pytest.raises(MalformedTrust, match="some file"):
        TrustRoot.from_json(json.dumps(raw), "some file")


def test_a_folder_without_trust_file_is_no_data_directory(tmp_path: Path) -> None:
    with pytest.raises(DirectoryUnusable, match="--data-dir"):
        TrustRoot.read(tmp_path)
    with pytest.raises(MalformedTrust, match="absent"):
        TrustRoot.read_file(tmp_path / "absent")


# Forgetting and writing


def test_a_fresh_start_empties_a_directory_of_exactly_this_chain_only(params: AnchorParams, tmp_path: Path) -> None:
    with DataDirectory(tmp_path, params, fresh=True) as directory:
        before = directory.trust
        directory.database.write_text("rows")
        (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(WrongChain):
        DataDirectory(tmp_path, replace(params, epoch_start=7), fresh=True)
    assert directory.database.read_text() == "rows"

    with DataDirectory(tmp_path, params, fresh=True) as again:
        assert not again.database.exists()
        assert again.trust != before, "its keys are new"
        assert again.trust == TrustRoot.read(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_directory_in_use_is_not_emptied(params: AnchorParams, tmp_path: Path) -> None:
    with DataDirectory(tmp_path, params) as directory:
        with pytest.raises(DirectoryInUse):
            DataDirectory(tmp_path, params, fresh=True)
        assert directory.trust == TrustRoot.read(tmp_path)


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_durably(tmp_path / "file", b"old")
    write_durably(tmp_path / "file", b"new")

    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"new")]


def test_a_file_that_cannot_be_written_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()

    for place in (tmp_path / "file", tmp_path / "absent" / "file"):
        with pytest.raises(DirectoryUnusable, match=str(place)):
            write_durably(place, b"x")
