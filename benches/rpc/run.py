"""How fast is a typed call against the fastest things that exist, in the same interleaved run?

Every cell places client and server (one core, two cores), fixes how many calls are in flight, and lets each contestant run in turn,
round by round; what counts is the ratio of the medians within the cell. The control is a ping-pong in C with no codec.

    python benches/rpc/run.py [--rounds 5] [--seconds 0.5] [--cell NAME ...] [--json FILE]
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from messages import SMALL

HERE = Path(__file__).resolve().parent
SMALL_REPLY_BYTES = 94
START_SECONDS = 20.0
OURS = ("ours_async", "ours_blocking", "ours_async_shm", "ours_blocking_shm", "ours_native")


@dataclass(frozen=True, slots=True)
class Cell:
    """One question: who, where, how deep; the metric is p50 with one in flight on one connection, else calls per second."""

    name: str
    contestants: tuple[str, ...]
    same_core: bool = False
    depth: int = 1
    processes: int = 1
    large: bool = False
    goals: dict[tuple[str, str], str] = field(default_factory=dict)
    """(numerator, denominator) -> the goal, in words; the ratio printed is of p50 or of calls per second."""

    @property
    def by_latency(self) -> bool:
        return self.depth == 1 and self.processes == 1 and not self.large


CELLS = (
    Cell(
        "one in flight, one core",
        ("control", "uvloop_buffered", "asyncio_streams", "ours_blocking", "ours_async", "ours_blocking_shm", "ours_async_shm"),
        same_core=True,
        goals={
            ("ours_blocking", "control"): "<= 1.6",
            ("ours_async", "control"): "<= 1.6",
            ("uvloop_buffered", "control"): "1.61 in the reference",
            ("ours_blocking_shm", "control"): "<= 1.2",
        },
    ),
    Cell(
        "one in flight, two cores",
        ("control", "uvloop_buffered", "asyncio_streams", "ours_blocking", "ours_async", "ours_blocking_shm", "ours_async_shm"),
        goals={
            ("ours_blocking", "uvloop_buffered"): "<= 1.0",
            ("ours_async", "uvloop_buffered"): "<= 1.0",
            ("ours_blocking_shm", "control"): "<= 0.1, p50 <= 4 us",
        },
    ),
    Cell(
        "16 in flight",
        ("uvloop_buffered", "asyncio_streams", "pyzmq", "grpc_aio", "ours_async", "ours_async_shm"),
        depth=16,
        goals={
            ("ours_async", "uvloop_buffered"): ">= 1.3",
            ("ours_async", "pyzmq"): ">= 4",
            ("ours_async", "grpc_aio"): ">= 40",
            ("ours_async_shm", "ours_async"): ">= 2.5",
        },
    ),
    Cell(
        "64 in flight", ("uvloop_buffered", "ours_async", "ours_async_shm"), depth=64, goals={("ours_async", "uvloop_buffered"): ">= 1.5"}
    ),
    Cell("4 connections", ("uvloop_buffered", "ours_blocking"), processes=4, goals={("ours_blocking", "uvloop_buffered"): ">= 1.3"}),
    Cell("7 connections", ("uvloop_buffered", "ours_blocking"), processes=7, goals={("ours_blocking", "uvloop_buffered"): ">= 1.3"}),
    Cell(
        "64 KiB, one in flight",
        ("uvloop_buffered", "ours_blocking", "ours_blocking_shm"),
        large=True,
        goals={("ours_blocking_shm", "ours_blocking"): ">= 3"},
    ),
    Cell(
        "64 KiB, 16 in flight",
        ("uvloop_buffered", "ours_async", "ours_async_shm"),
        depth=16,
        large=True,
        goals={("ours_async_shm", "ours_async"): ">= 3"},
    ),
    Cell("native handler, C client, 64 in flight", ("control", "ours_native"), depth=64, goals={("ours_native", "control"): ">= 0.7"}),
)


class Bench:
    """Runs contestants in a scratch directory."""

    def __init__(self, scratch: Path, seconds: float) -> None:
        self._scratch = scratch
        self._seconds = seconds
        self._control = scratch / "control"
        subprocess.run([shutil.which("cc") or "cc", "-O2", "-o", self._control, HERE / "control.c"], check=True)
        body = msgspec.msgpack.encode([["Small", SMALL]])
        self._frame = scratch / "frame"
        self._frame.write_bytes(len(body).to_bytes(4, "little") + body)
        self._count = 0

    def once(self, cell: Cell, contestant: str) -> float:
        """One measurement: microseconds or calls per second."""
        self._count += 1
        in_c = contestant in ("control", "ours_native")
        name = f"pp-bench-{os.getpid()}-{self._count}"
        address = f"{name}.shm" if contestant.endswith("_shm") else str(self._scratch / f"{name}.sock")
        server_core, client_core = (0, 0) if cell.same_core else (0, 1)
        serve = (
            [self._control, "serve", address, str(SMALL_REPLY_BYTES)]
            if contestant == "control"
            else self._peer(contestant, "serve", address)
        )
        if in_c:
            drive = [self._control, "drive", address, self._frame, str(cell.depth), str(self._seconds)]
        else:
            drive = self._peer(contestant, "drive", address, cell.depth, self._seconds, "large" if cell.large else "small")
        # Several clients crowd both cores as they would in life; one client has the other core, or the same, for itself.
        client_cores = "0,1" if cell.processes > 1 else str(client_core)
        server_cores = "0,1" if cell.processes > 1 else str(server_core)
        server = subprocess.Popen(["taskset", "-c", server_cores, *map(str, serve)], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            if server.stdout.readline().strip() != "ready":
                raise SystemExit(f"{contestant} did not start")
            drivers = [
                subprocess.Popen(["taskset", "-c", client_cores, *map(str, drive)], stdout=subprocess.PIPE, text=True)
                for _ in range(cell.processes)
            ]
            figures = []
            for driver in drivers:
                out, _ = driver.communicate(timeout=START_SECONDS + self._seconds)
                if driver.returncode:
                    raise SystemExit(f"{contestant} failed in {cell.name}")
                figures.append(json.loads(out))
        finally:
            server.terminate()
            server.wait()
        return figures[0]["p50_us"] if cell.by_latency else sum(each["per_second"] for each in figures)

    def _peer(self, name: str, *rest: object) -> list[object]:
        return [sys.executable, HERE / "peer.py", name.removesuffix("_shm"), *rest]


def report(cell: Cell, measured: dict[str, list[float]]) -> list[str]:
    """A table of the cell."""
    unit = "p50 us" if cell.by_latency else "calls/s"
    lines = [f"\n{cell.name}", f"  {'':22}{unit:>12}{'least':>12}{'most':>12}"]
    medians = {name: statistics.median(values) for name, values in measured.items()}
    for name, values in sorted(measured.items(), key=lambda item: medians[item[0]], reverse=not cell.by_latency):
        digits = 2 if cell.by_latency else 0
        lines.append(f"  {name:22}{medians[name]:12,.{digits}f}{min(values):12,.{digits}f}{max(values):12,.{digits}f}")
    for (above, below), goal in cell.goals.items():
        rounds = [a / b for a, b in zip(measured[above], measured[below], strict=True)]
        lines.append(f"  {above} / {below} = {statistics.median(rounds):.2f}   (goal {goal})")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--cell", action="append", help="only cells whose name contains this")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cells = [cell for cell in CELLS if not arguments.cell or any(text in cell.name for text in arguments.cell)]
    measured: dict[str, dict[str, list[float]]] = {cell.name: {name: [] for name in cell.contestants} for cell in cells}
    machine = platform.processor() or platform.machine()
    print(f"{machine}, {os.cpu_count()} processors, Python {platform.python_version()}; load {os.getloadavg()[0]:.2f}")
    with tempfile.TemporaryDirectory(prefix="pp-bench-") as scratch:
        bench = Bench(Path(scratch), arguments.seconds)
        for turn in range(arguments.rounds):
            for cell in cells:
                for contestant in cell.contestants:
                    measured[cell.name][contestant].append(bench.once(cell, contestant))
                now = f"load {os.getloadavg()[0]:.2f}, {time.strftime('%H:%M:%S')}"
                print(f"round {turn + 1}, {cell.name}, {now}", file=sys.stderr, flush=True)
    for cell in cells:
        print("\n".join(report(cell, measured[cell.name])))
    if arguments.json:
        arguments.json.write_text(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
