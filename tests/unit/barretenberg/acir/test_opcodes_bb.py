"""What the real `bb` makes of each opcode, at its edges and in the shapes that our circuits have: the same as the checker of the tests."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from kit.acir_bb import CircuitBb, circuit_bb
from kit.acir_check import Checker
from proofplane.barretenberg.acir.expression import Expression, constant, wire
from proofplane.barretenberg.acir.opcodes import And32, AssertZero, Opcode, Range
from proofplane.barretenberg.acir.program import Constraint, Program, Step, Values, encode_witness
from proofplane.barretenberg.field import MODULUS

pytestmark = pytest.mark.data

MASK = 2**32 - 1

EDGES = (0, 1, MASK, MASK + 1, MASK + 6, 2**36 + 5, MODULUS - 1, MODULUS - 2**32)


@pytest.fixture(scope="module")
def bb(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CircuitBb]:
    with circuit_bb(tmp_path_factory.mktemp("bb"), data_dir / "crs" / "bn254_g1.dat") as running:
        yield running


def agrees(bb: CircuitBb, opcodes: Sequence[Opcode], wires: Sequence[int]) -> bool:
    """Whether `bb` proves and verifies these wires just if they keep all opcodes; the last wire is published."""
    count = len(wires)
    copy = AssertZero(wire(count - 1) - wire(count))
    constraints = tuple(Constraint(str(index), opcode) for index, opcode in enumerate([*opcodes, copy]))
    program = Program(constraints, (Step(tuple(f"{index}" for index in range(count + 1)), None),), (count,))
    values = Values()
    values.wires = [value % MODULUS for value in (*wires, wires[-1])]
    bytecode = program.bytecode()
    return bb.accepts(bytecode, encode_witness(values)) is not bool(Checker(bytecode).broken(values.wires))


@pytest.mark.parametrize("bits", [1, 11, *(pytest.param(bits, marks=pytest.mark.slow) for bits in range(2, 11))])
def test_a_range_ends_where_it_says(bb: CircuitBb, bits: int) -> None:
    for value in (2**bits - 1, 2**bits, MODULUS - 1, pow(2**bits, -1, MODULUS)):
        assert agrees(bb, [Range(0, bits)], [value])


@pytest.mark.parametrize(
    ("first", "second"), [(8, 7), *(pytest.param(*pair, marks=pytest.mark.slow) for pair in ((7, 8), (3, 11), (11, 1), (2, 2)))]
)
def test_of_two_ranges_of_a_wire_and_of_equal_wires_the_narrower_counts(bb: CircuitBb, first: int, second: int) -> None:
    for value in (2 ** min(first, second) - 1, 2 ** min(first, second)):
        assert agrees(bb, [Range(0, first), Range(0, second)], [value])
        assert agrees(bb, [Range(0, first), AssertZero(wire(0) - wire(1)), Range(1, second)], [value, value])


def ands(value: int) -> Iterator[tuple[list[Opcode], list[int]]]:
    """Each is a circuit of 2^13 rows, because of the table of AND."""
    yield [And32(wire(0), wire(0), 1)], [value, value & MASK]
    for known in (0, 1, MASK):
        yield [And32(constant(known), wire(0), 1)], [value, value & known]
        yield [And32(wire(0), constant(known), 1)], [value, value & known]
    yield [And32(wire(0), wire(1), 2)], [value, MASK, value & MASK]
    yield [And32(wire(0), wire(1), 2)], [value, MASK, value & MASK ^ 8]


def test_an_and_holds_its_operand_to_32_bits_also_beside_zero(bb: CircuitBb) -> None:
    _, beside_zero, *_ = ands(2**32)
    assert agrees(bb, *beside_zero)


@pytest.mark.slow
@pytest.mark.parametrize("value", EDGES)
def test_an_and_holds_both_operands_to_32_bits(bb: CircuitBb, value: int) -> None:
    for opcodes, wires in ands(value):
        assert agrees(bb, opcodes, wires), opcodes


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=() if seed == 0 else pytest.mark.slow) for seed in range(12)])
def test_an_assertion_holds_in_the_shapes_that_our_circuits_have(bb: CircuitBb, seed: int) -> None:
    source = random.Random(seed)
    for _ in range(40):
        expression, wires = assertion(source)
        assert agrees(bb, [AssertZero(expression)], wires), (expression, wires)


def test_a_square_in_an_expression_of_many_wires_is_not_what_it_says(bb: CircuitBb) -> None:
    """So squares stand alone with their wire; see `numbers.boolean`. Where this fails, `bb` has been put right."""
    square = wire(4) * wire(5) + wire(3) * wire(3) + wire(1) + wire(6) + wire(2)
    assert not agrees(bb, [AssertZero(square)], [0, 0, 0, 0, 1, 0, 0, 0])


def assertion(source: random.Random) -> tuple[Expression, list[int]]:
    """An expression as in the step circuits, among wires that stand in none, and values of which about half make it zero."""
    shape = source.choice(["linear", "product", "choice", "boolean"])
    products: Mapping[tuple[int, int], int]
    count = {"linear": source.choice([2, 3, 4, 5, 6, 7, 9, 11, 27, 50]), "product": source.randrange(3, 6), "choice": 4, "boolean": 1}[
        shape
    ]
    chosen = source.sample(range(count + source.choice([0, 2, 6])), count)
    factors = [1, -1, 2**11, 2**22, 2**32, -(2**32), 2**192, 2016, 5]
    first, *others = chosen
    if shape == "linear":
        products, terms = {}, {index: source.choice(factors) for index in chosen}
    elif shape == "product":
        products, terms = {_pair(first, others[0]): source.choice([1, -1])}, {index: source.choice(factors) for index in others[1:]}
    elif shape == "choice":
        time, before, result = others
        products, terms = {_pair(first, time): 1, _pair(first, before): -1}, {before: 1, result: -1}
    else:
        products, terms = {(first, first): 1}, {first: -1}
    wires = [source.choice([source.randrange(MODULUS), source.randrange(2**32), source.randrange(2)]) for _ in range(max(chosen) + 1)]
    last = chosen[-1]
    values = Values()
    values.wires = wires
    if shape == "boolean":
        wires[last] = source.choice([0, 1, 2, MODULUS - 1])
    else:
        rest = values(Expression(products, {index: factor for index, factor in terms.items() if index != last}, 7))
        wires[last] = (-rest * pow(terms[last], -1, MODULUS) + source.choice([0, 0, 1, source.randrange(MODULUS)])) % MODULUS
    return Expression(products, terms, 0 if shape == "boolean" else 7), wires


def _pair(left: int, right: int) -> tuple[int, int]:
    return min(left, right), max(left, right)
