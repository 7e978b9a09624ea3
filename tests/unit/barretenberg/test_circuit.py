"""A circuit is named by its bytecode; its gates say how many ceremony points it takes."""

from __future__ import annotations

import hashlib

import pytest

from proofplane.barretenberg.circuit import Circuit, points_needed
from proofplane.barretenberg.flavors import Flavor


@pytest.mark.parametrize(
    ("gates", "points"),
    [(1019, 2**10), (1020, 2**11), (16_379, 2**14), (16_380, 2**15), (32_763, 2**15), (32_764, 2**16), (1, 8), (11, 16), (12, 32)],
)
def test_points_are_the_power_of_two_that_holds_the_gates_and_five_more(gates: int, points: int) -> None:
    assert points_needed(gates) == points


def test_a_circuit_is_named_by_its_bytecode() -> None:
    circuit = Circuit("squares", b"\x03abc", Flavor.EVM)
    assert circuit.sha256 == hashlib.sha256(b"\x03abc").digest()
    assert repr(circuit) == "Circuit(squares, evm, 4 bytes)"
