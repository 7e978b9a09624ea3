"""Unit tests of `proofplane.barretenberg.acir.opcodes`: the real `bb` judges them as the tests' checker does."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kit.acir_bb import CircuitBb, circuit_bb
from kit.acir_check import Checker
from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.acir.program import encode_witness

TOP = 2**32


@pytest.fixture(scope="module")
def bb(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CircuitBb]:
    with circuit_bb(tmp_path_factory.mktemp("bb"), data_dir / "crs" / "bn254_g1.dat") as running:
        yield running


def conjunction(b: Builder) -> None:
    x, y = b.inputs("x", 2)
    b.publish("out", b.and32("and", x, y))


def bounded(b: Builder) -> None:
    x, y = b.inputs("x", 2)
    b.range("x", x, 7)
    b.assert_zero("y", x * y)


def permuted(b: Builder) -> None:
    x, y = b.inputs("x", 2)
    b.publish("out", b.permute("permutation", [x, y, b.fixed("zero", 0), b.fixed("length", 2 << 64)])[0])


def wide(b: Builder) -> None:
    x, y = b.inputs("x", 2)
    squares = [b.define(f"square {index}", (x + index) * (y - index)) for index in range(9)]
    b.assert_zero("all", sum(squares, x * y - 2 * x) - 24)


@pytest.mark.data
@pytest.mark.parametrize(
    ("describe", "inputs", "lies", "holds"),
    [
        pytest.param(conjunction, (TOP - 1, 0b1100), {}, True, id="and"),
        pytest.param(conjunction, (0b1010, 0b1100), {"and": 0b1001}, False, id="and that is not"),
        pytest.param(conjunction, (TOP + 5, 3), {"and": 1}, False, id="left operand of 33 bits"),
        pytest.param(conjunction, (3, TOP + 5), {"and": 1}, False, id="right operand of 33 bits"),
        pytest.param(conjunction, (-1, 3), {"and": 3}, False, id="negative operand"),
        pytest.param(bounded, (127, 0), {}, True, id="largest in range"),
        pytest.param(bounded, (128, 0), {}, False, id="out of range"),
        pytest.param(bounded, (-1, 0), {}, False, id="negative"),
        pytest.param(permuted, (1, 2), {}, True, id="permutation"),
        pytest.param(permuted, (1, 2), {"out": 5}, False, id="hash that is not"),
        pytest.param(permuted, (1, 2), {"length": 3 << 64}, False, id="wire that is fixed to another value"),
        pytest.param(wide, (4, 5), {}, True, id="wide assertion"),
        pytest.param(wide, (4, 6), {}, False, id="wide assertion of another number"),
    ],
)
def test_bb_and_the_checker_agree(
    bb: CircuitBb, describe: Callable[[Builder], None], inputs: tuple[int, int], lies: dict[str, int], holds: bool
) -> None:
    b = Builder()
    describe(b)
    program = b.program()
    values = program.compute({"x/0": inputs[0], "x/1": inputs[1]}, lies)
    judged = Checker(program.bytecode()).broken(values.wires) == []
    assert (judged, bb.accepts(program.bytecode(), encode_witness(values))) == (holds, holds)
