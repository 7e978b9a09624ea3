"""Proofs, inputs and keys that are wrong in one place, and what a verifier says of many of them at once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from proofplane.barretenberg.errors import MalformedKey, ProofRefused
from proofplane.barretenberg.field import MODULUS, SIZE, Fr, NotCanonical
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.generated.barretenberg import CircuitVerify
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.known_good import FLAVOR, known_good, known_good_rollup
from proofplane.barretenberg.proofs import UltraHonkProof
from proofplane.barretenberg.verifier import Verifier

BITS = 254
"""Bits of a canonical element; a higher one set makes it too large, which is refused before anything is asked."""


@dataclass(frozen=True, slots=True)
class Claim:
    """All that a verification takes, as bytes that may be wrong."""

    key: bytes
    inputs: bytes
    proof: bytes
    flavor: Flavor


def claim(request: CircuitVerify, flavor: Flavor) -> Claim:
    """What a request asks."""
    return Claim(request.verification_key, b"".join(request.public_inputs), b"".join(request.proof), flavor)


GOOD = claim(known_good(), FLAVOR)
"""The package's own known good proof."""

ROLLUP = claim(known_good_rollup(), Flavor.NOIR_ROLLUP)
"""The package's own good proof of the flavour that needs Grumpkin points."""


def flipped(raw: bytes, bit: int) -> bytes:
    """`raw` with one bit flipped, bit 0 the lowest of the first byte."""
    changed = bytearray(raw)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


def bit_of(field: int, bit: int) -> int:
    """The place of a field element's bit, 0 its lowest, for `flipped`."""
    return (field * SIZE + SIZE - 1 - bit // 8) * 8 + bit % 8


def flips(claim: Claim, per_field: int, seed: int = 5) -> Iterator[Claim]:
    """The claim with one bit of its proof flipped, for so many bits of every field."""
    choose = random.Random(seed)
    for field in range(len(claim.proof) // SIZE):
        for bit in choose.sample(range(BITS), per_field):
            yield replace(claim, proof=flipped(claim.proof, bit_of(field, bit)))


def mutations(claim: Claim, count: int, seed: int = 5) -> Iterator[Claim]:
    """The claim with something wrong in its key, its inputs or its proof: bits, fields, order, length."""
    choose = random.Random(seed)
    for _ in range(count):
        part = choose.choice(["key", "inputs", "proof", "proof"])
        yield replace(claim, **{part: _mutated(choose, getattr(claim, part))})


def _mutated(choose: random.Random, raw: bytes) -> bytes:
    fields = [raw[start : start + SIZE] for start in range(0, len(raw), SIZE)]
    at = choose.randrange(len(fields))
    match choose.randrange(6):
        case 0:
            return flipped(raw, choose.randrange(len(raw) * 8))
        case 1:
            fields[at] = choose.randrange(MODULUS).to_bytes(SIZE, "big")
        case 2:
            fields[at] = (int.from_bytes(fields[at], "big") + 1).to_bytes(SIZE, "big")
        case 3:
            fields[at] = choose.randbytes(SIZE)
        case 4:
            del fields[at]
        case _:
            fields.insert(at, choose.choice(fields))
    return b"".join(fields)


async def verify(verifier: Verifier, claim: Claim) -> str:
    """What the library says of a claim: "verified", or the reason why it is refused; anything else is raised."""
    try:
        key = VerificationKey(claim.key)
        inputs = [Fr(claim.inputs[start : start + SIZE]) for start in range(0, len(claim.inputs), SIZE)]
        await verifier.verify(key, inputs, UltraHonkProof(claim.proof), claim.flavor)
    except ProofRefused as refused:
        return refused.reason.value
    except MalformedKey:
        return "no key"
    except NotCanonical:
        return "no input"
    return "verified"


async def verdicts(verifier: Verifier, claims: Iterable[Claim]) -> Counter[str]:
    """What is said of each of many claims, some of them at a time."""
    counted: Counter[str] = Counter()
    waiting = list(claims)

    async def work() -> None:
        while waiting:
            counted[await verify(verifier, waiting.pop())] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(work())
    return counted
