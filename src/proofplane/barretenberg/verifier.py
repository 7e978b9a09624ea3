"""Verifying with real `bb` processes: a proof is verified, refused, or nothing is known about it; the three never mix.

What can be told without `bb` is told without it: sizes, counts, canonical values (`check`, `check_chonk`). It is faster, and some of it
`bb` would not tell. What `bb` says is believed as far as `vetting` goes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from proofplane.barretenberg.answers import reason, unanswered
from proofplane.barretenberg.binary import Binary, find_binary
from proofplane.barretenberg.crs import Crs, verification_crs
from proofplane.barretenberg.errors import CouldNotVerify, ProofFlaw, ProofRefused
from proofplane.barretenberg.field import Fr
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.known_good import KnownGood
from proofplane.barretenberg.ports import Lender
from proofplane.barretenberg.proofs import CHONK_BODY, CHONK_OWN_INPUTS, ChonkProof, UltraHonkProof
from proofplane.barretenberg.requests import chonk_verify, circuit_verify
from proofplane.barretenberg.specs import verifier_spec
from proofplane.barretenberg.vetting import Vetted
from proofplane.base.cores import usable_cores
from proofplane.base.ids import Hash32
from proofplane.pool.pool import WorkerPool
from proofplane.pool.types import PoolOptions
from proofplane.rpc.errors import CallFailed

VERIFY_SECONDS = 30.0
"""Seconds for one verification, waiting for a process included: thousands of times what it takes, less than a person waits."""

CHONK_KEY_SIZE = 3680
"""Bytes of the key that Chonk proofs are verified under, the hiding circuit's."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A proof that was verified; `Verifier` makes it after `bb` has said so.

    The type keeps a refused proof from being taken for a verified one by mistake. It is no seal: any code can construct it,
    so what came from elsewhere (another process, a file) is to be verified and not to be believed for its type.
    """

    key: Hash32
    """SHA-256 of the verification key, which alone says what was proved: hold it against those that you accept."""
    public_inputs: tuple[Fr, ...]
    """What the proof is about; of a Chonk proof, which carries them itself, the outputs of its stack."""
    proof: Hash32
    """SHA-256 of the proof's bytes."""


class Verifier:
    """Verifies over a pool of `bb` processes, as many at a time as the pool has; get one from `open_verifier`."""

    def __init__(self, pool: Lender, good: KnownGood | None = None) -> None:
        """Takes an entered pool of `verifier_spec` processes, and the good proofs that its specification was given; None: the genuine."""
        self.vetted = Vetted(pool, good)
        """The processes, for who has more to ask of one."""

    async def verify(
        self,
        key: VerificationKey,
        public_inputs: Sequence[Fr],
        proof: UltraHonkProof,
        flavor: Flavor,
        *,
        timeout: float = VERIFY_SECONDS,
    ) -> Verified:
        """Verifies a proof of one circuit.

        A cancelled caller costs the process that works for it, which the pool replaces.

        Args:
            key: The circuit's.
            public_inputs: In the circuit's order, without those that the flavour adds.
            proof: Without the public inputs.
            flavor: How it was proved.
            timeout: Seconds, waiting for a process included.

        Raises:
            ProofRefused: The proof is invalid for this key and these inputs; `reason` says which rule it breaks.
            CouldNotVerify: Nothing is known about the proof.
            NotCanonical: A public input is no field element.
            Broken, NeverAgain: Nothing is known, and no process that could verify can be started, as the message says.
        """
        inputs = tuple([value if type(value) is Fr else Fr(value) for value in public_inputs])  # a caller may change its list meanwhile
        check(key, len(inputs), proof, flavor)
        request = circuit_verify(key, inputs, proof, flavor)
        try:
            with unanswered(CouldNotVerify):
                answer = await self.vetted.ask(request, grumpkin=flavor.ipa, timeout=timeout)
        except CallFailed as error:
            raise ProofRefused(ProofFlaw.MALFORMED, reason(error)) from error
        return _verified(answer.verified, key, inputs, proof)

    async def verify_chonk(self, key: VerificationKey, proof: ChonkProof, *, timeout: float = VERIFY_SECONDS) -> Verified:
        """Verifies a proof of a stack of circuits under the hiding circuit's key; raises what `verify` raises."""
        check_chonk(key, proof)
        outputs = key.public_inputs - CHONK_OWN_INPUTS
        try:
            with unanswered(CouldNotVerify):
                answer = await self.vetted.ask(chonk_verify(key, proof), grumpkin=True, timeout=timeout)
        except CallFailed as error:
            raise ProofRefused(ProofFlaw.MALFORMED, reason(error)) from error
        return _verified(answer.valid, key, proof.fields[:outputs], proof)


