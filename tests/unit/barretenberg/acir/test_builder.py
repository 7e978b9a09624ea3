"""Unit tests of `proofplane.barretenberg.acir.builder` and the programs that it makes."""

import msgspec
import pytest

from kit.acir_check import Checker
from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.acir.errors import NameTaken, NoSuchName, NotExpressible, WrongInputs
from proofplane.barretenberg.acir.expression import constant
from proofplane.barretenberg.acir.program import Program, encode_witness
from proofplane.barretenberg.field import MODULUS


def squared() -> Program:
    """x, of 8 bits, and its square, which is public."""
    b = Builder()
    x = b.input("x")
    with b.part("small"):
        b.range("x", x, 8)
    b.publish("square", x * x)
    return b.program()


def test_one_description_gives_constraints_and_a_witness_that_meets_them() -> None:
    program = squared()
    values = program.compute({"x": 12})
    assert values.wires == [12, 144]
    assert Checker(program.bytecode()).broken(values.wires) == []


def test_a_lie_is_told_and_what_follows_from_it_computed() -> None:
    b = Builder()
    first = b.hint("first", lambda _: 1)
    b.hint("second", lambda values: values(first) + 1)
    assert b.program().compute({}, {"first": -1}).wires == [MODULUS - 1, 0]


def test_a_constraint_is_left_out_by_its_name() -> None:
    program = squared()
    false = program.compute({"x": 300})
    names = [constraint.name for constraint in program.constraints]
    assert [names[index] for index in Checker(program.bytecode()).broken(false.wires)] == ["small/x"]
    assert Checker(program.without("small/x").bytecode()).broken(false.wires) == []


def test_names_are_paths_and_no_two_wires_or_constraints_share_one() -> None:
    b = Builder()
    with b.part("part"), b.part(3):
        b.input("x")
    assert b.program().wires == ("part/3/x",)
    with b.part("part"), pytest.raises(NameTaken, match="part/3/x"):
        b.input("3/x")
    b.range("small", b.input("y"), 3)
    with pytest.raises(NameTaken):
        b.range("small", b.input("z"), 3)


def test_public_wires_are_returned_in_the_order_in_which_they_were_published() -> None:
    b = Builder()
    x = b.input("x")
    b.publish("one more", x + 1)
    b.publish("two more", x + 2)
    program = b.program()
    assert program.public == (1, 2)
    checker = Checker(program.bytecode())
    assert (checker.private, checker.returned) == ([0], [1, 2])


def test_a_wire_or_a_constant_needs_no_definition() -> None:
    b = Builder()
    x = b.input("x")
    assert b.define("same", x) is x
    assert b.define("number", constant(3)).known == 3
    assert b.and32("of numbers", constant(12), constant(10)).known == 8
    assert b.program().constraints == ()
    assert b.define("sum", x + 1).wire == 1


def test_opcodes_refuse_what_they_cannot_take() -> None:
    b = Builder()
    x = b.input("x")
    with pytest.raises(NotExpressible):
        b.range("sum", x + 1, 8)
    with pytest.raises(NotExpressible):
        b.and32("sum", x + 1, x)
    with pytest.raises(NotExpressible):
        b.permute("constant", [x, x, x, constant(0)])
    with pytest.raises(NotExpressible):
        b.assert_zero("never", constant(1))
    b.assert_zero("always", constant(MODULUS))
    assert b.program().constraints == ()


def test_a_square_stands_in_an_expression_of_one_gate_only() -> None:
    b = Builder()
    v, w, x, y, z = b.inputs("inputs", 5)
    b.assert_zero("fits", w * w - w + x + y + z)
    with pytest.raises(NotExpressible, match="define the square"):
        b.assert_zero("too many wires", v + w * w + x + y + z)
    with pytest.raises(NotExpressible, match="define the square"):
        b.assert_zero("two products", w * w + x * y)
    b.assert_zero("no square", v * w + x * y + z)


def test_inputs_are_given_each_once() -> None:
    with pytest.raises(WrongInputs, match=r"missing: \['x'\]; unknown: \['y'\]"):
        squared().compute({"y": 1})
    with pytest.raises(NoSuchName):
        squared().compute({"x": 1}, {"cube": 1})
    with pytest.raises(NoSuchName):
        squared().without("cube")


def test_differences_are_signed_when_asked_for() -> None:
    b = Builder()
    x = b.input("x")
    values = b.program().compute({"x": 3})
    assert (values.signed(x - 5), values(x - 5)) == (-2, MODULUS - 2)


def test_the_bytes_are_those_of_the_format() -> None:
    one, zero = (1).to_bytes(32, "big"), bytes(32)
    square = {"AssertZero": [[[(MODULUS - 1).to_bytes(32, "big"), 0, 0]], [[one, 1]], zero]}
    opcodes = [{"BlackBoxFuncCall": {"RANGE": [{"Witness": 0}, 8]}}, square]
    assert squared().bytecode() == b"\x03" + msgspec.msgpack.encode([[["main", opcodes, [0], [], [1], []]], []])
    values = squared().compute({"x": 1})
    assert squared().witness({"x": 1}) == encode_witness(values) == b"\x03" + msgspec.msgpack.encode([[[0, {0: one, 1: one}]]])


def test_a_proof_that_is_verified_inside_takes_wires_and_constants() -> None:
    b = Builder()
    key, proof = b.inputs("key", 115), b.inputs("proof", 410)
    b.verify_proof("inner", key=key, proof=proof, public_inputs=[constant(5)], key_hash=b.input("hash"), kind=0)
    ((function,), _) = msgspec.msgpack.decode(b.program().bytecode()[1:])
    ((_, ((name, arguments),)),) = [(kind, body.items()) for kind, body in function[1][0].items()]
    assert name == "RecursiveAggregation"
    assert [len(fields) for fields in arguments[:3]] == [115, 410, 1]
    assert arguments[3:] == [{"Witness": 525}, 0, {"Constant": (1).to_bytes(32, "big")}]
    with pytest.raises(NotExpressible):
        b.verify_proof("other", key=key, proof=proof, public_inputs=[], key_hash=key[0] + 1, kind=0)
