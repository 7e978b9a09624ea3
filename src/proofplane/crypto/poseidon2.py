"""Poseidon2 over BN254's scalar field, four elements wide, in plain Python: the hash that Barretenberg's circuits and proofs are built on.

The round constants come from Poseidon's own generator, so that no table has to be trusted.
Source: Grassi et al., "Poseidon2" (eprint 2023/323); parameters and sponge of AztecProtocol/aztec-packages (`crypto/poseidon2`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice

from proofplane.base.errors import CallerMistake

MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617
"""Order r of BN254's scalar field: the field of every circuit of Barretenberg."""

WIDTH = 4
"""Elements of the state."""

RATE = 3
"""Elements of the state that input is added to; the fourth holds the length and no input ever reaches it directly."""

FULL_ROUNDS = 8
"""Half of them before the partial rounds, half after."""

PARTIAL_ROUNDS = 56

_ELEMENT_BITS = 254
_WARM_UP = 160
"""Bits that the generator throws away first."""

_EXTERNAL = ((5, 7, 1, 3), (4, 6, 1, 1), (1, 3, 5, 7), (1, 1, 4, 6))
"""The matrix M4 of full rounds, by rows."""

_INTERNAL_DIAGONAL = (
    0x10DC6E9C006EA38B04B1E03B4BD9490C0D03F98929CA1D7FB56821FD19D3B6E7,
    0x0C28145B6A44DF3E0149B3D0A30B3BB599DF9756D4DD9B84A86B38CFB45A740B,
    0x00544B8338791518B2C7645A50392798B21F75BB60E3596170067D00141CAC15,
    0x222C01175718386F2E2E82EB122789E352E105A3B8FA852613BC534433EE428B,
)
"""The matrix of partial rounds is all ones plus this diagonal."""


class NotAState(CallerMistake):
    """Numbers that are no state: not four, or not all of them 0 to r - 1."""


def permute(state: Sequence[int]) -> list[int]:
    """The permutation of a state of four field elements; raises `NotAState` for anything else."""
    if len(state) != WIDTH or not all(0 <= element < MODULUS for element in state):
        raise NotAState(f"a state is {WIDTH} numbers from 0 to r - 1, not {list(state)}")
    first, partial, last = _round_constants()
    elements = _external(state)
    for constants in first:
        elements = _full_round(elements, constants)
    for constant in partial:
        elements = _internal([_power5(elements[0] + constant), *elements[1:]])
    for constants in last:
        elements = _full_round(elements, constants)
    return elements


def hash_fields(inputs: Sequence[int]) -> int:
    """The sponge over any number of field elements, 0 to r - 1 each: one element.

    The number of inputs is in the initial state, so that zeros at the end make a difference.
    Raises `NotAState` for an input outside the field.
    """
    if not all(0 <= element < MODULUS for element in inputs):
        raise NotAState(f"inputs of a hash are numbers from 0 to r - 1, not {list(inputs)}")
    state = [0, 0, 0, len(inputs) << 64]
    for start in range(0, max(len(inputs), 1), RATE):
        for place, element in enumerate(inputs[start : start + RATE]):
            state[place] = (state[place] + element) % MODULUS
        state = permute(state)
    return state[0]


def _full_round(state: Sequence[int], constants: Sequence[int]) -> list[int]:
    return _external([_power5(element + constant) for element, constant in zip(state, constants, strict=True)])


def _power5(x: int) -> int:
    square = x * x % MODULUS
    return square * square * x % MODULUS


def _external(state: Sequence[int]) -> list[int]:
    return [sum(factor * element for factor, element in zip(row, state, strict=True)) % MODULUS for row in _EXTERNAL]


def _internal(state: Sequence[int]) -> list[int]:
    total = sum(state)
    return [(factor * element + total) % MODULUS for factor, element in zip(_INTERNAL_DIAGONAL, state, strict=True)]


@lru_cache(maxsize=1)
def _round_constants() -> tuple[list[list[int]], list[int], list[list[int]]]:
    """Constants of the first full rounds, four a round; of the partial rounds, one a round; of the last full rounds."""
    elements = _generated_elements()
    half = FULL_ROUNDS // 2
    first = [list(islice(elements, WIDTH)) for _ in range(half)]
    partial = list(islice(elements, PARTIAL_ROUNDS))
    last = [list(islice(elements, WIDTH)) for _ in range(half)]
    return first, partial, last


def _generated_elements() -> Iterator[int]:
    """Field elements of 254 fresh bits each, most significant first; numbers outside the field are thrown away."""
    bits = _grain()
    while True:
        element = 0
        for bit in islice(bits, _ELEMENT_BITS):
            element = element << 1 | bit
        if element < MODULUS:
            yield element


def _grain() -> Iterator[int]:
    """The Grain generator in self-shrinking mode: of each pair of bits the second counts, where the first is 1."""
    description = (1, 2), (0, 4), (_ELEMENT_BITS, 12), (WIDTH, 12), (FULL_ROUNDS, 10), (PARTIAL_ROUNDS, 10), (2**30 - 1, 30)
    state = [number >> place & 1 for number, width in description for place in reversed(range(width))]
    steps = _shift_register(state)
    for _ in range(_WARM_UP):
        next(steps)
    for chosen in steps:
        bit = next(steps)
        if chosen:
            yield bit


def _shift_register(state: list[int]) -> Iterator[int]:
    while True:
        new = state[62] ^ state[51] ^ state[38] ^ state[23] ^ state[13] ^ state[0]
        state = [*state[1:], new]
        yield new
