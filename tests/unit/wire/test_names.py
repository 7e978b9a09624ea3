"""Spellings of one identifier."""

from __future__ import annotations

import pytest

from proofplane.wire.names import camel, pascal, screaming, snake, words


@pytest.mark.parametrize(
    ("name", "snake_form", "pascal_form", "camel_form"),
    [
        ("treeId", "tree_id", "TreeId", "treeId"),
        ("tree_id", "tree_id", "TreeId", "treeId"),
        ("WorldStateDBStats", "world_state_db_stats", "WorldStateDbStats", "worldStateDbStats"),
        ("Bn254G1Mul", "bn254_g1_mul", "Bn254G1Mul", "bn254G1Mul"),
        ("Blake2sToField", "blake2s_to_field", "Blake2sToField", "blake2sToField"),
        (
            "EcdsaSecp256k1VerifySignature",
            "ecdsa_secp256k1_verify_signature",
            "EcdsaSecp256k1VerifySignature",
            "ecdsaSecp256k1VerifySignature",
        ),
        ("paddedL1ToL2Messages", "padded_l1_to_l2_messages", "PaddedL1ToL2Messages", "paddedL1ToL2Messages"),
        ("x", "x", "X", "x"),
    ],
)
def test_a_name_is_spelled_as_each_language_does(name: str, snake_form: str, pascal_form: str, camel_form: str) -> None:
    assert (snake(name), screaming(name), pascal(name), camel(name)) == (snake_form, snake_form.upper(), pascal_form, camel_form)


def test_digits_stay_with_the_word_before_them() -> None:
    assert words("poseidon2Hash") == ["poseidon2", "hash"]
