"""Flavours have the settings and sizes that were measured on the real program."""

from __future__ import annotations

import pytest

from proofplane.barretenberg.flavors import Flavor


@pytest.mark.parametrize(
    ("name", "settings", "key_size", "proofs", "own_inputs"),
    [
        ("noir-recursive", (False, "poseidon2", False), 3680, {5: 458, 13: 458}, 8),
        ("noir-recursive-no-zk", (False, "poseidon2", True), 3680, {5: 410, 13: 410}, 8),
        ("evm", (False, "keccak", False), 1888, {5: 142, 13: 238, 15: 262}, 8),
        ("evm-no-zk", (False, "keccak", True), 1888, {5: 122, 13: 210, 15: 232}, 8),
        ("noir-rollup", (True, "poseidon2", False), 3680, {12: 480, 13: 480}, 14),
    ],
)
def test_a_flavour_is_what_its_name_means_to_the_command_line(
    name: str, settings: tuple[bool, str, bool], key_size: int, proofs: dict[int, int], own_inputs: int
) -> None:
    flavor = Flavor(name)
    sent = flavor.settings
    assert (sent.ipa_accumulation, sent.oracle_hash_type, sent.disable_zk) == settings
    assert (flavor.key_size, flavor.own_inputs) == (key_size, own_inputs)
    assert {size: flavor.proof_size(size) for size in proofs} == proofs
