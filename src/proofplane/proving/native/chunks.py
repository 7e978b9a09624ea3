"""How the jobs of one call are cut into chunks, the units that one worker process runs in order. Pure.

Rules:

1. Jobs that do not build on each other are spread, in chunks small enough that every worker gets two of them.
2. A chain (jobs linked by keys, with a single first job) stays in one chunk, so that no link waits for a round trip.
3. Of linked jobs with several first jobs, the first ones are spread as under 1, for the workers to share, and the rest wait for them.
4. No chunk is larger than its bound in jobs and in bytes; a link that crosses a cut is resolved by the parent.

Invariants: every job is in exactly one chunk; within a chunk, and over the chunks of one chain, jobs keep the order of the call.
"""

from __future__ import annotations

from collections.abc import Sequence

from proofplane.base.predicate import MAX_CONDITION
from proofplane.proving.native.frames import MAX_PUBLIC_VALUES
from proofplane.proving.types import JobKey, Submission

SPREAD_CHUNK = 16
"""Independent jobs at most per chunk: at 1 ms a job, 16 ms until its results; fewer would cost more in messages than they gain."""

CHAIN_CHUNK = 64
"""Linked jobs at most per chunk: what one process crash can take with it."""

CHUNK_BYTES = 2 * 1024 * 1024
"""Input bytes at which a chunk is full (a larger job travels alone): several full blocks must not queue up behind one another."""

IN_FLIGHT = 2
"""Chunks handed to a worker at once: one runs, one waits in the pipe, so that the worker never idles between two."""


JOB_OVERHEAD = MAX_CONDITION + 128
"""Bytes of a job in a message besides body and prerequisites, at most: program id, predicate, framing."""

RECEIPT_OVERHEAD = 256
"""Bytes of a receipt besides public values, and proof if it is another prover's, at most: our signature, version, lengths."""


def keys(job: Submission) -> list[JobKey]:
    """The jobs whose receipts this one will take."""
    return [JobKey(one) for one in job.prerequisites if isinstance(one, bytes)]


def size(job: Submission) -> int:
    """Bytes that a job takes in a message, at most; a key counts as the largest receipt that it can become."""
    total = len(job.body) + JOB_OVERHEAD
    for one in job.prerequisites:
        total += RECEIPT_OVERHEAD + (MAX_PUBLIC_VALUES if isinstance(one, bytes) else len(one.proof) + len(one.public_values))
    return total


def cut(jobs: Sequence[Submission], workers: int) -> list[list[Submission]]:
    """Returns the chunks of one call's jobs, chains first (they are the longest way), then what is spread, then what waits for it.

    A key among the prerequisites must stand before its dependent, or not be in `jobs` at all.
    """
    alone: list[Submission] = []
    chains: list[list[Submission]] = []
    waiting: list[list[Submission]] = []
    known = {job.key for job in jobs}
    for family in _families(jobs):
        heads = [job for job in family if not any(key in known for key in keys(job))]
        if len(family) == 1:
            alone += family
        elif len(heads) == 1:
            chains += _bounded(family, CHAIN_CHUNK)
        else:
            alone += heads
            first = {job.key for job in heads}
            waiting += _bounded([job for job in family if job.key not in first], SPREAD_CHUNK)
    share = -(-len(alone) // (IN_FLIGHT * workers))
    return chains + _bounded(alone, min(SPREAD_CHUNK, max(1, share))) + waiting


def _families(jobs: Sequence[Submission]) -> list[list[Submission]]:
    """Groups jobs that are linked, directly or not; each group in the order of the call."""
    parent: dict[JobKey, JobKey] = {}

    def root(key: JobKey) -> JobKey:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for job in jobs:
        parent[job.key] = job.key
        for key in keys(job):
            if key in parent:
                parent[root(key)] = job.key
    groups: dict[JobKey, list[Submission]] = {}
    for job in jobs:
        groups.setdefault(root(job.key), []).append(job)
    return list(groups.values())


def _bounded(jobs: Sequence[Submission], most: int) -> list[list[Submission]]:
    chunks: list[list[Submission]] = []
    filled = 0
    for job in jobs:
        weight = size(job)
        if not chunks or len(chunks[-1]) >= most or filled + weight > CHUNK_BYTES:
            chunks.append([])
            filled = 0
        chunks[-1].append(job)
        filled += weight
    return chunks
