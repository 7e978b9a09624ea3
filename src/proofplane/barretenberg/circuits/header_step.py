"""The header step as a circuit: "there is a header that leads from one committed state to the other, and this is its hash".

The statement, about Bitcoin's mainnet. Public are C(before), C(after) and the hash in two halves. There are a header of 80 bytes and two
header states with these commitments, all of whose numbers have 32 bits, such that:

1. the hash is SHA-256 of SHA-256 of the header;
2. the header's previous hash is the id of the last block of `before`;
3. its bits are the next bits of `before`;
4. its time is greater than the median of the 11 times of `before`;
5. its hash, read as a little-endian number, is at most the target that its bits stand for;
6. `after` has the header's hash as its last block, one height higher;
7. the times of `after` are those of `before` without the oldest, and the header's;
8. the next bits and epoch start of `after` are those that follow, in the circuit's place within an epoch:
   PLAIN, all but an epoch's last block: the same bits; the epoch starts at the header's time if it is an epoch's first, else as before;
   RETARGET, an epoch's last block: the retargeted bits, the same epoch start.

The rules are those of `proofplane.bitcoin.rules`, which this module's tests hold the circuits against.
Why each part holds, and what the statement does not say, is in docs/design/header-step.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from functools import cache, lru_cache
from importlib import resources
from struct import unpack

from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.acir.expression import Expression, total
from proofplane.barretenberg.acir.program import Program
from proofplane.barretenberg.circuits.errors import Unprovable
from proofplane.barretenberg.circuits.numbers import boolean, bounded, is_zero
from proofplane.barretenberg.circuits.retarget import retargeted
from proofplane.barretenberg.circuits.sha256 import header_digest, message_cuts
from proofplane.barretenberg.circuits.state import StateWires, commitment, commitment_of, halves, opened, state_inputs
from proofplane.barretenberg.circuits.target import Compact, assert_met, compact, covers
from proofplane.barretenberg.circuits.words import BYTES, Cuts, Word, held, reversed_bytes
from proofplane.barretenberg.field import Fr
from proofplane.barretenberg.keys import VerificationKey
from proofplane.bitcoin.header import HEADER_SIZE, Header
from proofplane.bitcoin.networks import BLOCKS_PER_EPOCH
from proofplane.bitcoin.rules import WINDOW, HeaderRejected, HeaderState, accept

_WORDS = HEADER_SIZE // 4

# Words of the header by what they are: version 0, previous hash 1 to 8, merkle root 9 to 16, time 17, bits 18, nonce 19.
_PREVIOUS = 1
_TIME = 17
_BITS = 18

_ABOVE_MEDIAN = WINDOW // 2 + 1
"""A time is greater than the median, the sixth smallest of 11, if and only if it is greater than six of them."""

_EPOCH_BITS = 22
"""Bits of the number of an epoch: a height of 32 bits by 2016."""

_POSITION_BITS = 11
"""Bits of a place within an epoch, 0 to 2015."""


class StepCircuit(IntEnum):
    """The circuits of a step; the number is in receipts, and it is the order of the keys in the predicate."""

    PLAIN = 0
    """Every block but the last of an epoch."""
    RETARGET = 1
    """The last block of an epoch, after which the target changes."""

    def program(self) -> Program:
        """The description, built once."""
        return _program(self)

    def circuit(self) -> bytes:
        """The bytecode for `bb`; the same bytes on every machine."""
        return _bytecode(self)

    def key(self) -> bytes:
        """The verification key that belongs to `circuit`, as committed: 3,680 bytes of the flavour without zero knowledge."""
        return (resources.files(__package__) / "keys" / f"{self.name.lower()}.vk").read_bytes()


@cache
def step_keys() -> tuple[VerificationKey, ...]:
    """The committed keys, in the order of the circuits' numbers."""
    return tuple([VerificationKey(circuit.key()) for circuit in StepCircuit])


def step_points() -> int:
    """Ceremony points that proving a step takes, by the committed keys."""
    return max(1 << key.log_size for key in step_keys())


def circuit_for(before: HeaderState) -> StepCircuit:
    """The circuit of the step from `before`."""
    next_height = before.last.height + 1
    return StepCircuit.RETARGET if (next_height + 1) % BLOCKS_PER_EPOCH == 0 else StepCircuit.PLAIN


def public_inputs(before: HeaderState, after: HeaderState) -> tuple[Fr, Fr, Fr, Fr]:
    """What the circuit publishes of a step: C(before), C(after), the first 16 bytes of the header's hash and the other 16.

    Raises `Unprovable` for a state that no commitment covers. Nothing is checked about the two states.
    """
    high, low = halves(after.last.block_id)
    return commitment(before), commitment(after), Fr.of(high), Fr.of(low)


