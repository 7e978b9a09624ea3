"""Verification of SP1 v5 proofs in their Groth16 wrapper; making them is out of scope.

The wrapper circuit has two public inputs: the program id as an integer, and SHA256(public values) with the top three bits cleared.
Only SHA-256 commitments to public values are tried. Importing this module imports py_ecc, see `proofplane.crypto.groth16`.
Source: reference layouts of gnark and SP1 v5.0.0, held against real proofs in `tests/vectors/test_sp1_receipts.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from proofplane.base.errors import CallerMistake, NeverAgain, Refused
from proofplane.base.ids import HASH_SIZE, Hash32, hash32
from proofplane.base.receipt import ProofType, ProverKind, Receipt
from proofplane.crypto import groth16
from proofplane.crypto.hashes import sha256

VERSION = "v5.0.0"
"""The circuit version of every receipt that the v5 key verifies."""

KEY_SIZE = 396
"""Bytes of the v5 verifying-key file; 492 would be v6."""

TAG_SIZE = 4
"""Bytes in front of the proof: the start of SHA256(verifying-key file)."""

PROOF_SIZE = TAG_SIZE + groth16.PROOF_SIZE
"""Bytes of a receipt's proof."""

_V6_KEY_SIZE = 492
_K_COUNT = 3
_K_AT = 292
_KEYS_KEPT = 8
"""Parsed keys that are remembered: one takes a quarter of a second to parse, and a chain uses one at a time."""


class ProofReason(Enum):
    """Why an SP1 proof was refused."""

    PROVER = "not a proof by SP1"
    PROOF_TYPE = "not in the Groth16 wrapper"
    PROGRAM = "of another program"
    PROGRAM_RANGE = "program id not below the group order"
    LENGTH = "wrong length"
    KEY_TAG = "made under another verifying key"
    POINT = "malformed point"
    PAIRING = "does not hold"


class ProofRefused(Refused):
    """An SP1 proof that is invalid; `reason` says which check failed, `flaw` what is wrong with the point if it is one."""

    def __init__(self, reason: ProofReason, detail: str, flaw: groth16.PointFlaw | None = None) -> None:
        super().__init__(f"SP1 proof refused, {reason.value}: {detail}")
        self.reason = reason
        self.flaw = flaw


class MalformedVerifyingKey(CallerMistake):
    """Bytes that are not the verifying key of SP1 v5's Groth16 wrapper: name the right file."""


class UnsupportedSp1Version(NeverAgain):
    """A receipt or key of another SP1 version: it may be valid, but it cannot be checked here."""


@dataclass(frozen=True, slots=True)
class Sp1VerifyingKey:
    """The wrapper's verifying key, its points checked."""

    tag: bytes
    """The first 4 bytes of SHA256(file), which every proof under the key starts with."""
    key: groth16.Groth16Key

    @classmethod
    def parse(cls, raw: bytes) -> Sp1VerifyingKey:
        """Reads the 396-byte file.

        Layout: alpha G1 (32), beta G1 (32, unused), beta G2 (64), gamma G2 (64), delta G1 (32, unused), delta G2 (64),
        u32 BE number of K points = 3, K points G1 (32 each), 8 zero bytes (empty commitment lists); all points compressed.

        Raises:
            MalformedVerifyingKey: It is not such a file.
            UnsupportedSp1Version: It has the length of a v6 key.
        """
        if len(raw) == _V6_KEY_SIZE:
            raise UnsupportedSp1Version(f"a verifying key of {len(raw)} bytes is SP1 v6's; only v5's ({KEY_SIZE} bytes) is supported")
        if len(raw) != KEY_SIZE:
            raise MalformedVerifyingKey(f"an SP1 v5 verifying key has {KEY_SIZE} bytes, not {len(raw)}")
        count = int.from_bytes(raw[288:_K_AT], "big")
        if count != _K_COUNT:
            raise MalformedVerifyingKey(f"an SP1 v5 verifying key has {_K_COUNT} K points, not {count}")
        if any(raw[388:]):
            raise MalformedVerifyingKey("an SP1 v5 verifying key ends with 8 zero bytes (no commitments)")
        try:
            alpha = groth16.decompress_g1("alpha", raw[0:32])
            beta = groth16.decompress_g2("beta", raw[64:128])
            gamma = groth16.decompress_g2("gamma", raw[128:192])
            delta = groth16.decompress_g2("delta", raw[224:288])
            k = tuple(groth16.decompress_g1(f"K{i}", raw[_K_AT + 32 * i : _K_AT + 32 * i + 32]) for i in range(_K_COUNT))
        except groth16.MalformedPoint as error:
            raise MalformedVerifyingKey(f"SP1 verifying key: {error}") from None
        return cls(sha256(raw)[:TAG_SIZE], groth16.Groth16Key(groth16.miller(beta, alpha), gamma, delta, k))


