"""A proof that is known to be good, asked of every fresh verifier process: one that refuses it would refuse every proof.

`data/known_good.bin` is the verification key (3,680 bytes), one public input and the proof (410 field elements), joined.
It was made by `tests/kit/known_good_proof.py` on the ceremony's points: somebody knows x with x^4 = 2401.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from proofplane.barretenberg.field import split
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.generated.barretenberg import CircuitVerify

FLAVOR = Flavor.NOIR_RECURSIVE_NO_ZK
"""The proof's flavour; the points that it needs are those of every other."""

_PUBLIC_INPUTS = 1


@cache
def known_good() -> CircuitVerify:
    """The question whose answer must be yes."""
    raw = files("proofplane.barretenberg").joinpath("data", "known_good.bin").read_bytes()
    fields = split(raw[FLAVOR.key_size :])
    return CircuitVerify(raw[: FLAVOR.key_size], fields[:_PUBLIC_INPUTS], fields[_PUBLIC_INPUTS:], FLAVOR.settings)
