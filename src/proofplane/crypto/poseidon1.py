"""Poseidon1 over KoalaBear, widths 16 and 24: the native permutations, and the same in plain Python, which they are held against.

The round constants come from Poseidon's own generator, so that no table has to be trusted.
Source: Grassi et al., "Poseidon" (eprint 2019/458), appendix F; parameters of leanSpec 43246bd6 and Plonky3, `koala-bear`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from operator import add, mul

from proofplane import _native
from proofplane.base.errors import CallerMistake
from proofplane.crypto.koalabear import P

FULL_ROUNDS = 8
"""Half of them before the partial rounds, half after."""

_ELEMENT_BITS = 31
_WARM_UP = 160
"""Bits that the generator throws away first."""


class UnknownWidth(CallerMistake):
    """A state of a length that has no permutation."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """One permutation: x -> x^3 on all elements (full round) or the first (partial), after the constants and before the matrix."""

    width: int
    partial_rounds: int
    mds_row: tuple[int, ...]
    """First row r of the circulant matrix: M[i][j] = r[(j - i) mod width]."""

    @property
    def rounds(self) -> int:
        """Full and partial rounds together."""
        return FULL_ROUNDS + self.partial_rounds


PARAMETERS = {
    16: Parameters(16, 20, (1, 1, 51, 1, 11, 17, 2, 1, 101, 63, 15, 2, 67, 22, 13, 3)),
    24: Parameters(
        24,
        23,
        (
            755673771,
            1686439191,
            401954077,
            82624181,
            1838262485,
            1617965094,
            416740298,
            1922433447,
            2009967074,
            1007636536,
            651504225,
            56639581,
            1761374664,
            613787421,
            1566027714,
            378133912,
            1009532350,
            203676737,
            86296562,
            1810161513,
            175003436,
            1551339770,
            400627958,
            142123135,
        ),
    ),
}
"""The permutations by width."""


def permute(state: Sequence[int]) -> list[int]:
    """The permutation of 16 or 24 canonical elements, chosen by the state's length; raises `UnknownWidth` for any other."""
    parameters = _parameters(len(state))
    matrix, first_half = _matrix(parameters.width), FULL_ROUNDS // 2
    elements = list(state)
    for number, constants in enumerate(round_constants(parameters.width)):
        elements = list(map(add, elements, constants))
        if first_half <= number < first_half + parameters.partial_rounds:
            elements[0] = pow(elements[0], 3, P)
        else:
            elements = [pow(element, 3, P) for element in elements]
        elements = [sum(map(mul, row, elements)) % P for row in matrix]
    return elements


def native_permute(state: Sequence[int]) -> list[int]:
    """The same permutation by the kernel that signatures are verified with; its elements must be below `P`. Raises `UnknownWidth`."""
    _parameters(len(state))
    return _native.poseidon1(state)


def compress(values: Sequence[int], width: int, count: int) -> tuple[int, ...]:
    """The first `count` elements of the permutation of the zero-padded `values`, with the input added (feed-forward)."""
    state = [*values, *[0] * (width - len(values))]
    return tuple([(after + before) % P for after, before in zip(permute(state)[:count], state, strict=False)])


@lru_cache(maxsize=len(PARAMETERS))
def round_constants(width: int) -> tuple[tuple[int, ...], ...]:
    """The constants of each round in order, `width` each; raises `UnknownWidth`."""
    parameters = _parameters(width)
    numbers = _grain(parameters)
    return tuple([tuple(islice(numbers, width)) for _ in range(parameters.rounds)])


def _parameters(width: int) -> Parameters:
    try:
        return PARAMETERS[width]
    except KeyError:
        raise UnknownWidth(f"there is no permutation of {width} elements, only of {', '.join(map(str, PARAMETERS))}") from None


@lru_cache(maxsize=len(PARAMETERS))
def _matrix(width: int) -> tuple[tuple[int, ...], ...]:
    """The rows, each the one above turned to the right."""
    row = PARAMETERS[width].mds_row
    return tuple([row[width - turn :] + row[: width - turn] for turn in range(width)])


def _grain(parameters: Parameters) -> Iterator[int]:
    """Field elements without end: 31 bits each, most significant first, those from `P` on left out."""
    bits = _grain_bits(parameters)
    while True:
        number = 0
        for bit in islice(bits, _ELEMENT_BITS):
            number = number << 1 | bit
        if number < P:
            yield number


def _grain_bits(parameters: Parameters) -> Iterator[int]:
    """The self-shrinking Grain LFSR: of each pair of bits the second, if the first is set."""
    fields = (
        (1, 2),
        (0, 4),
        (_ELEMENT_BITS, 12),
        (parameters.width, 12),
        (FULL_ROUNDS, 10),
        (parameters.partial_rounds, 10),
        (2**30 - 1, 30),
    )
    register = int("".join(f"{value:0{size}b}" for value, size in fields)[::-1], 2)  # bit i is the generator's b_i, b_0 the oldest

    def step() -> int:
        nonlocal register
        bit = (register >> 62 ^ register >> 51 ^ register >> 38 ^ register >> 23 ^ register >> 13 ^ register) & 1
        register = register >> 1 | bit << 79
        return bit

    for _ in range(_WARM_UP):
        step()
    while True:
        keep, bit = step(), step()
        if keep:
            yield bit