@dataclass(frozen=True, slots=True)
class Sp1Verified:
    """The program really ended with these public values; made only by verification."""

    program_id: Hash32
    public_values: bytes


def verify_sp1(receipt: Receipt, program_id: Hash32, vk: Sp1VerifyingKey) -> Sp1Verified:
    """Checks that `receipt` proves a run of `program_id`; the caller compares the public values with what it expects.

    Raises:
        ProofRefused: The proof is invalid; `reason` says why.
        UnsupportedSp1Version: The receipt is not of SP1 `VERSION`.
    """
    if receipt.prover is not ProverKind.SP1:
        raise ProofRefused(ProofReason.PROVER, receipt.prover.name)
    if receipt.version != VERSION:
        raise UnsupportedSp1Version(f"a receipt of SP1 {receipt.version!r}; only {VERSION} is supported")
    if receipt.proof_type is not ProofType.GROTH16:
        raise ProofRefused(ProofReason.PROOF_TYPE, receipt.proof_type.name)
    if receipt.program_id is not None and receipt.program_id != program_id:
        raise ProofRefused(ProofReason.PROGRAM, f"the receipt names {receipt.program_id.hex()}, expected {program_id.hex()}")
    return verify_proof(receipt.proof, receipt.public_values, program_id, vk)


def verify_proof(proof: bytes, public_values: bytes, program_id: Hash32, vk: Sp1VerifyingKey) -> Sp1Verified:
    """Checks the bare proof (tag 4, A 64, B 128, C 64); raises `ProofRefused`."""
    if len(proof) != PROOF_SIZE:
        raise ProofRefused(ProofReason.LENGTH, f"{PROOF_SIZE} bytes expected, found {len(proof)}")
    if proof[:TAG_SIZE] != vk.tag:
        raise ProofRefused(ProofReason.KEY_TAG, f"tag {proof[:TAG_SIZE].hex()}, the key's is {vk.tag.hex()}")
    program = int.from_bytes(hash32(program_id), "big")
    if program >= groth16.SCALAR_ORDER:
        # Reduced, it would be an alias of the id below the order, and one proof would hold for two programs.
        raise ProofRefused(ProofReason.PROGRAM_RANGE, program_id.hex())
    try:
        points = groth16.Groth16Proof.parse(proof[TAG_SIZE:])
        groth16.verify(vk.key, points, (program, _public_values_input(public_values)))
    except groth16.MalformedPoint as error:
        raise ProofRefused(ProofReason.POINT, str(error), error.flaw) from None
    except groth16.PairingMismatch:
        raise ProofRefused(ProofReason.PAIRING, f"not a proof of program {program_id.hex()} for these public values") from None
    return Sp1Verified(program_id, bytes(public_values))


def verify_under_condition(condition: bytes, claim: bytes, witness: bytes) -> Sp1Verified:
    """Checks `witness` as a proof of `claim` under a predicate's condition: program id (32), verifying-key file (396).

    Raises:
        ProofRefused: The proof is invalid.
        MalformedVerifyingKey, UnsupportedSp1Version: The condition is not such a key.
    """
    if len(condition) < HASH_SIZE:
        raise MalformedVerifyingKey(f"an SP1 condition has {HASH_SIZE + KEY_SIZE} bytes, not {len(condition)}")
    return verify_proof(witness, claim, Hash32(bytes(condition[:HASH_SIZE])), _parsed(bytes(condition[HASH_SIZE:])))


@lru_cache(maxsize=_KEYS_KEPT)
def _parsed(raw: bytes) -> Sp1VerifyingKey:
    return Sp1VerifyingKey.parse(raw)


def _public_values_input(public_values: bytes) -> int:
    """SHA256 as an integer below 2^253, so that it is a field element without reduction."""
    digest = sha256(public_values)
    return int.from_bytes(bytes([digest[0] & 0x1F]) + digest[1:], "big")
