"""Lies about a header step that all constraints but one let through: for each constraint outside the hash, what it alone keeps out.

A lie is told to the unchecked generator, which recomputes everything that depends on it; so exactly the named constraint is broken.
A few can only be told about headers that were never mined: those break the rule of work as well, which is said where it is so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from kit.step_stories import ABOVE_TARGET, GENESIS, HONEST, TOP_WORD, TWO_WEEKS, Story, computed, honest_values, state, wire
from proofplane.barretenberg.acir.opcodes import AssertZero, Range
from proofplane.barretenberg.circuits.header_step import StepCircuit
from proofplane.barretenberg.field import MODULUS
from proofplane.bitcoin.rules import WINDOW

WORK = "rules/work/"

_Numbers = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Lie:
    """A witness that breaks the constraint of this name and, but for `unmined` headers, no other."""

    constraint: str
    story: Story
    inputs: _Numbers = field(default_factory=dict)
    """Inputs that are not the story's."""
    lies: _Numbers = field(default_factory=dict)
    unmined: bool = False
    """Whether the constraints of the rule of work may be broken besides."""


def lies_about(circuit: StepCircuit) -> Iterator[Lie]:
    """Lies about all that both circuits have, told of a step of this one."""
    yield from _openings(circuit)
    yield from _links(circuit)
    yield from _median(circuit)
    yield from _target(circuit)
    yield from _height(circuit)
    yield from _commitments(circuit)


def lies_about_plain() -> Iterator[Lie]:
    """Lies about an epoch's blocks but the last."""
    honest = HONEST[StepCircuit.PLAIN]
    epoch, first = "rules/epoch", "rules/epoch/first of epoch"
    yield Lie(f"{epoch}/position", honest, lies={f"{epoch}/position": 0})
    # The first block of an epoch, made of one in the middle: its number is a fraction of the field.
    yield from _absorbed(f"{epoch}/number bound", honest, lies={f"{epoch}/number": 1001 * pow(2016, -1, MODULUS)})
    last = replace(honest, before=state(2014))
    yield from _absorbed(f"{epoch}/not last of epoch", last)
    yield from _absorbed(f"{epoch}/position bound", last, lies={f"{epoch}/number": 1})
    yield Lie(f"{first}/not both", honest, lies={f"{first}/zero": 1, f"{first}/inverse": 0})
    yield Lie(f"{first}/one of both", replace(honest, before=state(2015)), lies={f"{first}/zero": 0})
    yield Lie(f"{epoch}/start", honest, lies={f"{epoch}/start": 1})


