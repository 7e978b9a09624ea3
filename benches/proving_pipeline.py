"""How fast do headers become durable, verified proofs, where does the time go, and what does the pipeline cost over the bare work?

The control does the same work for the same headers in one straight line and one process: transition, step program, recursive program,
both signatures, both checks, one SQLite transaction for 64 blocks. Pipeline and control run in turn, so the ratio holds on a noisy machine.

    python benches/proving_pipeline.py [--headers FILE --first-height H] [--blocks N] [--rounds R]

Without --headers it takes the mainnet headers of PROOFPLANE_DATA.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from proofplane.anchor.aux_data import AuxData
from proofplane.anchor.headers_file import HeadersFile
from proofplane.anchor.moho import fold, genesis_moho
from proofplane.anchor.programs import (
    RECURSIVE_PROGRAM_ID,
    STEP_PROGRAM_ID,
    encode_recursive_input,
    encode_step_input,
    run_recursive,
    run_step,
)
from proofplane.anchor.state import genesis_state
from proofplane.anchor.transition import apply
from proofplane.anchor.types import AnchorParams, Mode
from proofplane.base.ids import Hash32, Height
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.base.receipt import ProofType, ProverKind, Receipt
from proofplane.bitcoin.networks import Network
from proofplane.cli.options import run_async
from proofplane.crypto.predicates import check
from proofplane.crypto.schnorr import SigningKey
from proofplane.node.config import Settings
from proofplane.node.data_dir import DataDirectory
from proofplane.node.session import run_session
from proofplane.service.clock import SystemClock
from proofplane.storage.database import Database, Schema, Transaction

BATCH = 64
CONTROL_SCHEMA = Schema("control", 1, ("CREATE TABLE rows (key BLOB PRIMARY KEY, a BLOB, b BLOB, c BLOB) STRICT",))


class CommitCounter:
    """Counts transactions by site."""

    def __init__(self) -> None:
        self.sites: dict[str, int] = {}

    def before_commit(self, site: str) -> None:
        self.sites[site] = self.sites.get(site, 0) + 1

    def after_commit(self, site: str) -> None:
        pass


class CpuWatch:
    """Takes the CPU times of the threads while they are still there: entered and left like a progress display."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    async def __aenter__(self) -> CpuWatch:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.seconds = cpu_by_thread()


def params_of(file: HeadersFile) -> AnchorParams:
    point = file.anchor(file.first_height)
    return AnchorParams(point.network, Mode.HEADERS_ONLY, b"ALPN", point.block, point.next_bits, point.epoch_start)


def pipeline(arguments: argparse.Namespace) -> dict[str, object]:
    """The node, as `proofplane prove` runs it."""
    clock, counter, watch = SystemClock(), CommitCounter(), CpuWatch()
    with tempfile.TemporaryDirectory() as folder, HeadersFile(arguments.headers, Network.MAINNET, Height(arguments.first_height)) as file:
        last = Height(arguments.first_height + arguments.blocks)
        with DataDirectory(Path(folder) / "data", params_of(file)) as directory:
            summary = run_async(
                run_session(
                    directory,
                    file,
                    lambda node: file.run(node.asm, node.tip, last),
                    Settings(),
                    clock,
                    lambda node: watch,
                    observer=counter,
                )
            )
    ended = os.times()
    watch.seconds["prover processes"] = round(ended.children_user + ended.children_system, 2)
    return {"seconds": summary.seconds, "blocks": summary.blocks, "commits": counter.sites, "cpu": watch.seconds}


def control(arguments: argparse.Namespace) -> dict[str, object]:
    """The same work in a straight line."""
    with tempfile.TemporaryDirectory() as folder, HeadersFile(arguments.headers, Network.MAINNET, Height(arguments.first_height)) as file:
        params = params_of(file)
        keys = SigningKey.generate(), SigningKey.generate()
        step_predicate, moho_predicate = (Predicate(PredicateKind.SCHNORR, key.public().raw) for key in keys)
        state = genesis_state(params)
        moho = genesis_moho(state.commitment(), step_predicate)
        database = Database(Path(folder) / "control.db", (CONTROL_SCHEMA,))
        aux = AuxData(())
        previous: list[Receipt] = []
        rows: list[tuple[bytes, bytes, bytes, bytes]] = []
        began = time.perf_counter()
        for height in range(arguments.first_height + 1, arguments.first_height + arguments.blocks + 1):
            payload = file.header(Height(height)).encode()
            body = encode_step_input(moho.encode(), state.encode(), payload, aux.encode(), None)
            predicate, opening = moho.opening()
            done = apply(state, payload, aux, None)
            moho, _ = fold(moho, done.state.commitment(), done.logs)
            state = done.state
            step = receipt(run_step(body, []), keys[0], STEP_PROGRAM_ID)
            check(step_predicate, step.public_values, step.proof)
            outer = encode_recursive_input(moho_predicate, Predicate.decode(predicate), opening)
            proved = receipt(run_recursive(outer, [step, *previous]), keys[1], RECURSIVE_PROGRAM_ID)
            check(moho_predicate, proved.public_values, proved.proof)
            previous = [proved]
            rows.append((height.to_bytes(4, "big"), state.encode(), step.encode(), proved.encode()))
            if len(rows) == BATCH or height == arguments.first_height + arguments.blocks:
                store(database, rows)
                rows = []
        seconds = time.perf_counter() - began
        database.close()
    return {"seconds": seconds, "blocks": arguments.blocks}