def witness(before: HeaderState, header: Header) -> bytes:
    """The witness of the step from `before` by `header`, for `circuit_for(before)`.

    Raises `Unprovable` if the header breaks a rule, or if no circuit covers the state.
    """
    try:
        after = accept(before, header)
    except HeaderRejected as error:
        raise Unprovable(f"rule {error.rule.value} does not hold: {error}") from error
    public_inputs(before, after)
    if not covers(header.bits):
        raise Unprovable(f"bits {header.bits:#010x} are no canonical form of a target from 2^23 up: the circuits do not cover them")
    return circuit_for(before).program().witness(step_inputs(before, header.encode()))


def step_inputs(before: HeaderState, header: bytes) -> Mapping[str, int]:
    """The circuit's inputs by name, from any state and any 80 bytes; nothing is checked."""
    words = unpack(f">{_WORDS}I", header)
    return {**state_inputs(before, "before"), **{f"header/word/{index}": word for index, word in enumerate(words)}}


@lru_cache
def _bytecode(circuit: StepCircuit) -> bytes:
    return circuit.program().bytecode()


@lru_cache
def _program(circuit: StepCircuit) -> Program:
    b = Builder()
    with b.part("before"):
        before = opened(b)
    with b.part("header"):
        header = [held(b, f"word {index}", word, _cuts(index)) for index, word in enumerate(b.inputs("word", _WORDS))]
    with b.part("hash"):
        digest = header_digest(b, header, BYTES)
    with b.part("rules"):
        after = _step(b, circuit, before, header, digest)
    b.publish("commitment before", commitment_of(b, "state before", before))
    b.publish("commitment after", commitment_of(b, "state after", after))
    b.publish("hash high", after.last_high)
    b.publish("hash low", after.last_low)
    return b.program()


def _step(b: Builder, circuit: StepCircuit, before: StateWires, header: list[Word], digest: list[Word]) -> StateWires:
    """Asserts rules 2 to 5 and returns the state after, by rules 6 to 8."""
    b.assert_equal("previous hash high", _joined(header[_PREVIOUS : _PREVIOUS + 4]), before.last_high)
    b.assert_equal("previous hash low", _joined(header[_PREVIOUS + 4 : _PREVIOUS + 8]), before.last_low)
    b.assert_equal("bits", reversed_bytes(header[_BITS]), before.next_bits)
    time = b.define("time", reversed_bytes(header[_TIME]))
    _assert_above_median(b, "above median", time, before.times)
    bits = compact(b, "target", header[_BITS])
    assert_met(b, "work", digest, bits.target)

    height = before.height + 1
    bounded(b, "height", height, 32)
    next_bits, epoch_start = _epoch(b, circuit, height, before, time, bits)
    return StateWires(_joined(digest[:4]), _joined(digest[4:]), (*before.times[1:], time), height, next_bits, epoch_start)


def _assert_above_median(b: Builder, name: str, time: Expression, times: tuple[Expression, ...]) -> None:
    """Six of the times are earlier than `time`."""
    with b.part(name):
        counted: list[Expression] = []
        for index, each in enumerate(times):
            with b.part(index):
                counted.append(_counted(b, b.define("lead", time - each - 1), total(counted)))
        b.assert_equal("six", total(counted), _ABOVE_MEDIAN)


def _counted(b: Builder, lead: Expression, so_far: Expression) -> Expression:
    """A boolean that is 1 only if the lead is not negative; an honest prover counts no more times than are needed."""
    earlier = boolean(b, "earlier", lambda values: values.signed(lead) >= 0 and values(so_far) < _ABOVE_MEDIAN)
    bounded(b, "lead if earlier", earlier * lead, 32)
    return earlier


def _epoch(
    b: Builder, circuit: StepCircuit, height: Expression, before: StateWires, time: Expression, bits: Compact
) -> tuple[Expression, Expression]:
    """Next bits and epoch start after the block at `height`, and that this circuit is the one for it."""
    with b.part("epoch"):
        number = b.hint("number", lambda values: values(height) // BLOCKS_PER_EPOCH)
        bounded(b, "number bound", number, _EPOCH_BITS)
        position = b.define("position", height - BLOCKS_PER_EPOCH * number)
        last = BLOCKS_PER_EPOCH - 1
        if circuit is StepCircuit.RETARGET:
            b.assert_equal("last of epoch", position, last)
            return retargeted(b, "retarget", bits, before.epoch_start, time), before.epoch_start
        bounded(b, "position bound", position, _POSITION_BITS)
        bounded(b, "not last of epoch", last - 1 - position, _POSITION_BITS)
        is_first = is_zero(b, "first of epoch", position)
        epoch_start = b.define("start", before.epoch_start + is_first * (time - before.epoch_start))
        return before.next_bits, epoch_start


def _joined(words: list[Word]) -> Expression:
    """Four words as one number of 128 bits, the first the most significant."""
    return total([word.value * 2 ** (32 * (3 - place)) for place, word in enumerate(words)])


def _cuts(index: int) -> Cuts:
    """Time and bits are read by bytes, the others as the hash reads them."""
    return BYTES if index in (_TIME, _BITS) else message_cuts(index)