def lies_about_retarget() -> Iterator[Lie]:
    """Lies about an epoch's last block and the next target."""
    honest = HONEST[StepCircuit.RETARGET]
    elsewhere = replace(honest, before=state(1000))
    yield Lie("rules/epoch/last of epoch", elsewhere)
    yield Lie("rules/epoch/position", elsewhere, lies={"rules/epoch/position": 2015})
    yield from _absorbed("rules/epoch/number bound", elsewhere, lies={"rules/epoch/number": (1001 - 2015) * pow(2016, -1, MODULUS)})
    part = "rules/epoch/retarget"
    for name in ("span", "product", "divisor", "remainder", "capped"):
        yield _redefined(f"{part}/{name}", honest)
    for name in ("shortest", "limit"):
        yield from _least(f"{part}/{name}", honest)
    yield from _least(f"{part}/longest", replace(honest, before=state(2014, epoch_start=GENESIS.time - 3 * TWO_WEEKS)))
    yield from _absorbed(f"{part}/remainder from 0", honest, lies={f"{part}/mantissa": _quotient(honest) + 1})
    yield from _absorbed(f"{part}/remainder below divisor", honest, lies={f"{part}/mantissa": _quotient(honest) - 1})
    # Half the span makes of the mantissa 0xffff one of 0x8000: with a byte more, 0x8000xx, it would be negative.
    half = replace(honest, before=state(2014, epoch_start=GENESIS.time - TWO_WEEKS // 2 - 100))
    yield from _absorbed(f"{part}/mantissa not negative", half, lies=_shifted(0))
    yield from _absorbed(f"{part}/mantissa canonical", honest, lies=_shifted(2))
    yield Lie(f"{part}/shift/one", honest, lies={f"{part}/shift/0": 1})
    # Divisors of three shifts at once need a large mantissa, which no mined header has.
    large = replace(GENESIS, bits=0x1C7FFFFF)
    story = replace(honest, header=large, before=state(2014, large, epoch_start=GENESIS.time - 4 * TWO_WEEKS))
    for index in range(2):
        yield Lie(f"{part}/shift/{index}", story, lies=_shifted(0, 1, 2) | {f"{part}/shift/{index}": -1}, unmined=True)


_IMPLIED = {
    "before/next bits/": "the header's bits are a word, and rule 3 says that they are the same",
    "rules/target/size/25": "as the only one that is no boolean it would be negative, and the target too",
}

_IMPLIED_BY_RETARGET = {
    "before/height/": "the height after is bounded, and an epoch's last block is not at height 0",
    "before/epoch start/": "it is within 2^33 of the time, and nothing is packed above it",
    "rules/height/": "the one height that is too large, 2^32, is no epoch's last block",
    "rules/epoch/retarget/shift/2": "as the only one that is no boolean it would be -1, and the divisor negative, below any remainder",
}

IMPLIED: Mapping[StepCircuit, Mapping[str, str]] = {
    StepCircuit.PLAIN: _IMPLIED,
    StepCircuit.RETARGET: _IMPLIED | _IMPLIED_BY_RETARGET,
}
"""Constraints, by the beginning of their names, that others imply; they stand there because what they say is simple. With the reason."""


def _openings(circuit: StepCircuit) -> Iterator[Lie]:
    """A commitment's packed elements opened to other numbers: one not of 32 bits makes up for a change of the one before."""
    honest = HONEST[circuit]
    names = [*(f"before/time/{index}" for index in range(WINDOW)), "before/height", "before/next bits", "before/epoch start"]
    for place, name in enumerate(names):
        if f"{name}/" in IMPLIED[circuit] or name == "before/height":
            continue
        other = names[place - 1 if place % 7 else place + 1] if name != "before/epoch start" else "before/time/10"
        distance = names.index(other) - place
        inputs = {name: honest.inputs[name] - pow(2**32, distance, MODULUS), other: honest.inputs[other] + 1}
        index = name.rpartition("/")[2]
        lies = {f"rules/above median/{index}/earlier": 0} if "time" in name else {}
        yield from _absorbed(name, honest, inputs=inputs, lies=lies)
    # A height of -1, which is 2^32 - 1 less one of the next bits; the next is 0, so it is an epoch's first block.
    if circuit is StepCircuit.PLAIN:
        yield from _absorbed("before/height", replace(honest, before=state(0)), inputs={"before/height": -1})


def _links(circuit: StepCircuit) -> Iterator[Lie]:
    """Another parent, other bits, another time."""
    honest = HONEST[circuit]
    yield Lie("rules/previous hash high", honest, {"before/last high": 1})
    yield Lie("rules/previous hash low", honest, {"before/last low": 1})
    yield Lie("rules/bits", honest, {"before/next bits": 0x1D00FFFE})
    yield _redefined("rules/time", honest)


def _median(circuit: StepCircuit) -> Iterator[Lie]:
    """Six earlier times where only five are."""
    honest = HONEST[circuit]
    late = GENESIS.time
    for index in range(WINDOW):
        part = f"rules/above median/{index}"
        times = tuple(0 if (place - index) % WINDOW in range(1, 6) else late for place in range(WINDOW))
        story = replace(honest, before=replace(honest.before, window=times))
        yield Lie(f"{part}/lead", story, lies={f"{part}/lead": 0, f"{part}/earlier": 1})
        yield from _absorbed(f"{part}/lead if earlier", story, lies={f"{part}/earlier": 1})
        times = tuple(0 if (place - index) % WINDOW in range(5) else late for place in range(WINDOW))
        story = replace(honest, before=replace(honest.before, window=times))
        yield Lie(f"{part}/earlier", story, lies={f"{part}/earlier": 2})
    yield Lie("rules/above median/six", story)


def _target(circuit: StepCircuit) -> Iterator[Lie]:
    """Easier targets than the bits say, and hashes that do not meet them."""
    honest = HONEST[circuit]
    for name in ("mantissa", "target"):
        yield _redefined(f"rules/target/{name}", honest)
    yield _redefined("rules/target/power", honest, by=-1)
    story = replace(honest, header=TOP_WORD)
    yield Lie("rules/work/top word", story)
    above = replace(honest, header=ABOVE_TARGET, before=replace(honest.before, next_bits=ABOVE_TARGET.bits))
    yield from _absorbed("rules/work/target minus hash", above)
    yield Lie("rules/target/size chosen", above, lies=_sizes(29))
    negative = replace(GENESIS, bits=0x1C8FFFFF)
    yield Lie(
        "rules/target/not negative", replace(honest, header=negative, before=replace(honest.before, next_bits=negative.bits)), unmined=True
    )
    # Sizes that add up: 25 + 4 = 29, and with one that is no boolean, 28 + (k + 1) - k = 29.
    yield Lie("rules/target/size/one", honest, lies=_sizes(25, 4), unmined=True)
    for size in range(4, 27):
        yield Lie(f"rules/target/size/{size - 4}", honest, lies=_sizes(28, size + 1) | {f"rules/target/size/{size - 4}": -1})
    smaller = replace(GENESIS, bits=0x1A00FFFF)
    story = replace(honest, header=smaller, before=replace(honest.before, next_bits=smaller.bits))
    for size, others in ((27, (28, 25)), (28, (29, 25))):
        yield Lie(f"rules/target/size/{size - 4}", story, lies=_sizes(*others) | {f"rules/target/size/{size - 4}": -1}, unmined=True)


def _height(circuit: StepCircuit) -> Iterator[Lie]:
    """One block after the last height that there is."""
    if circuit is StepCircuit.PLAIN:
        yield from _absorbed("rules/height", replace(HONEST[circuit], before=state(2**32 - 1)))


def _commitments(circuit: StepCircuit) -> Iterator[Lie]:
    """Commitments to something else, another hash."""
    honest = HONEST[circuit]
    for name in ("commitment before", "commitment after", "hash high", "hash low"):
        yield _redefined(name, honest)
    for constraint in circuit.program().constraints:
        if constraint.name.startswith(("state before/", "state after/")):
            name = constraint.name if isinstance(constraint.opcode, AssertZero) else f"{constraint.name}/0"
            yield replace(_redefined(name, honest), constraint=constraint.name)


def _least(path: str, story: Story) -> Iterator[Lie]:
    """The greater for the lesser, and what is neither."""
    values = honest_values(story)
    difference = values.wires[wire(story.circuit, f"{path}/difference")]
    yield _redefined(f"{path}/difference", story)
    yield _redefined(f"{path}/change", story, by=-1)
    chosen = values.wires[wire(story.circuit, f"{path}/right is less")]
    distance = difference if not chosen else MODULUS - difference
    # d - 2 (b d) is to stay small and not negative: b = -1 gives 3 d where d is positive, b = 2 gives -3 d where it is negative.
    yield Lie(f"{path}/right is less", story, lies={f"{path}/right is less": 2 if chosen else -1})
    assert 0 < 3 * distance < 2**32
    yield from _absorbed(f"{path}/distance", story, lies={f"{path}/right is less": 1 - chosen})


def _redefined(name: str, story: Story, by: int = 1) -> Lie:
    """A defined wire that is not what it is defined to be."""
    value = honest_values(story).wires[wire(story.circuit, name)]
    return Lie(name, story, lies={name: value + by})


def _absorbed(path: str, story: Story, inputs: _Numbers | None = None, lies: _Numbers | None = None) -> Iterator[Lie]:
    """A number out of its bounds: without the sum of its chunks, or with any one chunk that is not held and takes all that is too much."""
    given, told = dict(inputs or {}), dict(lies or {})
    values = computed(story, given, told)
    program = story.circuit.program()
    (whole,) = (each.opcode for each in program.constraints if each.name == f"{path}/chunks")
    assert isinstance(whole, AssertZero)
    excess = values(whole.expression)
    assert excess, f"{path} is within its bounds"
    yield Lie(f"{path}/chunks", story, given, told)
    for constraint in program.constraints:
        if constraint.name.startswith(f"{path}/chunk ") and isinstance(constraint.opcode, Range):
            low = int(constraint.name.rpartition(" ")[2])
            chunk = values.wires[constraint.opcode.input] + excess * pow(2**low, -1, MODULUS)
            yield Lie(constraint.name, story, given, told | {constraint.name: chunk})


def _shifted(*chosen: int) -> dict[str, int]:
    return {f"rules/epoch/retarget/shift/{index}": int(index in chosen) for index in range(3)}


def _sizes(*chosen: int) -> dict[str, int]:
    return {f"rules/target/size/{size - 4}": int(size in chosen) for size in range(4, 30)}


def _quotient(story: Story) -> int:
    return honest_values(story).wires[wire(story.circuit, "rules/epoch/retarget/mantissa")]
