"""The verifier for callers without an event loop: threads, child processes, scripts.

One thread runs a loop with an ordinary `Verifier`; it and its `bb` processes start with the first proof.

Invariants: `_running` and `_calls` change under `_state` only; the loop is told to stop when it was closed and no call is left.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType

from proofplane.barretenberg.binary import Binary
from proofplane.barretenberg.crs import Crs
from proofplane.barretenberg.errors import VerifierClosed
from proofplane.barretenberg.field import Fr
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.proofs import UltraHonkProof
from proofplane.barretenberg.verifier import VERIFY_SECONDS, Verified, Verifier, open_verifier


@dataclass(frozen=True, slots=True)
class _Running:
    """A started verifier."""

    loop: asyncio.AbstractEventLoop
    verifier: Verifier
    stop: asyncio.Event


class BlockingVerifier:
    """Verifies proofs of one circuit; may be used by several threads at once, which is what more than one process is for."""

    def __init__(self, binary: Binary | None = None, crs: Crs | None = None, processes: int = 1) -> None:
        """Takes what `open_verifier` takes; nothing is started or looked for yet."""
        self._binary = binary
        self._crs = crs
        self._processes = processes
        self._state = threading.Condition()
        self._running: _Running | None = None
        self._ended: Future[None] = Future()
        self._calls = 0
        self._closed = False

    def __enter__(self) -> BlockingVerifier:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def verify(
        self, key: VerificationKey, public_inputs: Sequence[Fr], proof: UltraHonkProof, flavor: Flavor, timeout: float = VERIFY_SECONDS
    ) -> Verified:
        """`Verifier.verify`, blocking.

        Raises:
            VerifierClosed: After `close`.
            ProofRefused, CouldNotVerify, Broken, NeverAgain: As `Verifier.verify` and, with the first proof, `open_verifier` do.
        """
        with self._state:
            running = self._started()
            self._calls += 1
        try:
            call = running.verifier.verify(key, public_inputs, proof, flavor, timeout=timeout)
            return asyncio.run_coroutine_threadsafe(call, running.loop).result()
        finally:
            with self._state:
                self._calls -= 1
                self._state.notify_all()

    def close(self) -> None:
        """Ends the processes once the calls of other threads are answered; a second call does nothing.

        Raises:
            ExceptionGroup: A process could not be ended properly.
        """
        with self._state:
            self._closed = True
            self._state.wait_for(lambda: self._calls == 0)
            running, self._running = self._running, None
        if running is not None:
            running.loop.call_soon_threadsafe(running.stop.set)
            self._ended.result()

    def _started(self) -> _Running:
        """The verifier, started if it is not; under `_state`."""
        if self._closed:
            raise VerifierClosed("the verifier was closed: open another one")
        if self._running is None:
            begun: Future[_Running] = Future()
            # A daemon, so that a verifier that nobody closes does not keep the program from ending; `bb` ends with its parent.
            threading.Thread(target=self._run, args=(begun,), name="bb verifier", daemon=True).start()
            self._running = begun.result()
        return self._running

    def _run(self, begun: Future[_Running]) -> None:
        """The thread's work; what goes wrong is raised by who started it, or by who closes it."""
        try:
            asyncio.run(self._serve(begun))
        except BaseException as error:
            (self._ended if begun.done() else begun).set_exception(error)
        else:
            self._ended.set_result(None)

    async def _serve(self, begun: Future[_Running]) -> None:
        async with open_verifier(self._binary, self._crs, self._processes) as verifier:
            stop = asyncio.Event()
            begun.set_result(_Running(asyncio.get_running_loop(), verifier, stop))
            await stop.wait()
