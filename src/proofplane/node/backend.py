"""Which prover backend a node uses: what each has to offer, the embedded native one, and the choice."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from proofplane.anchor.types import AnchorParams, Mode
from proofplane.base.cores import usable_cores
from proofplane.base.predicate import Predicate
from proofplane.bitcoin.networks import Network
from proofplane.crypto import predicates
from proofplane.crypto.predicates import Check
from proofplane.node.config import Settings
from proofplane.node.data_dir import DataDirectory
from proofplane.node.kinds import NATIVE, ULTRA_HONK
from proofplane.node.prover_process import command
from proofplane.node.timings import ProofTimes
from proofplane.proving.native.backend import NativeProver
from proofplane.proving.ports import ProverBackend
from proofplane.service.clock import Clock


@dataclass(frozen=True, slots=True)
class OpenBackend:
    """A backend at work."""

    prover: ProverBackend
    check: Check
    """Checks what it makes; called on threads."""
    times: Callable[[], ProofTimes | None]
    """How long its circuits' proofs took so far; None if there are none."""


class Backend(Protocol):
    """A way to prove a chain, looked over: everything that it needs is there."""

    @property
    def name(self) -> str:
        """The setting that chooses it."""

    @property
    def step_predicate(self) -> Predicate | None:
        """What its step proofs meet; None: the predicate of a signing key of the data directory."""

    def opened(self, directory: DataDirectory, settings: Settings, clock: Clock) -> AbstractAsyncContextManager[OpenBackend]:
        """Starts it for a data directory that was made for it; left, it ends whatever it has started."""


class NativeBackend:
    """Implements `Backend`: child processes that run programs and sign."""

    name = NATIVE.backend
    step_predicate = None

    @asynccontextmanager
    async def opened(self, directory: DataDirectory, settings: Settings, clock: Clock) -> AsyncIterator[OpenBackend]:
        """See the protocol."""
        prover = native_prover(directory, settings, clock)
        try:
            yield OpenBackend(prover, predicates.check, lambda: None)
        finally:
            await prover.close()


def native_prover(directory: DataDirectory, settings: Settings, clock: Clock) -> NativeProver:
    """The native prover with the keys of a data directory and as many processes as the settings say; nothing runs yet."""
    processes = settings.prover.processes or max(1, usable_cores(settings.node.cores) - 1)
    return NativeProver(command(directory.key_files), processes, clock)


def require_provable(settings: Settings, mode: Mode, network: Network) -> None:
    """Refuses, before anything is connected or read, what the backend that the settings name has no proofs for.

    Raises:
        NotProvable: It has no proofs for such a chain.
    """
    if settings.prover.backend == ULTRA_HONK.backend:
        from proofplane.node.circuit_backend import require_stated  # here, because it loads the circuits and the client of `bb`

        require_stated(mode, network)


def chosen(settings: Settings, params: AnchorParams) -> Backend:
    """The backend that the settings name, for a chain with these parameters; writes nothing into a data directory.

    Raises:
        NotProvable: It has no proofs for such a chain.
        ProofplaneError: Something that it needs on this machine is missing, as `barretenberg.binary` and `.crs` say.
    """
    if settings.prover.backend != ULTRA_HONK.backend:
        return NativeBackend()
    from proofplane.node.circuit_backend import CircuitBackend  # here, because it loads the circuits and the client of `bb`

    return CircuitBackend.found(params, os.environ)
