"""`bb` as a worker of a pool: its command line and environment, what a fresh process must answer, and how an idle one is probed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from proofplane import rpc
from proofplane.barretenberg.binary import Binary
from proofplane.barretenberg.crs import POINTS_FILE, Crs
from proofplane.barretenberg.errors import UnfitVerifier
from proofplane.barretenberg.generated.barretenberg import CONTRACT, Blake2s
from proofplane.barretenberg.known_good import known_good
from proofplane.barretenberg.points import POINT_SIZE
from proofplane.barretenberg.setup_errors import CrsMissing
from proofplane.pool.types import WorkerSpec
from proofplane.rpc.errors import CallFailed

MAX_MESSAGE = 64 << 20
"""Bytes of the largest request or reply: as far as `bb` was tried. The largest circuit here has 1.5 MB, recursive ones some ten."""

GREETING_SECONDS = 10.0
"""Seconds in which a fresh verifier answers its first question; it takes 5 ms, and a loaded machine a hundred times that."""

PROBE_SECONDS = 2.0
"""Seconds in which an idle process answers; it takes 23 us."""

_LIMITS = rpc.Limits(max_frame=MAX_MESSAGE, max_queued=MAX_MESSAGE, max_in_flight=1)


def verifier_spec(binary: Binary, crs: Crs, threads: int = 1) -> WorkerSpec:
    """A process that verifies: refused by the pool unless it first accepts a proof that is known to be good.

    Args:
        binary: The program.
        crs: One point is enough; Chonk and IPA flavours need the Grumpkin points besides.
        threads: UltraHonk's verifier uses one whatever is given, Chonk's more.
    """
    return _spec("bb verifier", binary, crs, threads, _greet)


def prover_spec(binary: Binary, crs: Crs, threads: int) -> WorkerSpec:
    """A process that proves.

    Args:
        binary: The program.
        crs: With as many points as the largest circuit needs.
        threads: Most cores that one proof uses.
    """
    return _spec("bb prover", binary, crs, threads, probe)


async def probe(client: rpc.Client) -> None:
    """Asks the cheapest question; raises what `call` raises if the process does not answer."""
    await client.call(Blake2s(b""), timeout=PROBE_SECONDS)


def _spec(name: str, binary: Binary, crs: Crs, threads: int, greet: Callable[[rpc.Client], Awaitable[None]]) -> WorkerSpec:
    def command(address: str) -> Sequence[str]:
        _still_there(crs)
        return (str(binary.path), "msgpack", "run", "--input", address)

    return WorkerSpec(
        name=name,
        command=command,
        contract=CONTRACT,
        environment={"CRS_PATH": str(crs.directory), "HARDWARE_CONCURRENCY": str(threads)},
        greet=greet,
        probe=probe,
        limits=_LIMITS,
    )


def _still_there(crs: Crs) -> None:
    """Raises `CrsMissing` if points are gone since `crs` was found; `bb` would ask the network and stall for seconds."""
    path = crs.directory / POINTS_FILE
    try:
        size = path.stat().st_size
    except OSError as error:
        raise CrsMissing(f"{path} is gone ({error.strerror or error}): run `proofplane bb doctor`") from None
    if size < crs.points * POINT_SIZE:
        raise CrsMissing(f"{path} has become smaller than {crs.points} points: run `proofplane bb doctor`")


async def _greet(client: rpc.Client) -> None:
    try:
        answer = await client.call(known_good(), timeout=GREETING_SECONDS)
    except CallFailed as error:
        raise UnfitVerifier(f"a fresh bb cannot verify a good proof; its ceremony points may be damaged: {error}") from error
    if not answer.verified:
        raise UnfitVerifier("a fresh bb refuses a good proof: it is not the binary that it should be, or damaged")
