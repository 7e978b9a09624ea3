"""`proofplane prove`: blocks of a file or a full node in, stored and verified proofs out."""

from __future__ import annotations

from pathlib import Path

import click

from proofplane.anchor.anchor_point import AnchorPoint
from proofplane.anchor.bitcoind import BitcoindSource
from proofplane.anchor.block_file import BlockFile
from proofplane.anchor.headers_file import HeadersFile
from proofplane.anchor.rpc_client import Login, RpcClient
from proofplane.anchor.types import AnchorParams, Mode, Quorum
from proofplane.base.errors import CallerMistake
from proofplane.base.ids import Height, hash32
from proofplane.bitcoin.networks import Network
from proofplane.cli.options import PATH, node_options, run_async, settings_from
from proofplane.cli.session import Output, run
from proofplane.node.backend import require_provable
from proofplane.node.config import AnchorSettings, BadConfig, Settings
from proofplane.service.clock import SystemClock

_HEIGHT = click.IntRange(min=0, max=2**32 - 1)


@click.command(short_help="Prove headers, one block, or a full node's chain.")
@click.option("--network", type=click.Choice(["mainnet", "regtest"]), default="mainnet", show_default=True)
@click.option("--headers", type=PATH, help="Raw headers, 80 bytes each: proves headers only, nothing is said about bodies.")
@click.option("--first-height", type=_HEIGHT, help="Height of the first header in the file.")
@click.option("--block", type=PATH, help="One full block in consensus bytes, proved on its parent's anchor.")
@click.option("--height", type=_HEIGHT, help="Height of that block, if its coinbase does not say it.")
@click.option("--bitcoind", metavar="URL", help="Full blocks from a node's JSON-RPC; runs until interrupted, or to --until.")
@click.option("--cookie-file", type=PATH, help="The node's cookie file.")
@click.option("--user", help="The node's RPC user.")
@click.option("--password", help="The node's RPC password.")
@click.option("--from-height", type=_HEIGHT, help="Anchor: everything above is proved. [default: first header, or genesis]")
@click.option("--until", type=_HEIGHT, help="Last height to prove, inclusive.")
@click.option(
    "--backend",
    type=click.Choice(["native", "barretenberg"]),
    help="Who proves steps: child processes that sign, or circuits by the real bb (headers of mainnet). [default: native]",
)
@click.option("--epoch-start-time", type=click.IntRange(min=0, max=2**32 - 1), help="Time of the first block of the anchor's epoch.")
@node_options
def prove(
    network: str,
    headers: Path | None,
    first_height: int | None,
    block: Path | None,
    height: int | None,
    bitcoind: str | None,
    cookie_file: Path | None,
    user: str | None,
    password: str | None,
    from_height: int | None,
    until: int | None,
    backend: str | None,
    epoch_start_time: int | None,
    data_dir: Path | None,
    config: Path | None,
    processes: int | None,
    cores: int | None,
    retry_failed: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Prove blocks: from a headers file, one block, or a full node. Start again with the same arguments to go on."""
    node_flags = {"url": bitcoind, "cookie_file": str(cookie_file) if cookie_file else None, "user": user, "password": password}
    prover_flags = {"processes": processes, "backend": backend}
    settings = settings_from(config, data_dir, node={"cores": cores}, prover=prover_flags, bitcoind=node_flags)
    output = Output(quiet, as_json)
    _check_belonging()
    if headers is not None:
        if first_height is None:
            raise click.UsageError("--headers needs --first-height, the height of the first header in the file")
        with HeadersFile(headers, Network[network.upper()], Height(first_height)) as file:
            _prove_headers(
                settings, file, Height(first_height if from_height is None else from_height), until, epoch_start_time, output, retry_failed
            )
    elif block is not None:
        opened = BlockFile(block, Network[network.upper()], None if height is None else Height(height))
        params = _params(opened.anchor(epoch_start_time), Mode.FULL_BLOCK, settings.anchor)
        run_async(run(settings, params, opened, lambda node: opened.run(node.asm), 1, output, retry_failed))
    elif settings.bitcoind.url is not None:
        _prove_node(settings, Network[network.upper()], Height(from_height or 0), until, output, retry_failed)
    else:
        raise click.UsageError("where do blocks come from? give --headers, --block or --bitcoind")


_BELONGS = {
    "headers": {"first_height", "from_height", "until", "epoch_start_time"},
    "block": {"height", "epoch_start_time"},
    "bitcoind": {"cookie_file", "user", "password", "from_height", "until"},
}
"""Which options mean something for which source of blocks."""


def _check_belonging() -> None:
    """Refuses two sources, and options that would be ignored for the one given; a node's URL may also come from the settings."""
    given = {name for name, value in click.get_current_context().params.items() if value is not None}
    sources = sorted(given & _BELONGS.keys()) or ["bitcoind"]
    if len(sources) > 1:
        raise click.UsageError("give one of --headers, --block and --bitcoind, not several")
    idle = sorted(given & (set().union(*_BELONGS.values()) - _BELONGS[sources[0]]))
    if idle:
        raise click.UsageError(f"--{idle[0].replace('_', '-')} means nothing with --{sources[0]}")


def _prove_headers(
    settings: Settings,
    file: HeadersFile,
    anchor: Height,
    until: int | None,
    epoch_start_time: int | None,
    output: Output,
    retry_failed: bool,
) -> None:
    last = file.last_height if until is None else Height(until)
    for height in (anchor, last):
        file.header(height)  # a height outside the file is refused before anything is written
    if last < anchor:
        raise click.UsageError(f"--until {last} is below the anchor {anchor}")
    params = _params(file.anchor(anchor, epoch_start_time), Mode.HEADERS_ONLY, settings.anchor)
    work = run(settings, params, file, lambda node: file.run(node.asm, node.tip, last), last - anchor, output, retry_failed)
    run_async(work)


def _prove_node(settings: Settings, network: Network, anchor: Height, until: int | None, output: Output, retry_failed: bool) -> None:
    require_provable(settings, Mode.FULL_BLOCK, network)  # before connecting: a node that does not answer is waited for
    given = settings.bitcoind
    login = Login(Path(given.cookie_file) if given.cookie_file else None, given.user, given.password)
    last = None if until is None else Height(until)

    async def follow() -> None:
        clock = SystemClock()
        source = BitcoindSource(RpcClient(given.url or "", login), network, clock, given.poll_seconds)
        try:
            await source.check_network()
            params = _params(await source.anchor(anchor), Mode.FULL_BLOCK, settings.anchor)
            target = None if last is None else last - anchor
            await run(settings, params, source, lambda node: source.run(node.asm, node.tip, last), target, output, retry_failed)
        finally:
            await source.aclose()

    run_async(follow())


def _params(point: AnchorPoint, mode: Mode, anchor: AnchorSettings) -> AnchorParams:
    """The parameters of an instance at `point`; headers only has no subprotocols."""
    whole = mode is Mode.FULL_BLOCK
    quorum = _quorum(anchor)
    return AnchorParams(
        network=point.network,
        mode=mode,
        magic=anchor.magic.encode(),
        block=point.block,
        next_bits=point.next_bits,
        epoch_start=point.epoch_start,
        upgrade=quorum if whole else None,
        exports=whole,
    )


def _quorum(anchor: AnchorSettings) -> Quorum | None:
    """The quorum that the settings name, checked in every mode; raises `BadConfig`."""
    if not anchor.upgrade_keys:
        return None
    try:
        return Quorum(tuple(hash32(bytes.fromhex(text)) for text in anchor.upgrade_keys), anchor.upgrade_threshold)
    except (CallerMistake, ValueError) as error:
        raise BadConfig(f"[anchor] upgrade_keys, upgrade_threshold: {error}") from None
