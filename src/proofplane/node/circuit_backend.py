"""The backend `barretenberg`: steps are proved by circuits and the real `bb`, recursive proofs are native attestations over them.

The native prover's child processes verify each step proof, with a `bb` of their own, before they sign anything that builds on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from proofplane.anchor.types import AnchorParams, Mode
from proofplane.barretenberg.binary import Binary, find_binary
from proofplane.barretenberg.circuits.header_step import step_points
from proofplane.barretenberg.crs import Crs, find_crs, require, verification_crs
from proofplane.barretenberg.prover import open_prover
from proofplane.barretenberg.setup_errors import CrsMissing, CrsWrong
from proofplane.barretenberg.verifier import open_verifier
from proofplane.base.cores import usable_cores
from proofplane.base.errors import CallerMistake
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.bitcoin.networks import Network
from proofplane.node.backend import OpenBackend, native_prover
from proofplane.node.checks import Checks
from proofplane.node.config import Settings
from proofplane.node.data_dir import DataDirectory
from proofplane.node.header_check import step_predicate
from proofplane.node.header_prover import STEP_SECONDS, HeaderProver
from proofplane.node.kinds import ULTRA_HONK
from proofplane.proving.routed import RoutedProver
from proofplane.proving.tasks import TaskProver
from proofplane.service.clock import Clock

RECURSIVE_POINTS = 2**21
"""Ceremony points that proving the recursive circuit takes."""

_AT_A_TIME = 2
"""Steps in work: while `bb` proves one on all cores, the witness of the next is computed."""


class NotProvable(CallerMistake):
    """The circuits do not state what this chain's steps claim: use the native backend."""


@dataclass(frozen=True, slots=True)
class CircuitBackend:
    """Implements `node.backend.Backend`."""

    binary: Binary
    crs: Crs
    """Ceremony points for proving."""
    verification: Crs
    step_seconds: float = STEP_SECONDS
    """How long a step may be with `bb`."""

    name = ULTRA_HONK.backend

    @property
    def step_predicate(self) -> Predicate:
        """See the protocol."""
        return step_predicate()

    @classmethod
    def found(cls, params: AnchorParams, environment: Mapping[str, str]) -> CircuitBackend:
        """Looks everything over.

        Raises:
            NotProvable: The circuits are not about such a chain.
            BinaryMissing, BinaryWrong, CrsMissing, CrsWrong, CrsTooSmall, ...: What is missing, and the command that gets it.
        """
        require_stated(params.mode, params.network)
        binary = find_binary(environment)
        crs = find_crs(environment)
        require(crs, step_points())
        return cls(binary, crs, verification_crs(environment, binary))

    @asynccontextmanager
    async def opened(self, directory: DataDirectory, settings: Settings, clock: Clock) -> AsyncIterator[OpenBackend]:
        """See the protocol."""
        threads = usable_cores(settings.node.cores)
        checks = Checks()
        try:
            async with (
                open_verifier(self.binary, self.verification, processes=1) as verifier,
                open_prover(verifier, self.binary, self.crs, threads=threads) as bb,
            ):
                steps = HeaderProver(bb, self.binary.version, clock, self.step_seconds)
                proving = TaskProver("bb", steps.prove, _AT_A_TIME)
                attesting = native_prover(directory, settings, clock)
                routed = RoutedProver(self.name, attesting, {PredicateKind.ULTRA_HONK: proving})
                try:
                    yield OpenBackend(routed, checks.check, steps.timings.times)
                finally:
                    await routed.close()
        finally:
            await asyncio.to_thread(checks.close)


def require_stated(mode: Mode, network: Network) -> None:
    """Raises `NotProvable` unless the circuits are about chains of this mode and network."""
    if mode is not Mode.HEADERS_ONLY:
        raise NotProvable(f"backend {ULTRA_HONK.backend} proves headers only: give --headers, or prove whole blocks with --backend native")
    if network is not Network.MAINNET:
        called = network.name.lower()
        raise NotProvable(f"backend {ULTRA_HONK.backend} has circuits for mainnet's rules, not for {called}: use --backend native")


def recursion_note(environment: Mapping[str, str]) -> str:
    """Why recursive proofs are native attestations beside this machine's ceremony points, in one sentence."""
    about = "native attestations over step proofs verified with bb"
    try:
        crs = find_crs(environment)
    except (CrsMissing, CrsWrong) as error:
        return f"{about}: the recursive circuit needs {RECURSIVE_POINTS:,} ceremony points; {error}"
    if crs.points < RECURSIVE_POINTS:
        return f"{about}: the recursive circuit needs {RECURSIVE_POINTS:,} ceremony points, {crs.directory} holds {crs.points:,}"
    return f"{about}: the recursive circuit is run in tests only"
