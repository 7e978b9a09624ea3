"""Runners of the families of pure arithmetic: slot_clock, justifiability, poseidon_permutation."""

from __future__ import annotations

from collections.abc import Callable

from proofplane.chain.vectors.fields import Fields, typed
from proofplane.chain.vectors.types import Case, VectorFailed, compare
from proofplane.crypto import poseidon1
from proofplane.crypto.koalabear import P
from proofplane.lean import clock
from proofplane.lean.config import INTERVALS_PER_SLOT, MILLISECONDS_PER_INTERVAL, SECONDS_PER_SLOT
from proofplane.lean.justification import is_justifiable
from proofplane.lean.types import Slot


def run_justifiability(vector: Fields, case: Case) -> None:
    """Whether a slot can be justified, given the finalized one."""
    slot, finalized = Slot(vector.number("slot")), Slot(vector.number("finalizedSlot"))
    with Fields(vector.take("output"), "output") as output:
        compare("delta", slot - finalized, output.number("delta"))
        compare("isJustifiable", is_justifiable(slot, finalized), output.flag("isJustifiable"))


def run_poseidon(vector: Fields, case: Case) -> None:
    """One permutation, by the kernel and in plain Python; elements are decimal numbers in text."""
    state = _elements(vector.items("inputState"), "inputState")
    compare("width", len(state), vector.number("width"))
    expected = _elements(vector.items("outputState"), "outputState")
    compare("outputState", poseidon1.native_permute(state), expected)
    compare("outputState in plain Python", poseidon1.permute(state), expected)


def run_slot_clock(vector: Fields, case: Case) -> None:
    """One conversion of times."""
    with Fields(vector.take("config"), "config") as config:
        compare("secondsPerSlot", SECONDS_PER_SLOT, config.number("secondsPerSlot"))
        compare("intervalsPerSlot", INTERVALS_PER_SLOT, config.number("intervalsPerSlot"))
        compare("millisecondsPerInterval", MILLISECONDS_PER_INTERVAL, config.number("millisecondsPerInterval"))
    with Fields(vector.take("operation"), "operation") as operation, Fields(vector.take("output"), "output") as output:
        kind = operation.text("kind")
        if kind not in _CLOCK:
            raise VectorFailed(f"the operation {kind!r} is not known")
        name, convert = _CLOCK[kind]
        compare(kind, convert(operation), output.number(name))


def _elements(texts: list[object], where: str) -> list[int]:
    found = []
    for position, text in enumerate(texts):
        digits = typed(text, str, f"{where}[{position}]")
        if not (digits.isascii() and digits.isdecimal() and int(digits) < P):
            raise VectorFailed(f"{where}[{position}] is no field element: {digits[:40]!r}")
        found.append(int(digits))
    return found


def _whole(value: object, where: str) -> int:
    """A whole number that was written as a float."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return typed(value, int, where)


def _milliseconds(operation: Fields) -> tuple[int, int]:
    return operation.number("genesisTime"), _whole(operation.take("currentTimeMilliseconds"), "currentTimeMilliseconds")


_CLOCK: dict[str, tuple[str, Callable[[Fields], int]]] = {
    "from_unix_time": (
        "interval",
        lambda operation: clock.total_intervals(
            operation.number("genesisTime"), 1000 * _whole(operation.take("unixSeconds"), "unixSeconds")
        ),
    ),
    "from_slot": ("interval", lambda operation: clock.first_interval(Slot(operation.number("slot")))),
    "current_slot": ("slot", lambda operation: clock.current_slot(*_milliseconds(operation))),
    "current_interval": ("interval", lambda operation: clock.current_interval(*_milliseconds(operation))),
    "total_intervals": ("totalIntervals", lambda operation: clock.total_intervals(*_milliseconds(operation))),
}
"""Kind of operation -> name of its output, and what computes it."""
