"""The Grumpkin file, and the proof that has it made."""

from __future__ import annotations

from pathlib import Path

from kit import bb_cache
from proofplane.barretenberg import grumpkin
from proofplane.barretenberg.one_shot import ask


def test_the_known_proof_has_the_sizes_of_its_flavour() -> None:
    proof = grumpkin.known_proof()
    assert (len(proof.verification_key), len(proof.public_inputs), len(proof.proof)) == (3_680, 1, 480)
    assert int.from_bytes(proof.public_inputs[0], "big") == 15


def test_the_known_proof_verifies_and_another_public_input_does_not() -> None:
    crs = bb_cache.verification_crs().directory
    proof = grumpkin.known_proof()
    assert ask(bb_cache.bb().path, proof, crs, 30.0).verified
    other = type(proof)(
        verification_key=proof.verification_key, public_inputs=[(16).to_bytes(32, "big")], proof=proof.proof, settings=proof.settings
    )
    assert not ask(bb_cache.bb().path, other, crs, 30.0).verified
    assert grumpkin.is_whole(crs), "a refusal leaves the file as it is"


def test_only_the_complete_file_is_whole(tmp_path: Path) -> None:
    assert not grumpkin.is_whole(tmp_path)
    path = tmp_path / grumpkin.FILE_NAME
    for content in (b"", bytes(64), bytes(grumpkin.SIZE)):
        path.write_bytes(content)
        assert not grumpkin.is_whole(tmp_path)
    grumpkin.copy(bb_cache.verification_crs().directory, tmp_path)
    assert grumpkin.is_whole(tmp_path)
