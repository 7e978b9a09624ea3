"""A job's key changes with everything that makes it another job, and with nothing else."""

from dataclasses import replace

from proofplane.base.ids import Hash32
from proofplane.base.receipt import ProverKind, Receipt
from proofplane.proving.identity import job_key
from proofplane.proving.types import JobKey, ProofKey

KEY, PROGRAM = ProofKey(b"proof"), Hash32(b"p" * 32)
RECEIPT = Receipt(b"proof", b"values", ProverKind.NATIVE, "1", PROGRAM)


def test_equal_jobs_have_equal_keys_of_32_bytes() -> None:
    one = job_key(KEY, PROGRAM, 1, b"body", [RECEIPT])
    assert one == job_key(ProofKey(b"proof"), PROGRAM, 1, b"body", [replace(RECEIPT)])
    assert len(one) == 32


def test_every_part_counts() -> None:
    keys = {
        job_key(KEY, PROGRAM, 1, b"body", [RECEIPT]),
        job_key(ProofKey(b"prooF"), PROGRAM, 1, b"body", [RECEIPT]),
        job_key(KEY, Hash32(b"q" * 32), 1, b"body", [RECEIPT]),
        job_key(KEY, PROGRAM, 2, b"body", [RECEIPT]),
        job_key(KEY, PROGRAM, 1, b"bodY", [RECEIPT]),
        job_key(KEY, PROGRAM, 1, b"body", []),
        job_key(KEY, PROGRAM, 1, b"body", [replace(RECEIPT, proof=b"prooF")]),
        job_key(KEY, PROGRAM, 1, b"body", [RECEIPT, RECEIPT]),
        job_key(KEY, PROGRAM, 1, b"body", [JobKey(bytes(32))]),
    }
    assert len(keys) == 9


def test_bytes_do_not_slip_from_one_part_into_the_next() -> None:
    whole = PROGRAM + (1).to_bytes(4, "little")
    assert job_key(KEY, PROGRAM, 1, b"ab", []) != job_key(ProofKey(KEY + whole[:1]), PROGRAM, 1, b"b", [])
    key = JobKey(b"k" * 32)
    assert job_key(KEY, PROGRAM, 1, b"", [key]) != job_key(KEY, PROGRAM, 1, b"\x01" + key, [])
