"""The commitment to a header state: what it covers, in plain Python and in a circuit.

    C(state) = Poseidon2(tag, id high, id low, times 0 to 6, times 7 to 10 with height, next bits and epoch start)

* The id of the last verified block is its 32 raw bytes as two numbers of 16, big-endian.
* Times are those of the last 11 blocks, the oldest first, zeros where no block was verified yet: the ring turned to begin at its head.
* Seven numbers of 32 bits make one field element, the first the least significant. **Only for numbers of 32 bits is that injective**:
  whoever opens a commitment holds each to its range, the circuit as well as the checker outside.

Not covered: the accumulated work and the ring's head, which follow from the headers' number and bits; the network, which the tag says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.acir.expression import Expression, constant
from proofplane.barretenberg.circuits.errors import Unprovable
from proofplane.barretenberg.circuits.sponge import hashed
from proofplane.barretenberg.circuits.words import held
from proofplane.barretenberg.field import Fr
from proofplane.bitcoin.networks import Network
from proofplane.bitcoin.rules import WINDOW, HeaderState
from proofplane.crypto.poseidon2 import hash_fields

TAG = int.from_bytes(b"proofplane mainnet header state", "big")
"""First input of every commitment, below r: a hash made for anything else is no commitment to a state."""

_PACKED = 7
"""Numbers of 32 bits in a field element: 224 bits, below r."""

_Number = TypeVar("_Number", int, Expression)


@dataclass(frozen=True, slots=True)
class StateWires:
    """A header state in a circuit: expressions over its wires."""

    last_high: Expression
    """First 16 bytes of the last block's id, big-endian."""
    last_low: Expression
    """The other 16."""
    times: tuple[Expression, ...]
    """Of the last 11 blocks in seconds, the oldest first."""
    height: Expression
    next_bits: Expression
    epoch_start: Expression


def commitment(state: HeaderState) -> Fr:
    """What the circuits publish of a state; raises `Unprovable` for a state that no commitment covers."""
    if state.network is not Network.MAINNET:
        raise Unprovable(f"there are circuits for mainnet only, not for {state.network.name.lower()}: use another prover backend")
    numbers = state_numbers(state)
    if not all(0 <= number < 2**32 for number in numbers):
        raise Unprovable(f"times, height and bits of a state are numbers of 32 bits: {state}")
    return Fr.of(hash_fields(_packed(TAG, *halves(state.last.block_id), numbers)))


def state_numbers(state: HeaderState) -> tuple[int, ...]:
    """Times, oldest first, height, next bits and epoch start: what is packed."""
    times = (*state.window[state.head :], *state.window[: state.head])
    return (*times, state.last.height, state.next_bits, state.epoch_start)


def halves(raw: bytes) -> tuple[int, int]:
    """32 bytes as two numbers of 16 bytes, big-endian."""
    return int.from_bytes(raw[:16], "big"), int.from_bytes(raw[16:], "big")


def opened(b: Builder) -> StateWires:
    """A state whose wires are inputs, its numbers held to 32 bits; it is nobody's state until its commitment is published."""
    high, low = b.input("last high"), b.input("last low")
    times = tuple(b.inputs("time", WINDOW))
    state = StateWires(high, low, times, b.input("height"), b.input("next bits"), b.input("epoch start"))
    for name, number in zip(_NAMES, _numbers_of(state), strict=True):
        held(b, name, number)
    return state


def state_inputs(state: HeaderState, part: str) -> dict[str, int]:
    """The inputs of a state that was `opened` in `part`, by name."""
    names = ("last high", "last low", *_NAMES)
    values = (*halves(state.last.block_id), *state_numbers(state))
    return {f"{part}/{name}": value for name, value in zip(names, values, strict=True)}


def commitment_of(b: Builder, name: str, state: StateWires) -> Expression:
    """The commitment in the circuit; whoever calls it has held the state's numbers to 32 bits."""
    elements = _packed(constant(TAG), state.last_high, state.last_low, _numbers_of(state))
    return hashed(b, name, elements)


_NAMES = (*(f"time/{index}" for index in range(WINDOW)), "height", "next bits", "epoch start")


def _numbers_of(state: StateWires) -> tuple[Expression, ...]:
    return (*state.times, state.height, state.next_bits, state.epoch_start)


def _packed(tag: _Number, high: _Number, low: _Number, numbers: Sequence[_Number]) -> list[_Number]:
    """The field elements that are hashed."""
    return [tag, high, low, _joined(numbers[:_PACKED]), _joined(numbers[_PACKED:])]


def _joined(numbers: Sequence[_Number]) -> _Number:
    joined = numbers[0]
    for place, number in enumerate(numbers[1:], 1):
        joined = joined + number * 2 ** (32 * place)
    return joined
