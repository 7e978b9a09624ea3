"""Which secret key signs for which predicate; lives in the child processes only."""

from __future__ import annotations

from collections.abc import Iterable

from proofplane.base.errors import NeverAgain
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.crypto.schnorr import SigningKey


class NoKey(NeverAgain):
    """This prover holds no key under which the predicate would accept."""


class Keyring:
    """Signing keys by the predicate that accepts their signatures."""

    def __init__(self, keys: Iterable[SigningKey]) -> None:
        """Takes each key for the Schnorr predicate whose condition is its x-only public key."""
        self._keys = {Predicate(PredicateKind.SCHNORR, key.public().raw): key for key in keys}

    def key_for(self, predicate: Predicate) -> SigningKey:
        """Raises `NoKey` unless `predicate` is a Schnorr predicate of one of our keys."""
        key = self._keys.get(predicate)
        if key is None:
            raise NoKey(f"no key for predicate {predicate}: the native prover signs only with the keys it was given")
        return key
