"""SPS-50 tags: the output by which a transaction names the subprotocol that it is meant for.

Output 0 is OP_RETURN and one push in its shortest form: magic (4), subprotocol u8, transaction type u8, aux (0 to 74 bytes).
Anything else is not an error, just not ours: every transaction of Bitcoin is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofplane.base.errors import CallerMistake
from proofplane.bitcoin.script import OP_RETURN, push, read_push
from proofplane.bitcoin.transaction import Transaction

MAGIC_SIZE = 4
TEST_MAGIC = b"ALPN"
"""The magic of test networks; an instance's parameters name its own."""

MAX_AUX = 74
"""Bytes; with the 6 before it a payload of 80, what standard relay allowed behind OP_RETURN."""

_FIXED = MAGIC_SIZE + 2


@dataclass(frozen=True, slots=True)
class Tag:
    """What a tagged transaction says it is; raises `CallerMistake` if a field is out of its range."""

    subprotocol: int
    """u8."""
    tx_type: int
    """u8; its meaning is the subprotocol's."""
    aux: bytes = b""
    """Up to 74 bytes for the subprotocol."""

    def __post_init__(self) -> None:
        if not (0 <= self.subprotocol <= 255 and 0 <= self.tx_type <= 255):
            raise CallerMistake(f"a tag's subprotocol and type are u8, not {self.subprotocol} and {self.tx_type}")
        if len(self.aux) > MAX_AUX:
            raise CallerMistake(f"a tag carries at most {MAX_AUX} bytes, not {len(self.aux)}")


def tag_script(magic: bytes, tag: Tag) -> bytes:
    """The script of the output that tags a transaction; raises `CallerMistake` unless `magic` has 4 bytes."""
    _check(magic)
    return bytes((OP_RETURN,)) + push(magic + bytes((tag.subprotocol, tag.tx_type)) + tag.aux)


def parse_tag(transaction: Transaction, magic: bytes) -> Tag | None:
    """The tag of `transaction` under `magic`, None if it has none; raises `CallerMistake` unless `magic` has 4 bytes."""
    _check(magic)
    script = transaction.outputs[0].script
    if script[:1] != bytes((OP_RETURN,)):
        return None
    pushed = read_push(script, 1)
    if pushed is None:
        return None
    payload, end = pushed
    if end != len(script) or not _FIXED <= len(payload) <= _FIXED + MAX_AUX or not payload.startswith(magic):
        return None
    return Tag(payload[MAGIC_SIZE], payload[MAGIC_SIZE + 1], payload[_FIXED:])


def _check(magic: bytes) -> None:
    if len(magic) != MAGIC_SIZE:
        raise CallerMistake(f"a magic has {MAGIC_SIZE} bytes, not {len(magic)}")