def receipt(public_values: bytes, key: SigningKey, program: Hash32) -> Receipt:
    return Receipt(key.sign(public_values), public_values, ProverKind.NATIVE, "control", program, ProofType.CORE)


def store(database: Database, rows: list[tuple[bytes, bytes, bytes, bytes]]) -> None:
    def body(tx: Transaction) -> None:
        tx.execute_many("INSERT INTO rows VALUES (?, ?, ?, ?)", rows)

    run_async(database.write("control", body))


def cpu_by_thread() -> dict[str, float]:
    """CPU seconds of this process's threads, by name."""
    tick = os.sysconf("SC_CLK_TCK")
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    found: dict[str, float] = {}
    for task in Path("/proc/self/task").iterdir():
        fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
        name = names.get(int(task.name), "other threads")
        found[name] = round(found.get(name, 0.0) + (int(fields[11]) + int(fields[12])) / tick, 2)
    return found


def measured(kind: str, arguments: argparse.Namespace) -> dict[str, object]:
    """Runs one round in a process of its own and watches the memory of its tree."""
    command = [sys.executable, __file__, "--run", kind, "--headers", str(arguments.headers), "--first-height", str(arguments.first_height)]
    command += ["--blocks", str(arguments.blocks)]
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "syscalls"
        strace = shutil.which("strace") if arguments.count_fsyncs else None
        if strace:
            command = [strace, "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", str(trace), *command]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        peak = 0
        while child.poll() is None:
            peak = max(peak, tree_memory(child.pid))
            time.sleep(0.05)
        output = child.communicate()[0]
        if child.returncode:
            raise SystemExit(f"{kind} ended with {child.returncode}")
        result: dict[str, object] = json.loads(output)
        result["peak_mib"] = round(peak / 1024, 1)
        if strace:
            result["fsyncs"] = sum("sync(" in line for line in trace.read_text().splitlines())
    return result


def tree_memory(root: int) -> int:
    """Proportional set size of a process and its descendants, KiB."""
    total, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        try:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    data = os.environ.get("PROOFPLANE_DATA")
    default = Path(data) / "bitcoin/mainnet-headers-40000-49999.raw" if data else None
    parser.add_argument("--headers", type=Path, default=default)
    parser.add_argument("--first-height", type=int, default=40000)
    parser.add_argument("--blocks", type=int, default=9999)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count-fsyncs", action="store_true", help="count system calls with strace, which slows the run down")
    parser.add_argument("--run", choices=["pipeline", "control"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.headers is None:
        parser.error("give --headers, or set PROOFPLANE_DATA")
    if arguments.run:
        print(json.dumps(pipeline(arguments) if arguments.run == "pipeline" else control(arguments)))
        return
    print(f"{platform.machine()}, Python {platform.python_version()}, {len(os.sched_getaffinity(0))} cores, {arguments.blocks} blocks")
    ratios: list[float] = []
    rates: list[float] = []
    for number in range(arguments.rounds):
        node, bare = measured("pipeline", arguments), measured("control", arguments)
        rate = arguments.blocks / float(str(node["seconds"]))
        ratio = float(str(bare["seconds"])) / float(str(node["seconds"]))
        rates.append(rate)
        ratios.append(ratio)
        commits = node["commits"]
        assert isinstance(commits, dict)
        print(f"round {number + 1}: {rate:,.0f} blocks/s, {2 * rate:,.0f} proofs/s, {ratio:.2f} x the control, peak {node['peak_mib']} MiB")
        print(f"  transactions a block: {sum(commits.values()) / arguments.blocks:.3f} {commits}")
        if "fsyncs" in node:
            print(f"  fsyncs a block: {int(str(node['fsyncs'])) / arguments.blocks:.3f}")
        print(f"  CPU seconds: {node['cpu']}")
    print(f"median: {statistics.median(rates):,.0f} blocks/s, {statistics.median(ratios):.2f} x the control")


if __name__ == "__main__":
    main()
