"""Verification keys: identified by their exact bytes, never by what verifies under them.

`bb` reads only the low 8 bytes of a key's first three values, so that 72 low bits of its 3,680 bytes can be flipped and the other key
still verifies the same proofs. Keys whose unread bytes are not zero are refused here; an allow-list compares `VerificationKey.sha256`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from proofplane.barretenberg.errors import MalformedKey
from proofplane.barretenberg.field import SIZE
from proofplane.base.ids import Hash32, hash32

KEY_SIZES = frozenset({1888, 3680, 5216})
"""Bytes of a key: Keccak flavours; Poseidon2 flavours and Chonk's last circuit; Chonk's other circuits (Mega)."""

_NUMBERS = 3
"""Values at a key's beginning that are numbers: log2 of the circuit's size, its public inputs, where they begin."""

_READ = 8
"""Low bytes of such a value that `bb` reads."""

MAX_LOG_SIZE = 30
"""log2 of the largest circuit that a key may be of; the whole ceremony has points for less than 2^27."""


@dataclass(frozen=True, slots=True, repr=False)
class VerificationKey:
    """A verification key, in `bb`'s own form."""

    raw: bytes
    """The key as `bb` made it, 1,888, 3,680 or 5,216 bytes."""
    sha256: Hash32 = field(init=False, compare=False)
    """What names the key in allow-lists and predicates: SHA-256 of `raw`."""

    def __post_init__(self) -> None:
        """Raises `MalformedKey` if no key is so long, or one of its first three numbers is none that `bb` writes."""
        if len(self.raw) not in KEY_SIZES:
            raise MalformedKey(f"a verification key has {' or '.join(map(str, sorted(KEY_SIZES)))} bytes, not {len(self.raw)}")
        for index in range(_NUMBERS):
            start = index * SIZE
            if any(self.raw[start : start + SIZE - _READ]):
                raise MalformedKey(f"value {index} of the verification key has bytes that are not read and not zero: another form of a key")
        if not 0 < self.log_size <= MAX_LOG_SIZE:
            raise MalformedKey(f"the verification key is of a circuit of 2^{self.log_size} rows")
        object.__setattr__(self, "sha256", hash32(hashlib.sha256(self.raw).digest()))

    @property
    def log_size(self) -> int:
        """log2 of the circuit's size in rows."""
        return self._number(0)

    @property
    def public_inputs(self) -> int:
        """Public inputs of the circuit, those that its flavour adds included."""
        return self._number(1)

    def _number(self, index: int) -> int:
        return int.from_bytes(self.raw[index * SIZE : (index + 1) * SIZE], "big")

    def __repr__(self) -> str:
        return f"VerificationKey({self.sha256.hex()})"
