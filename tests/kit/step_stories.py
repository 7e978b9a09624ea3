"""Header steps to tell lies about: states and headers, some of them mined for this purpose, and witnesses in which a wire is a lie.

The honest ones need no data: the genesis header meets the easiest target, and a state before it may be anything that ends in no block.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from kit.acir_check import Checker
from proofplane.barretenberg.acir.program import Step, Values
from proofplane.barretenberg.circuits.header_step import StepCircuit, step_inputs
from proofplane.barretenberg.field import MODULUS
from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.bitcoin.header import Header
from proofplane.bitcoin.networks import Network, rules_of
from proofplane.bitcoin.rules import WINDOW, HeaderState

GENESIS = rules_of(Network.MAINNET).genesis

TWO_WEEKS = 1_209_600
"""Seconds."""

TOP_WORD = replace(GENESIS, nonce=0)
"""Its hash is below the target but for its top word."""

ABOVE_TARGET = replace(GENESIS, bits=0x1C00FFFF, nonce=int.from_bytes(bytes.fromhex("91ec53f1"), "little"))
"""Mined: a hash below 2^224, but above the target of these bits."""


@dataclass(frozen=True, slots=True)
class Story:
    """A step, honest or not."""

    circuit: StepCircuit
    before: HeaderState
    header: Header

    @property
    def inputs(self) -> Mapping[str, int]:
        """The inputs of the circuit."""
        return step_inputs(self.before, self.header.encode())


def state(
    height: int,
    header: Header = GENESIS,
    *,
    times: tuple[int, ...] = (0,) * WINDOW,
    epoch_start: int = GENESIS.time - 700_000,
    next_bits: int | None = None,
) -> HeaderState:
    """A state at `height` that `header` follows; `times` oldest first."""
    block = BlockCommitment(Height(height), BlockId(header.previous))
    return HeaderState(Network.MAINNET, block, header.bits if next_bits is None else next_bits, epoch_start, times, 0, 0)


HONEST = {
    StepCircuit.PLAIN: Story(StepCircuit.PLAIN, state(1000), GENESIS),
    StepCircuit.RETARGET: Story(StepCircuit.RETARGET, state(2014), GENESIS),
}
"""A valid step for each circuit."""


@lru_cache
def checker(circuit: StepCircuit) -> Checker:
    """The judge of a circuit's witnesses."""
    return Checker(circuit.circuit())


def computed(story: Story, inputs: Mapping[str, int] | None = None, lies: Mapping[str, int] | None = None) -> Values:
    """The unchecked generator: all wires, with some inputs changed and lies told.

    Where the header's words are as in the story, the wires of its hash are computed once for all.
    """
    changed, told = {**story.inputs, **(inputs or {})}, dict(lies or {})
    if any(name.startswith(("header/", "hash/")) for name in (*(inputs or {}), *told)):
        return story.circuit.program().compute(changed, told)
    honest = _hash_wires(story.circuit, story.header)
    values = Values()
    for end, step in _steps(story.circuit):
        if step is None:
            values.wires += honest[len(values.wires) : end]
            continue
        found = [changed[name] for name in step.wires] if step.rule is None else step.rule(values)
        values.wires.extend(told.pop(name, value) % MODULUS for name, value in zip(step.wires, found, strict=True))
    assert not told, f"there are no wires {sorted(told)}"
    return values


@lru_cache
def honest_values(story: Story) -> Values:
    """The same without a lie."""
    return computed(story)


@lru_cache
def wire(circuit: StepCircuit, name: str) -> int:
    """The index of a wire."""
    return circuit.program().wires.index(name)


def broken(story: Story, values: Values) -> set[str]:
    """Names of the constraints that do not hold. Of a hash whose wires are the honest ones it was found once that all do."""
    constraints = story.circuit.program().constraints
    honest = _hash_wires(story.circuit, story.header)
    same = all(values.wires[index] == honest[index] for index in _hash_indices(story.circuit))
    among = _outside_hash(story.circuit) if same else None
    return {constraints[index].name for index in checker(story.circuit).broken(values.wires, among)}


@lru_cache
def _hash_wires(circuit: StepCircuit, header: Header) -> list[int]:
    """The honest wires of a step by this header; only those of the header and its hash mean anything to others."""
    values = circuit.program().compute(step_inputs(state(0, header), header.encode())).wires
    constraints = circuit.program().constraints
    assert not [index for index in checker(circuit).broken(values) if constraints[index].name.startswith(("header/", "hash/"))]
    return values


@lru_cache
def _hash_indices(circuit: StepCircuit) -> list[int]:
    return [index for index, name in enumerate(circuit.program().wires) if name.startswith(("header/", "hash/"))]


@lru_cache
def _steps(circuit: StepCircuit) -> list[tuple[int, Step | None]]:
    """The steps, each with how many wires there are after it; those of header and hash in one, as None."""
    steps: list[tuple[int, Step | None]] = []
    end = 0
    for step in circuit.program().steps:
        end += len(step.wires)
        kept = step.wires[0].startswith(("header/", "hash/"))
        if kept and steps and steps[-1][1] is None:
            steps.pop()
        steps.append((end, None if kept else step))
    return steps


@lru_cache
def _outside_hash(circuit: StepCircuit) -> list[int]:
    return [index for index, each in enumerate(circuit.program().constraints) if not each.name.startswith(("header/", "hash/"))]
