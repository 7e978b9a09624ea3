"""`proofplane verifier serve`: proofs verified for other processes until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click

from proofplane.barretenberg.service.addresses import default_address
from proofplane.barretenberg.service.serve import serve_verifier
from proofplane.barretenberg.service.settings import Bounds
from proofplane.barretenberg.service.status import Status
from proofplane.base.cores import usable_cores
from proofplane.cli.options import config_option, json_option, run_async, settings_from
from proofplane.cli.output import print_fields, print_json
from proofplane.node.config import Settings

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@click.command(short_help="Serve both queues until stopped.")
@click.option(
    "--address",
    default=None,
    help="PATH.sock or NAME.shm. [default: proofplane-verifier.sock in XDG_RUNTIME_DIR or the temporary directory]",
)
@click.option("--processes", type=click.IntRange(min=1), default=None, help="Verifications at a time. [default: as many as cores]")
@click.option("--cores", type=click.IntRange(min=1), default=None, help="Use at most this many cores.")
@click.option("--queue", type=click.IntRange(min=1), default=None, help="Unanswered requests of the low-latency queue. [default: 1024]")
@click.option("--gossip-queue", type=click.IntRange(min=1), default=None, help="The same of the batching queue. [default: 2048]")
@config_option
@json_option
def serve(
    address: str | None,
    processes: int | None,
    cores: int | None,
    queue: int | None,
    gossip_queue: int | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Verify proofs for other processes (`bb verify --service`, or the client of schema/verifier.jsonc) until SIGINT or SIGTERM.

    Then what was accepted is verified and answered, for at most 30 s; a second signal ends it at once.
    """
    verifier = {"processes": processes, "queue": queue, "gossip_queue": gossip_queue}
    settings = settings_from(config, None, node={"cores": cores}, verifier=verifier)
    status = run_async(_serve(address or default_address(), settings))
    if as_json:
        print_json(_document(status))
    else:
        print_fields(_document(status))


async def _serve(address: str, settings: Settings) -> Status:
    """Serves until the first signal; returns what was done."""
    threads = usable_cores(settings.node.cores)
    if settings.verifier.processes is not None:
        threads = min(threads, settings.verifier.processes)
    bounds = Bounds(rpc=settings.verifier.queue, gossip=settings.verifier.gossip_queue)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        for each in _SIGNALS:
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)
        click.echo(f"{number.name}: finishing what was accepted; once more to stop at once", err=True)
        stop.set()

    async with serve_verifier(address, threads, bounds=bounds) as front:
        for number in _SIGNALS:
            loop.add_signal_handler(number, on_signal, number)
        click.echo(f"verifying at {address} on {threads} {'core' if threads == 1 else 'cores'}", err=True)
        await stop.wait()
    return front.status()


def _document(status: Status) -> dict[str, int]:
    counters = status.counters
    return {
        "requests": counters.requests,
        "verified": counters.verified,
        "refused": counters.refused,
        "not known": counters.no_answer + counters.cancelled + counters.too_late + counters.queue_full,
        "coalesced": counters.coalesced,
        "batches": counters.batches,
        "processes": counters.spawned,
    }
