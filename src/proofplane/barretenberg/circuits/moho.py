"""The recursive circuits: one proof for all headers from a genesis on, by verifying a step proof and the proof of all before it.

The statement. Public are C(genesis), C(after), the last header's hash in two halves, and the hash of the chain circuit's own key. There are
header steps, one after the other, from the state of the first commitment to the state of the second; the last one's header has this hash.

BASE, for the first step:
1. there is a valid proof of a step, under one of the two step keys, which are constants of the circuit;
2. its C(before) is C(genesis); C(after) and the hash are the step's.

CHAIN, for every further step:
1. as above;
2. there is a valid proof of the steps before, under a key whose hash is either the base key's, a constant, or the public own one;
3. that proof's C(after) is the step's C(before); its C(genesis) is C(genesis), its own-key hash is the own-key hash;
4. C(after) and the hash are the step's.

No circuit can hold its own key as a constant. **Whoever verifies a chain proof must compare the public own-key hash with the hash of
the key that the proof verifies under**; then, from the last proof backwards, each is under that key or the base's (`own_key_is`).

All proofs are of the flavour without zero knowledge over Poseidon2. Measured gates, and why this is not used in production:
docs/design/recursion.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.acir.expression import Expression
from proofplane.barretenberg.acir.program import Program
from proofplane.barretenberg.circuits.header_step import StepCircuit
from proofplane.barretenberg.circuits.sponge import hashed
from proofplane.barretenberg.field import Fr, elements
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.proofs import UltraHonkProof
from proofplane.crypto.poseidon2 import hash_fields

FLAVOR = Flavor.NOIR_RECURSIVE_NO_ZK
"""Of steps and of recursive proofs."""

_KIND = 0
"""Barretenberg's number of this flavour's proofs where one circuit verifies another."""

_PROOF_FIELDS = FLAVOR.proof_size(0)
"""Field elements of a proof, whatever its circuit's size."""

_KEY_FIELDS = FLAVOR.key_size // 32

_STEP_INPUTS = 4
"""C(before), C(after), hash high, hash low."""

_LINK_INPUTS = 5
"""C(genesis), C(after), hash high, hash low, hash of the chain's own key."""


@dataclass(frozen=True, slots=True)
class Inner:
    """A proof as the circuit around it takes it."""

    public_inputs: tuple[Fr, ...]
    proof: UltraHonkProof


@dataclass(frozen=True, slots=True)
class StepKeys:
    """The keys that step proofs may have, in the order of `StepCircuit`. They belong to one set of ceremony points."""

    plain: VerificationKey
    retarget: VerificationKey

    @classmethod
    def committed(cls) -> StepKeys:
        """The keys over the genuine points."""
        return cls(*(VerificationKey(each.key()) for each in StepCircuit))


def base(steps: StepKeys) -> Program:
    """The circuit for the first step."""
    b = Builder()
    before, after, high, low = _step(b, steps)
    _publish(b, before, after, high, low, b.input("own key"))
    return b.program()


def chain(steps: StepKeys, base_key: VerificationKey) -> Program:
    """The circuit for every further step; `base_key` is that of `base(steps)` over the same points."""
    b = Builder()
    before, after, high, low = _step(b, steps)
    own = b.input("own key")
    genesis, reached, _, _, claimed = _previous(b, own, key_hash(base_key))
    b.assert_equal("step follows", before, reached)
    b.assert_equal("same chain circuit", claimed, own)
    _publish(b, genesis, after, high, low, own)
    return b.program()


def base_inputs(circuit: StepCircuit, step: Inner, own_key: int) -> Mapping[str, int]:
    """The base circuit's inputs by name; nothing is checked.

    Args:
        circuit: Which of the step circuits proved it.
        step: The step proof.
        own_key: Hash of the chain circuit's key, see `key_hash`.
    """
    return {"own key": own_key, "step/circuit": circuit.value, **_inner_inputs("step", step)}


def chain_inputs(
    circuit: StepCircuit, step: Inner, own_key: int, previous: Inner, previous_key: VerificationKey, *, is_base: bool
) -> Mapping[str, int]:
    """The chain circuit's inputs by name; nothing is checked.

    Args:
        circuit: Which of the step circuits proved the step.
        step: The step proof.
        own_key: Hash of the chain circuit's key.
        previous: The proof of the steps before.
        previous_key: The base's key or the chain's own.
        is_base: Which of them.
    """
    key = {f"previous/key/{index}": field for index, field in enumerate(_numbers(previous_key))}
    return {**base_inputs(circuit, step, own_key), "previous/is base": int(is_base), **key, **_inner_inputs("previous", previous)}


def key_hash(key: VerificationKey) -> int:
    """What names a key inside circuits: Poseidon2 over its field elements, as `bb` itself hashes keys."""
    return hash_fields(_numbers(key))


def own_key_is(key: VerificationKey, public_inputs: Sequence[Fr]) -> bool:
    """What must hold of a chain proof besides that it verifies under `key`: it speaks of this key as the chain's."""
    return len(public_inputs) == _LINK_INPUTS and int(public_inputs[-1]) == key_hash(key)


def _publish(b: Builder, genesis: Expression, after: Expression, high: Expression, low: Expression, own: Expression) -> None:
    b.publish("commitment genesis", genesis)
    b.publish("commitment after", after)
    b.publish("hash high", high)
    b.publish("hash low", low)
    b.publish("own key hash", own)


def _step(b: Builder, steps: StepKeys) -> list[Expression]:
    """A valid step proof under one of the keys; its public inputs."""
    plain, retarget = _numbers(steps.plain), _numbers(steps.retarget)
    with b.part("step"):
        which = b.input("circuit")
        b.assert_zero("circuit", which * which - which)
        key = [_chosen(b, f"key/{index}", which, *pair) for index, pair in enumerate(zip(plain, retarget, strict=True))]
        digest = _chosen(b, "key hash", which, hash_fields(plain), hash_fields(retarget))
        return _verified(b, key, digest, _STEP_INPUTS)


def _previous(b: Builder, own: Expression, base_hash: int) -> list[Expression]:
    """A valid proof under the base's key or the own one; its public inputs."""
    with b.part("previous"):
        is_base = b.input("is base")
        b.assert_zero("is base", is_base * is_base - is_base)
        key = b.inputs("key", _KEY_FIELDS)
        digest = hashed(b, "key hash", key)
        b.assert_equal("base or own key", digest, own + is_base * (base_hash - own))
        return _verified(b, key, digest, _LINK_INPUTS)


def _verified(b: Builder, key: Sequence[Expression], digest: Expression, count: int) -> list[Expression]:
    public_inputs = b.inputs("public", count)
    proof = b.inputs("proof", _PROOF_FIELDS)
    b.verify_proof("proof", key=key, proof=proof, public_inputs=public_inputs, key_hash=digest, kind=_KIND)
    return public_inputs


def _chosen(b: Builder, name: str, which: Expression, first: int, second: int) -> Expression:
    """A wire that is `first` or `second`, as `which` is 0 or 1; the opcode takes no constants."""
    if first == second:
        return b.fixed(name, first)
    return b.define(name, first + which * (second - first))


def _inner_inputs(name: str, inner: Inner) -> dict[str, int]:
    public_inputs = {f"{name}/public/{index}": int(value) for index, value in enumerate(inner.public_inputs)}
    return public_inputs | {f"{name}/proof/{index}": int(value) for index, value in enumerate(inner.proof.fields)}


def _numbers(key: VerificationKey) -> list[int]:
    return [int(field) for field in elements(key.raw)]
