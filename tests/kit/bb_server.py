"""A server of ours that serves a few commands of Barretenberg, started as `bb` is: `bb_server.py GENERATED msgpack run --input ADDRESS`.

GENERATED is the folder of the module that is generated from Barretenberg's contract.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import signal
import sys
from typing import Any

from proofplane import rpc
from proofplane.base.errors import NeverAgain


class Unlucky(NeverAgain):
    """What one command always fails with."""


class Commands:
    """Handlers by command; of the others none is served."""

    def __init__(self, generated: Any) -> None:
        self._bb = generated

    async def blake2s(self, request: Any) -> Any:
        return self._bb.Blake2sResponse(hash=hashlib.blake2s(request.data).digest())

    async def blake2s_to_field(self, request: Any) -> Any:
        raise Unlucky(f"no luck with {len(request.data)} bytes")

    async def grumpkin_add(self, request: Any) -> Any:
        return self._bb.GrumpkinAddResponse(point=self._bb.GrumpkinPoint(x=request.point_a.y, y=request.point_b.x))

    async def poseidon2_permutation(self, request: Any) -> Any:
        return self._bb.Poseidon2PermutationResponse(outputs=tuple(reversed(request.inputs)))

    async def poseidon2_hash(self, request: Any) -> Any:
        return self._bb.Poseidon2HashResponse(hash=request.inputs[0])

    async def circuit_stats(self, request: Any) -> Any:
        size = len(request.circuit.bytecode)
        return self._bb.CircuitInfoResponse(num_gates=size, num_gates_dyadic=size, num_acir_opcodes=7, gates_per_opcode=[1, 2, 3])


async def main(generated: str, address: str) -> None:
    """Serves until SIGTERM."""
    sys.path.insert(0, generated)
    bb = importlib.import_module("barretenberg")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with rpc.serve(address, rpc.Service.of(bb.CONTRACT, Commands(bb), partial=True)):
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[sys.argv.index("--input") + 1]))
