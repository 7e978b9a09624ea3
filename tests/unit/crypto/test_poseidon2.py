"""Unit tests of `proofplane.crypto.poseidon2`: known answers, and `bb`'s own."""

import random
from pathlib import Path

import pytest

from kit.acir_bb import circuit_bb
from proofplane.crypto.poseidon2 import MODULUS, NotAState, hash_fields, permute

COUNTED = [
    0x01BD538C2EE014ED5141B29E9AE240BF8DB3FE5B9A38629A9647CF8D76C01737,
    0x239B62E7DB98AA3A2A8F6A0D2FA1709E7A35959AA6C7034814D9DAA90CBAC662,
    0x04CBB44C61D928ED06808456BF758CBF0C18D1E15A7B6DBC8245FA7515D5E3CB,
    0x2E11C5CFF2A22C64D01304B778D78F6998EFF1AB73163A35603F54794C30847A,
]


def test_counting_up_is_permuted_to_the_known_answer() -> None:
    assert permute([0, 1, 2, 3]) == COUNTED


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ([], 0x18DFB8DC9B82229CFF974EFEFC8DF78B1CE96D9D844236B496785C698BC6732E),
        ([1], 0x168758332D5B3E2D13BE8048C8011B454590E06C44BCE7F702F09103EEF5A373),
        ([1, 2], 0x038682AA1CB5AE4E0A3F13DA432A95C77C5C111F6F030FAF9CAD641CE1ED7383),
        ([1, 2, 3], 0x23864ADB160DDDF590F1D3303683EBCB914F828E2635F6E85A32F0A1AECD3DD8),
        ([1, 2, 3, 4], 0x130BF204A32CAC1F0ACE56C78B731AA3809F06DF2731EBCF6B3464A15788B1B9),
    ],
)
def test_the_sponge_gives_the_known_answers(inputs: list[int], expected: int) -> None:
    assert hash_fields(inputs) == expected


def test_zeros_at_the_end_make_another_hash() -> None:
    assert len({hash_fields([0] * count) for count in range(7)}) == 7


@pytest.mark.parametrize("state", [[1, 2, 3], [1, 2, 3, 4, 5], [0, 0, 0, MODULUS], [-1, 0, 0, 0]])
def test_what_is_no_state_is_refused(state: list[int]) -> None:
    with pytest.raises(NotAState):
        permute(state)


def test_inputs_outside_the_field_are_refused_not_reduced() -> None:
    with pytest.raises(NotAState):
        hash_fields([MODULUS + 1])


def test_bb_gives_the_same(tmp_path: Path) -> None:
    numbers = random.Random(2)
    with circuit_bb(tmp_path) as bb:
        for count in range(8):
            inputs = [numbers.randrange(MODULUS) for _ in range(count)]
            assert int.from_bytes(bb.client.poseidon2_hash(inputs=_fields(inputs)).hash, "big") == hash_fields(inputs)
        state = [numbers.randrange(MODULUS) for _ in range(4)]
        assert bb.client.poseidon2_permutation(inputs=_fields(state)).outputs == tuple(_fields(permute(state)))


def _fields(numbers: list[int]) -> list[bytes]:
    return [number.to_bytes(32, "big") for number in numbers]
