"""Jobs for a prover backend, made of little."""

from collections.abc import Sequence

from proofplane.base.ids import BlockCommitment, BlockId, Hash32, Height
from proofplane.base.predicate import Predicate
from proofplane.base.proof_id import StepId
from proofplane.base.receipt import Receipt
from proofplane.crypto.hashes import sha256
from proofplane.proving.types import JobKey, Submission


def submission(
    number: int, program_id: Hash32, predicate: Predicate, body: bytes = b"", prerequisites: Sequence[Receipt | JobKey] = ()
) -> Submission:
    """The job that `number` alone names: its key does not depend on the rest."""
    block = BlockCommitment(Height(number), BlockId(sha256(b"block %d" % number)))
    return Submission(key(number), StepId.of(block), program_id, predicate, body, tuple(prerequisites))


def key(number: int) -> JobKey:
    """The key of job `number`."""
    return JobKey(sha256(b"job %d" % number))
