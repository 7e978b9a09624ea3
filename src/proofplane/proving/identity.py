"""The idempotency key of a job: equal exactly if the same attempt at the same proof is asked for with the same input."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from proofplane.base.ids import Hash32
from proofplane.base.receipt import Receipt
from proofplane.proving.types import JobKey, ProofKey

_RECEIPT, _JOB = b"\x00", b"\x01"


def job_key(key: ProofKey, program_id: Hash32, attempt: int, body: bytes, prerequisites: Sequence[Receipt | JobKey]) -> JobKey:
    """SHA-256 over proof, program, attempt (u32 LE), body and each prerequisite; variable parts stand behind their u64 LE length.

    A prerequisite is told as its receipt's digest or as the key of the job that will yield it, with a tag byte between the two.
    """
    digest = hashlib.sha256(len(key).to_bytes(8, "little"))
    digest.update(key)
    digest.update(program_id)
    digest.update(attempt.to_bytes(4, "little"))
    digest.update(len(body).to_bytes(8, "little"))
    digest.update(body)
    for one in prerequisites:
        digest.update(_RECEIPT + hashlib.sha256(one.encode()).digest() if isinstance(one, Receipt) else _JOB + one)
    return JobKey(digest.digest())
