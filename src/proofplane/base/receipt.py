"""A receipt: what a prover hands back, as one value and one file format."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from proofplane.base.errors import Refused
from proofplane.base.ids import HASH_SIZE, Hash32

MAX_RECEIPT_FIELD = 16 * 1024 * 1024
"""Bytes of proof or of public values that a reader accepts; larger lengths in a file are a lie or an attack."""

MAX_VERSION = 64
"""Bytes of the version text that a reader accepts."""


class MalformedReceipt(Refused):
    """Bytes that are not a receipt; the message says at which field reading stopped."""


class ProverKind(IntEnum):
    """Who made the proof (zkaleido's `ZkVm` byte; 64 and above are this project's)."""

    NATIVE = 0
    SP1 = 1
    BARRETENBERG = 64


class ProofType(IntEnum):
    """The outer form of the proof (zkaleido's `ProofType` byte)."""

    GROTH16 = 0
    CORE = 1
    COMPRESSED = 2


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof and public values with their provenance."""

    proof: bytes
    public_values: bytes
    prover: ProverKind
    version: str
    program_id: Hash32 | None = None
    """Which program was proved; files of older makers do not carry it."""
    proof_type: ProofType = ProofType.CORE
    """Travels with the program id; a receipt without one is `GROTH16`."""

    def __post_init__(self) -> None:
        """Raises `MalformedReceipt` if the values have no file form that reads back as this receipt."""
        for field, size, limit in (
            ("proof", len(self.proof), MAX_RECEIPT_FIELD),
            ("public values", len(self.public_values), MAX_RECEIPT_FIELD),
            ("version", len(self.version.encode()), MAX_VERSION),
        ):
            if size > limit:
                raise MalformedReceipt(f"a receipt has at most {limit} bytes of {field}, not {size}")
        if self.program_id is None:
            if self.proof_type is not ProofType.GROTH16:
                raise MalformedReceipt(f"a receipt without a program id is a Groth16 one, not {self.proof_type.name}")
        elif len(self.program_id) != HASH_SIZE:
            raise MalformedReceipt(f"a program id has {HASH_SIZE} bytes, not {len(self.program_id)}")

    def encode(self) -> bytes:
        """File form: proof, public values, prover u8, version, then (newer files) program id (32) and proof type u8.

        Proof, public values and version each stand behind their length as u64 LE.
        """
        version = self.version.encode()
        parts = [
            len(self.proof).to_bytes(8, "little"),
            self.proof,
            len(self.public_values).to_bytes(8, "little"),
            self.public_values,
            bytes([self.prover]),
            len(version).to_bytes(8, "little"),
            version,
        ]
        if self.program_id is not None:
            parts += [self.program_id, bytes([self.proof_type])]
        return b"".join(parts)

    @classmethod
    def decode(cls, raw: bytes) -> Receipt:
        """Raises `MalformedReceipt` if `raw` is not exactly one receipt."""
        reader = _Reader(raw)
        proof = reader.sized("proof", MAX_RECEIPT_FIELD)
        public_values = reader.sized("public values", MAX_RECEIPT_FIELD)
        prover = reader.take("prover kind", 1)[0]
        version = reader.sized("version", MAX_VERSION)
        program_id: Hash32 | None = None
        proof_type = ProofType.GROTH16.value
        if reader.left():
            program_id = Hash32(reader.take("program id", HASH_SIZE))
            proof_type = reader.take("proof type", 1)[0]
        if reader.left():
            raise MalformedReceipt(f"{reader.left()} bytes after the end of the receipt")
        try:
            return cls(proof, public_values, ProverKind(prover), version.decode(), program_id, ProofType(proof_type))
        except ValueError as error:
            raise MalformedReceipt(f"receipt with an unknown value: {error}") from None


class _Reader:
    """A cursor over receipt bytes that names the field where it runs out."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def left(self) -> int:
        return len(self._raw) - self._at

    def take(self, field: str, size: int) -> bytes:
        if self.left() < size:
            raise MalformedReceipt(f"receipt ends inside its {field}")
        self._at += size
        return bytes(self._raw[self._at - size : self._at])

    def sized(self, field: str, limit: int) -> bytes:
        size = int.from_bytes(self.take(f"{field} length", 8), "little")
        if size > limit:
            raise MalformedReceipt(f"receipt claims {size} bytes of {field}, at most {limit} are read")
        return self.take(field, size)
