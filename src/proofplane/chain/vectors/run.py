"""Runs every vector of a folder in one mode, and counts how they ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path

from proofplane.base.errors import ProofplaneError
from proofplane.chain.vectors.fields import Fields, typed
from proofplane.chain.vectors.files import read_vectors
from proofplane.chain.vectors.fork_choice import Replayed, replay_fork_choice
from proofplane.chain.vectors.proofs import run_verify_multi, run_verify_signatures, run_verify_single
from proofplane.chain.vectors.small import run_justifiability, run_poseidon, run_slot_clock
from proofplane.chain.vectors.ssz_values import run_ssz
from proofplane.chain.vectors.transition import run_state_transition
from proofplane.chain.vectors.types import Case, Mode, Vector, VectorFailed, VectorResult, VectorSkipped, Verdict
from proofplane.chain.workers import ThreadWorkers
from proofplane.crypto.xmss import SCHEMES

_NETWORK = "Lstar"
"""The protocol fork that this implements."""

_MOCKED, _VALID, _MUST_FAIL = 0, 1, 2
"""`proofSetting`: proofs made up, real, or real ones that must fail."""

FORK_CHOICE = "fork_choice"

_RUNNERS: Mapping[str, Callable[[Fields, Case], None]] = {
    "ssz": run_ssz,
    "state_transition": run_state_transition,
    "verify_signatures": run_verify_signatures,
    "verify_single_message_proofs": run_verify_single,
    "verify_multi_message_proofs": run_verify_multi,
    "justifiability": run_justifiability,
    "slot_clock": run_slot_clock,
    "poseidon_permutation": run_poseidon,
}
"""The families whose vectors need nothing but a function."""

FAMILIES = (FORK_CHOICE, *_RUNNERS)
"""Every family that is known."""


async def run_vectors(place: Path, mode: Mode) -> AsyncIterator[VectorResult]:
    """Yields the verdict on every vector below `place`, one after the other.

    Raises:
        NoVectors: There are none.
    """
    with ThreadWorkers() as workers:
        for vector in read_vectors(place, FAMILIES):
            yield await run_vector(vector, mode, workers)


async def run_vector(vector: Vector, mode: Mode, workers: ThreadWorkers) -> VectorResult:
    """The verdict on one vector. Whatever goes wrong with it is a verdict, too: the others are still to be run."""
    try:
        replayed = await replay(vector, mode, workers)
        verdict, detail = Verdict.PASSED, _not_compared(replayed)
    except VectorSkipped as skipped:
        verdict, detail = Verdict.SKIPPED, str(skipped)
    except ProofplaneError as error:
        verdict, detail = Verdict.FAILED, str(error)
    except Exception as error:  # a crash is a bug of ours, and it is this vector that shows it
        verdict, detail = Verdict.FAILED, f"crashed: {type(error).__name__}: {error}"
    return VectorResult(vector.family, vector.name, verdict, detail)


async def replay(vector: Vector, mode: Mode, workers: ThreadWorkers) -> Replayed | None:
    """Runs one vector; returns what a fork_choice one went through.

    Raises:
        VectorFailed: It does not hold, or cannot be read.
        VectorSkipped: Nobody can check it.
    """
    if not vector.readable:
        raise VectorFailed(str(vector.content))
    with Fields(vector.content, "the vector") as fields:
        case = _case(fields, mode)
        if vector.family == FORK_CHOICE:
            return await replay_fork_choice(fields, case, workers)
        if vector.family not in _RUNNERS:
            raise VectorFailed(f"the family {vector.family!r} is not known")
        _RUNNERS[vector.family](fields, case)
        return None


def _case(fields: Fields, mode: Mode) -> Case:
    """Reads what all vectors have."""
    typed(fields.take("_info"), dict, "_info")
    network, scheme, setting = fields.text("network"), fields.text("leanEnv"), fields.number("proofSetting")
    reason = fields.reason()
    if network != _NETWORK:
        raise VectorFailed(f"network {network!r} is not known, only {_NETWORK!r}")
    if scheme not in SCHEMES:
        raise VectorFailed(f"leanEnv {scheme!r} is not known, only {', '.join(SCHEMES)}")
    if setting == _MOCKED:
        raise VectorSkipped("its proofs are made up, so there is nothing to verify")
    if setting not in (_VALID, _MUST_FAIL) or (setting == _MUST_FAIL and reason is None):
        raise VectorFailed(f"proofSetting {setting} is not known, or wants a rejectionReason")
    return Case(reason, SCHEMES[scheme], mode)


def _not_compared(replayed: Replayed | None) -> str:
    if replayed is None or replayed.unlisted_votes_from is None:
        return ""
    return (
        f"from step {replayed.unlisted_votes_from} on the recorder counted votes that nothing lists: weights and known votes not compared"
    )


def tally(results: Iterable[VectorResult]) -> dict[str, Counter[Verdict]]:
    """How many vectors of each family ended how; known families in their order, then others by name."""
    counts: dict[str, Counter[Verdict]] = {}
    for result in results:
        counts.setdefault(result.family, Counter())[result.verdict] += 1
    order = {name: position for position, name in enumerate(FAMILIES)}
    return dict(sorted(counts.items(), key=lambda item: (order.get(item[0], len(order)), item[0])))
