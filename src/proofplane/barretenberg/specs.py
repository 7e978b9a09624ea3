"""`bb` as a worker of a pool: its command line and environment, what a fresh process must answer, and how an idle one is probed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from proofplane import rpc
from proofplane.barretenberg.answers import Meaning, classify
from proofplane.barretenberg.binary import Binary
from proofplane.barretenberg.crs import Crs, look_again
from proofplane.barretenberg.digests import file_sha256
from proofplane.barretenberg.errors import CouldNotVerify, UnfitVerifier
from proofplane.barretenberg.generated.barretenberg import CONTRACT, Blake2s, CircuitVerify
from proofplane.barretenberg.known_good import KnownGood, genuine
from proofplane.barretenberg.setup_errors import BinaryMissing, BinaryWrong
from proofplane.pool.types import WorkerSpec
from proofplane.rpc.errors import CallFailed

MAX_MESSAGE = 64 << 20
"""Bytes of the largest request or reply: as far as `bb` was tried. The largest circuit here has 1.5 MB, recursive ones some ten."""

GREETING_SECONDS = 10.0
"""Seconds in which a fresh verifier answers its first question; it takes 5 ms, and a loaded machine a hundred times that."""

PROBE_SECONDS = 2.0
"""Seconds in which an idle process answers; it takes 23 us."""

_LIMITS = rpc.Limits(max_frame=MAX_MESSAGE, max_queued=MAX_MESSAGE, max_in_flight=1)


@dataclass(frozen=True, slots=True)
class VerifierSpec(WorkerSpec):
    """A verifier process, and the proofs that it must accept."""

    good: KnownGood = field(kw_only=True)


def verifier_spec(binary: Binary, crs: Crs, threads: int = 1, good: KnownGood | None = None) -> VerifierSpec:
    """A process that verifies: refused by the pool unless it first accepts a proof that is known to be good.

    Args:
        binary: The program.
        crs: One point is enough; Chonk and IPA flavours need the Grumpkin points besides.
        threads: UltraHonk's verifier uses one whatever is given, Chonk's more.
        good: What it must accept; None: what the pinned binary does.
    """
    good = good or genuine()
    return VerifierSpec(
        name="bb verifier",
        command=_command(binary, crs),
        contract=CONTRACT,
        plain=True,
        batch=True,
        environment=_environment(crs, threads),
        greet=partial(_greet, good.plain),
        probe=probe,
        limits=_LIMITS,
        good=good,
    )


def prover_spec(binary: Binary, crs: Crs, threads: int) -> WorkerSpec:
    """A process that proves.

    Args:
        binary: The program.
        crs: With as many points as the largest circuit needs.
        threads: Most cores that one proof uses.
    """
    return WorkerSpec(
        name="bb prover",
        command=_command(binary, crs),
        contract=CONTRACT,
        plain=True,
        batch=True,
        environment=_environment(crs, threads),
        greet=probe,
        probe=probe,
        limits=_LIMITS,
    )


async def probe(client: rpc.Client) -> None:
    """Asks the cheapest question; raises what `call` raises if the process does not answer."""
    await client.call(Blake2s(b""), timeout=PROBE_SECONDS)


def _environment(crs: Crs, threads: int) -> Mapping[str, str]:
    return {"CRS_PATH": str(crs.directory), "HARDWARE_CONCURRENCY": str(threads)}


def _command(binary: Binary, crs: Crs) -> Callable[[str], Sequence[str]]:
    """The command line for an address; every start looks again at what it starts, which costs some calls of `stat`."""

    def command(address: str) -> Sequence[str]:
        _still_the_same(binary)
        look_again(crs)
        return (str(binary.path), "msgpack", "run", "--input", address)

    return command


def _still_the_same(binary: Binary) -> None:
    """Raises `BinaryWrong` or `BinaryMissing` if another file, or none, lies where the binary was found."""
    try:
        digest = file_sha256(binary.path)
    except OSError as error:
        raise BinaryMissing(f"{binary.path} is gone ({error.strerror or error}): run `proofplane bb doctor`") from None
    if digest != binary.sha256:
        raise BinaryWrong(f"{binary.path} has become another file, which will not be run: run `proofplane bb doctor`")


async def _greet(good: CircuitVerify, client: rpc.Client) -> None:
    try:
        answer = await client.call(good, timeout=GREETING_SECONDS)
    except CallFailed as error:
        if classify(error.message) is Meaning.SHORT:
            raise CouldNotVerify(f"a fresh bb cannot verify a good proof: {error}") from error
        raise UnfitVerifier(f"a fresh bb cannot verify a good proof; its ceremony points may be damaged: {error}") from error
    if not answer.verified:
        raise UnfitVerifier("a fresh bb refuses a good proof: it is not the binary that it should be, or damaged")
