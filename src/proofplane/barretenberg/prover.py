"""Proving with real `bb` processes: sizes are checked before, every proof is verified after, since `bb` does not check the witness.

A proof goes through the stages of `Stage`, in this order; each is reported when it begins. A key is computed once for each circuit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TypeVar

from proofplane.barretenberg.answers import reason, unanswered
from proofplane.barretenberg.binary import Binary, find_binary
from proofplane.barretenberg.circuit import Circuit, points_needed
from proofplane.barretenberg.crs import Crs, find_crs, look_again
from proofplane.barretenberg.errors import CircuitRefused, CircuitTooLarge, CouldNotProve, MalformedKey, ProofRefused, WitnessRefused
from proofplane.barretenberg.field import Fr, NotCanonical
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.generated.barretenberg import CircuitComputeVk, CircuitInput, CircuitInputNoVk, CircuitProve, CircuitStats
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.ports import Lender
from proofplane.barretenberg.proofs import UltraHonkProof
from proofplane.barretenberg.setup_errors import CrsMissing, CrsWrong
from proofplane.barretenberg.specs import prover_spec
from proofplane.barretenberg.verifier import Verified, Verifier
from proofplane.barretenberg.vetting import Vetted
from proofplane.base.cores import usable_cores
from proofplane.base.ids import Hash32
from proofplane.pool.pool import WorkerPool
from proofplane.pool.types import PoolOptions
from proofplane.rpc.errors import CallFailed
from proofplane.wire import Command, Message

R = TypeVar("R", bound=Message)

PROVE_SECONDS = 600.0
"""Seconds for one proof, waiting included: the largest circuit here, the recursive one, takes a minute on a loaded machine."""

MAX_CIRCUITS = 64
"""Circuits whose size and key are remembered, 4 kB each; a program has a handful."""

MAX_MEMORY = 256 << 20
"""Resident bytes of an idle process above which it is replaced: after 2^20 gates 930 MB stay, after 2^15 some 80; a start takes 3 ms."""


class Stage(Enum):
    """Where a proof stands: QUEUED -> KEY (if it is not known) -> PROVING -> VERIFYING -> DONE; a failure ends it at any stage."""

    QUEUED = "queued"
    """Asked for; the circuit's size is looked at as soon as a process is free."""
    KEY = "key"
    """The verification key is computed."""
    PROVING = "proving"
    """Handed to a process, or waiting for one."""
    VERIFYING = "verifying"
    """Proved; a verifier looks at it."""
    DONE = "done"
    """Verified."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A stage of one proof begins."""

    circuit: str
    """The circuit's name."""
    stage: Stage
    seconds: float
    """Since the proof was asked for."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof with all that verifying it takes; it has been verified."""

    public_inputs: tuple[Fr, ...]
    proof: UltraHonkProof
    key: VerificationKey
    verified: Verified


