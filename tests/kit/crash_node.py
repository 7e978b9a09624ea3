"""A node over the crash tests' chain that kills its own process at a chosen commit point; run as a script, see `arguments`.

It prints, if it gets to the end, one JSON document: commit points by site, and what of its processes was mapped from shared memory.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from kit.clock import FastClock
from kit.crash_chain import Story, story
from kit.crash_killer import AFTER, BEFORE, Killer
from kit.crash_remote import FolderProver, close_folder, is_closed, open_folder
from proofplane.anchor.anchor_store import block_by_id
from proofplane.base.ids import BlockCommitment
from proofplane.base.proof_id import StepId
from proofplane.cli.options import run_async
from proofplane.crypto.predicates import check
from proofplane.node.backend import OpenBackend
from proofplane.node.config import ProverSettings, Settings
from proofplane.node.data_dir import DataDirectory
from proofplane.node.node import Node
from proofplane.node.prover_process import command
from proofplane.proving.errors import WrongState
from proofplane.proving.native.backend import NativeProver
from proofplane.proving.ports import ProverBackend
from proofplane.proving.types import RemoteId, Submission
from proofplane.service.clock import Clock
from proofplane.storage.database import ReadOnlyDatabase

SPEED = 20.0
"""The node's clock runs this much faster: a lost job is tried anew after 0.25 s in place of 5 s."""


class Journal:
    """What a prover was handed, a line for each job, written before the prover gets it; survives the process."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(self, jobs: Sequence[Submission]) -> None:
        """Writes all lines at once."""
        lines = [f"{os.getpid()} {job.key.hex()} {job.proof_id.key().hex()}\n" for job in jobs]
        os.write(self._file, "".join(lines).encode())


class NotedProver(NativeProver):
    """The native prover, with a journal of what it was handed."""

    journal: Journal

    async def start(self, jobs: Sequence[Submission]) -> Sequence[RemoteId | Exception]:
        self.journal.note(jobs)
        return await super().start(jobs)


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("journal", type=Path)
    parser.add_argument("--site", help="kill at this site only")
    parser.add_argument("--phase", choices=(BEFORE, AFTER), default=BEFORE)
    parser.add_argument("--number", type=int, default=0, help="which commit point to die at, from 1; 0: none")
    parser.add_argument("--burst", action="store_true", help="submit everything at once; else each block is proved before the next one")
    parser.add_argument("--no-blocks", action="store_true", help="submit nothing: only go on with what is stored")
    parser.add_argument("--operate", action="store_true", help="first be the operator who aborts a job and asks for it again")
    parser.add_argument("--remote", type=Path, help="use a prover that lives in this folder and outlives us")
    return parser


class NotingBackend:
    """Implements `proofplane.node.backend.Backend`: the native one with a journal, or a prover that outlives the process."""

    name = "native"
    step_predicate = None

    def __init__(self, journal: Journal, remote: Path | None) -> None:
        self._journal = journal
        self._remote = remote

    @asynccontextmanager
    async def opened(self, directory: DataDirectory, settings: Settings, clock: Clock) -> AsyncIterator[OpenBackend]:
        """See the protocol."""
        prover: ProverBackend
        if self._remote is None:
            prover = NotedProver(command(directory.key_files), 1, clock)
            prover.journal = self._journal
        else:
            prover = FolderProver(self._remote, self._journal.note)
        try:
            yield OpenBackend(prover, check, lambda: None)
        finally:
            await prover.close()


async def _run(given: argparse.Namespace, told: Story, killer: Killer, backend: NotingBackend) -> list[str]:
    settings = Settings(prover=ProverSettings(processes=1, max_in_flight=4))
    with DataDirectory(given.data_dir, told.params) as directory:
        async with Node(directory, told.chain, settings, FastClock(SPEED), killer, backend) as node:
            if given.operate:
                await _operate(node, told.targets[0], given.remote)
            if not given.no_blocks:
                rows = ReadOnlyDatabase(directory.database)
                left = told.left(lambda block_id: block_by_id(rows, block_id) is not None)
                rows.close()
                for target in left:
                    await node.drive(node.asm.submit(target.block_id))
                    if not given.burst:
                        await node.proven()
            await node.proven()
            return _shared_memory(given.data_dir)


async def _operate(node: Node, block: BlockCommitment, remote: Path) -> None:
    """Aborts a block's step proof while the prover has it, unless that was done before, and asks for it again."""
    if not is_closed(remote):
        close_folder(remote)
    await node.drive(node.asm.submit(block.block_id))
    step = StepId.of(block)
    await node.prover.request(step)  # so that there is something to be aborted, however far the stages are
    with suppress(WrongState):
        await node.prover.abort(step)
    await node.prover.request(step)
    open_folder(remote)


def _shared_memory(data_dir: Path) -> list[str]:
    """Lines about shared memory in the maps of this process and of every other one that was given the data directory."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                if process.name == str(os.getpid()) or str(data_dir).encode() in (process / "cmdline").read_bytes():
                    found += [line for line in (process / "maps").read_text().splitlines() if "/dev/shm" in line]
            except OSError:
                continue  # it has ended, or is not ours
    return found


def main() -> None:
    """Runs the node."""
    given = arguments().parse_args()
    killer = Killer(given.site, given.phase, given.number)
    shared = run_async(_run(given, story(), killer, NotingBackend(Journal(given.journal), given.remote)))
    points = [[site, phase, number] for (site, phase), number in sorted(killer.points.items())]
    print(json.dumps({"points": points, "shared_memory": shared}))


if __name__ == "__main__":
    main()