@asynccontextmanager
async def open_verifier(
    binary: Binary | None = None,
    crs: Crs | None = None,
    processes: int | None = None,
    options: PoolOptions | None = None,
) -> AsyncIterator[Verifier]:
    """A verifier with processes of its own, started when they are needed and ended when it is left.

    Args:
        binary: The program; None finds it.
        crs: Ceremony points; None takes the one point and the Grumpkin points that verifying needs, which are made here if need be.
        processes: Verifications at a time; None for as many as there are cores.
        options: Bounds of the pool.

    Raises:
        BinaryMissing, BinaryWrong, CacheBusy, CacheFull, CacheUnusable, GrumpkinNotMade, UnsupportedPlatform: It cannot begin.
    """
    binary = binary or find_binary()
    crs = crs or verification_crs(binary=binary)
    async with WorkerPool(verifier_spec(binary, crs), processes or usable_cores(), options or PoolOptions()) as pool:
        yield Verifier(pool)


def check(key: VerificationKey, public_inputs: int, proof: UltraHonkProof, flavor: Flavor) -> None:
    """What sizes and counts tell of a proof of one circuit with so many public inputs.

    Raises:
        ProofRefused: The key is none of the flavour (WRONG_KEY), or for another number of public inputs (WRONG_INPUTS),
            or the proof has another number of field elements than any under this key (WRONG_SIZE).
    """
    if len(key.raw) != flavor.key_size:
        raise ProofRefused(ProofFlaw.WRONG_KEY, f"a key of {flavor.value} has {flavor.key_size} bytes, not {len(key.raw)}")
    inputs = key.public_inputs - flavor.own_inputs
    if public_inputs != inputs:
        raise ProofRefused(ProofFlaw.WRONG_INPUTS, f"the key is for {inputs} public inputs, not {public_inputs}")
    fields = flavor.proof_size(key.log_size)
    if len(proof) != fields:
        raise ProofRefused(ProofFlaw.WRONG_SIZE, f"a {flavor.value} proof under this key has {fields} field elements, not {len(proof)}")


def check_chonk(key: VerificationKey, proof: ChonkProof) -> None:
    """What sizes and counts tell of a Chonk proof.

    Raises:
        ProofRefused: The key is none of a hiding circuit (WRONG_KEY), or the proof has not the size that follows from it (WRONG_SIZE).
    """
    if len(key.raw) != CHONK_KEY_SIZE:
        raise ProofRefused(ProofFlaw.WRONG_KEY, f"Chonk proofs are verified under keys of {CHONK_KEY_SIZE} bytes, not {len(key.raw)}")
    fields = CHONK_BODY + key.public_inputs
    if key.public_inputs < CHONK_OWN_INPUTS or len(proof) != fields:
        raise ProofRefused(ProofFlaw.WRONG_SIZE, f"a Chonk proof under this key has {fields} field elements, not {len(proof)}")


def _verified(valid: bool, key: VerificationKey, public_inputs: tuple[Fr, ...], proof: UltraHonkProof | ChonkProof) -> Verified:
    if not valid:
        raise ProofRefused(ProofFlaw.FALSE, f"the proof does not verify under the key {key.sha256.hex()}")
    return Verified(key.sha256, public_inputs, proof.sha256)
