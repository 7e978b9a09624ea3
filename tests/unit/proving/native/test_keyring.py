"""Which key signs for which predicate."""

import pytest

from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.crypto.schnorr import SigningKey
from proofplane.proving.native.keyring import Keyring, NoKey


def _predicate(key: SigningKey) -> Predicate:
    return Predicate(PredicateKind.SCHNORR, key.public().raw)


def test_each_key_signs_for_the_predicate_of_its_public_key() -> None:
    keys = [SigningKey(bytes([number]) * 32) for number in (1, 2)]
    ring = Keyring(keys)
    assert [ring.key_for(_predicate(key)) for key in keys] == keys


@pytest.mark.parametrize(
    "predicate",
    [
        _predicate(SigningKey(b"\x03" * 32)),
        Predicate(PredicateKind.ALWAYS_ACCEPT),
        Predicate(PredicateKind.SP1_GROTH16, SigningKey(b"\x01" * 32).public().raw),
    ],
)
def test_a_predicate_without_a_key_is_named_in_the_refusal(predicate: Predicate) -> None:
    with pytest.raises(NoKey, match=f"no key for predicate {predicate}"):
        Keyring([SigningKey(b"\x01" * 32)]).key_for(predicate)
