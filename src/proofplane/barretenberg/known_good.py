"""Proofs that are known to be good, asked of verifier processes: one that refuses them would refuse every proof.

Files of the package's data hold the verification key (3,680 bytes), one public input and the proof's field elements, joined:

* `known_good.bin`, 410 elements, made by `tests/kit/known_good_proof.py` on the ceremony's points: somebody knows x with x^4 = 2401.
* `ipa_proof.bin`, 480 elements of the rollup flavour, which needs the Grumpkin points: somebody knows x and y with x * y = 15.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from proofplane.barretenberg.field import split
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.generated.barretenberg import CircuitVerify

FLAVOR = Flavor.NOIR_RECURSIVE_NO_ZK
"""The first proof's flavour; the points that it needs are those of every other."""

_PUBLIC_INPUTS = 1


@dataclass(frozen=True, slots=True)
class KnownGood:
    """Questions whose answer must be yes."""

    plain: CircuitVerify
    """Takes 5 ms."""
    grumpkin: CircuitVerify
    """Needs the Grumpkin points; takes 0.1 s."""

    def of(self, grumpkin: bool) -> CircuitVerify:
        """The one for processes whose question needs the Grumpkin points, or does not."""
        return self.grumpkin if grumpkin else self.plain


def genuine() -> KnownGood:
    """Those of the ceremony, and so of the pinned binary."""
    return KnownGood(known_good(), known_good_rollup())


@cache
def known_good() -> CircuitVerify:
    """The first one."""
    return _read("known_good.bin", FLAVOR)


@cache
def known_good_rollup() -> CircuitVerify:
    """The one that needs the Grumpkin points."""
    return _read("ipa_proof.bin", Flavor.NOIR_ROLLUP)


def _read(name: str, flavor: Flavor) -> CircuitVerify:
    raw = files("proofplane.barretenberg").joinpath("data", name).read_bytes()
    fields = split(raw[flavor.key_size :])
    return CircuitVerify(raw[: flavor.key_size], fields[:_PUBLIC_INPUTS], fields[_PUBLIC_INPUTS:], flavor.settings)