class Prover:
    """Proves over a pool of `bb` processes, as many proofs at a time as the pool has; get one from `open_prover`."""

    def __init__(
        self,
        pool: Lender,
        points: int,
        verifier: Verifier,
        *,
        look: Callable[[], None] = lambda: None,
        renew: Callable[[], None] = lambda: None,
    ) -> None:
        """Takes an entered pool of processes and who verifies the proofs; what the verifier's processes must accept, these must, too.

        Args:
            pool: Of `prover_spec`.
            points: The ceremony points that they have.
            verifier: Verifies every proof.
            look: Holds the points against what they were; raises `CrsMissing` or `CrsWrong`.
            renew: Has every process of the pool replaced.
        """
        self._bb = Vetted(pool, verifier.vetted.good)
        self._points = points
        self._look = look
        self._renew = renew
        self._verifier = verifier
        self._gates: dict[tuple[Hash32, Flavor], int] = {}
        self._keys: dict[tuple[Hash32, Flavor], VerificationKey] = {}
        self._computing = asyncio.Lock()  # two jobs of a new circuit compute its key once

    async def gates(self, circuit: Circuit, *, timeout: float = PROVE_SECONDS) -> int:
        """How many gates the circuit has; needs no points, so it is also told of circuits that cannot be proved here.

        Raises:
            CircuitRefused: `bb` cannot read it.
            CouldNotProve: No answer came.
        """
        return await self._count(circuit, _deadline(timeout))

    async def key(self, circuit: Circuit, *, timeout: float = PROVE_SECONDS) -> VerificationKey:
        """The circuit's verification key, computed once.

        Raises:
            CircuitTooLarge: There are too few ceremony points.
            CircuitRefused: `bb` cannot read it.
            CouldNotProve: No answer came.
        """
        return await self._key(circuit, _deadline(timeout), lambda: None)

    async def prove(
        self,
        circuit: Circuit,
        witness: bytes,
        key: VerificationKey | None = None,
        *,
        timeout: float = PROVE_SECONDS,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Proof:
        """Proves that the witness satisfies the circuit, and verifies the proof.

        A cancelled caller costs the process that works for it, which the pool replaces.

        Args:
            circuit: What to prove.
            witness: All its values, in `bb`'s form; see `Circuit.bytecode`.
            key: The circuit's, if it is known; a wrong one makes every witness refused.
            timeout: Seconds for everything together.
            on_progress: Called when a stage begins; must not raise.

        Raises:
            WitnessRefused: The witness does not satisfy the circuit, or is no witness.
            CircuitTooLarge: There are too few ceremony points.
            CircuitRefused: `bb` cannot read the circuit.
            CouldNotProve: No answer came, or not in time.
            CouldNotVerify: There is a proof, but it could not be verified.
            Broken, NeverAgain: No process can be started, as the message says.
        """
        if not witness:  # bb takes it for zeros everywhere
            raise WitnessRefused(f"an empty witness for {circuit.name}: every value has to be given")
        begun = asyncio.get_running_loop().time()
        deadline = begun + timeout

        def report(stage: Stage) -> None:
            if on_progress is not None:
                on_progress(Progress(circuit.name, stage, asyncio.get_running_loop().time() - begun))

        report(Stage.QUEUED)
        if key is None:
            key = await self._key(circuit, deadline, lambda: report(Stage.KEY))
        else:
            await self._require_points(circuit, deadline)
        report(Stage.PROVING)
        request = CircuitProve(CircuitInput(circuit.name, circuit.bytecode, key.raw), witness, circuit.flavor.settings)
        try:
            answer = await self._ask(request, deadline)
        except CallFailed as error:
            raise self._blamed(WitnessRefused(f"bb cannot read the witness for {circuit.name}: {reason(error)}")) from error
        report(Stage.VERIFYING)
        try:
            proof = UltraHonkProof.of(answer.proof)
            public_inputs = tuple(map(Fr, answer.public_inputs))
        except (ProofRefused, NotCanonical) as error:
            raise CouldNotProve(f"what bb gave for a proof of {circuit.name} is none: {error}") from error
        try:
            verified = await self._verifier.verify(key, public_inputs, proof, circuit.flavor, timeout=_left(deadline))
        except ProofRefused as error:
            refused = WitnessRefused(f"the witness does not satisfy the circuit {circuit.name}: its proof does not verify")
            raise self._blamed(refused) from error
        report(Stage.DONE)
        return Proof(public_inputs, proof, key, verified)

    async def _key(self, circuit: Circuit, deadline: float, begins: Callable[[], None]) -> VerificationKey:
        name = (circuit.sha256, circuit.flavor)
        if name in self._keys:
            return self._keys[name]
        await self._require_points(circuit, deadline)
        begins()
        try:
            async with asyncio.timeout_at(deadline):
                await self._computing.acquire()
        except TimeoutError:
            raise CouldNotProve(f"the key of {circuit.name} waited too long behind another circuit's") from None
        try:
            if name not in self._keys:
                request = CircuitComputeVk(CircuitInputNoVk(circuit.name, circuit.bytecode), circuit.flavor.settings)
                answer = await self._read(circuit, request, deadline)
                try:
                    _remember(self._keys, name, VerificationKey(answer.bytes))
                except MalformedKey as error:
                    raise CouldNotProve(f"what bb gave for the key of {circuit.name} is none: {error}") from error
            return self._keys[name]
        finally:
            self._computing.release()

    async def _require_points(self, circuit: Circuit, deadline: float) -> None:
        """Raises `CircuitTooLarge` before `bb` would ask the network for points, which stalls it for seconds."""
        gates = await self._count(circuit, deadline)
        needed = points_needed(gates)
        if needed > self._points:
            raise CircuitTooLarge(circuit.name, gates, needed, self._points)

    async def _count(self, circuit: Circuit, deadline: float) -> int:
        name = (circuit.sha256, circuit.flavor)
        if name not in self._gates:
            request = CircuitStats(CircuitInput(circuit.name, circuit.bytecode, b""), False, circuit.flavor.settings)
            answer = await self._read(circuit, request, deadline)
            _remember(self._gates, name, answer.num_gates)
            return answer.num_gates
        return self._gates[name]

    async def _read(self, circuit: Circuit, request: Command[R], deadline: float) -> R:
        """An answer about the circuit alone."""
        try:
            return await self._ask(request, deadline)
        except CallFailed as error:
            raise self._blamed(CircuitRefused(f"bb cannot read the circuit {circuit.name}: {reason(error)}")) from error

    def _blamed(self, verdict: WitnessRefused | CircuitRefused) -> WitnessRefused | CircuitRefused | CouldNotProve:
        """`verdict`, unless the points are to blame: `bb` loads them when it first needs them, and with wrong ones it says the same.

        In either case no process that may have loaded wrong points is asked again.
        """
        self._renew()
        try:
            self._look()
        except (CrsMissing, CrsWrong) as damage:
            return CouldNotProve(str(damage))
        return verdict

    async def _ask(self, request: Command[R], deadline: float) -> R:
        with unanswered(CouldNotProve):
            return await self._bb.ask(request, grumpkin=False, timeout=_left(deadline))


@asynccontextmanager
async def open_prover(
    verifier: Verifier,
    binary: Binary | None = None,
    crs: Crs | None = None,
    processes: int = 1,
    threads: int | None = None,
) -> AsyncIterator[Prover]:
    """A prover with processes of its own, started when they are needed and ended when it is left.

    Args:
        verifier: Verifies what is proved, in processes of its own.
        binary: The program; None finds it.
        crs: Ceremony points; None finds them.
        processes: Proofs at a time. One proof uses all threads, so more of them gain little but for small circuits.
        threads: Most cores that one proof uses; None for all usable ones.

    Raises:
        BinaryMissing, BinaryWrong, CrsMissing, CrsWrong, UnsupportedPlatform: It cannot begin.
    """
    binary = binary or find_binary()
    crs = crs or find_crs()
    spec = prover_spec(binary, crs, threads or usable_cores())
    async with WorkerPool(spec, processes, PoolOptions(max_memory=MAX_MEMORY)) as pool:
        yield Prover(pool, crs.points, verifier, look=partial(look_again, crs), renew=pool.expire)


K = TypeVar("K")
V = TypeVar("V")


def _remember(cache: dict[K, V], name: K, value: V) -> None:
    """Keeps the newest `MAX_CIRCUITS`."""
    cache[name] = value
    if len(cache) > MAX_CIRCUITS:
        del cache[next(iter(cache))]


def _deadline(timeout: float) -> float:
    return asyncio.get_running_loop().time() + timeout


def _left(deadline: float) -> float:
    return max(deadline - asyncio.get_running_loop().time(), 0.0)
