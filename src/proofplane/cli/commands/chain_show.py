"""`proofplane chain head|state|block`: what a data directory holds, also while blocks are imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from proofplane.base.errors import CallerMistake
from proofplane.chain.replay import StateReader
from proofplane.chain.storage import CHAIN_SCHEMA
from proofplane.chain.store_rows import read_block, read_store
from proofplane.cli.options import PATH, json_option
from proofplane.cli.output import print_fields, print_json
from proofplane.lean.codec import encode_signed_block, encode_state, state_root
from proofplane.lean.config import INTERVALS_PER_SLOT
from proofplane.lean.store import Store
from proofplane.lean.transition import checkpoints
from proofplane.lean.types import Checkpoint, Root
from proofplane.node.chain_session import read_scheme
from proofplane.node.data_dir import write_durably
from proofplane.storage.database import DATABASE_NAME, ReadOnlyDatabase

_data_dir = click.option("--data-dir", type=PATH, required=True, help="Where `chain import` has put the chain.")
_out = click.option("--out", type=PATH, default=None, help="Also write the SSZ bytes to this file.")

_ROOT_DIGITS = 64


class NoSuchBlock(CallerMistake):
    """A block that the chain does not have, or a text that names none."""


@click.command(short_help="Show head, checkpoints, clock and sizes.")
@_data_dir
@json_option
def head(data_dir: Path, as_json: bool) -> None:
    """Show the head, the checkpoints, the chain's clock and how much there is."""
    with _reading(data_dir) as (_, store):
        found = {
            "head": _place(Checkpoint(store.head, store.blocks[store.head].slot)),
            "justified": _place(store.latest_justified),
            "finalized": _place(store.latest_finalized),
            "safe_target": _place(Checkpoint(store.safe_target, store.blocks[store.safe_target].slot)),
            "clock": f"slot {store.time // INTERVALS_PER_SLOT}, interval {store.time % INTERVALS_PER_SLOT}",
            "blocks": len(store.blocks),
            "branches": sum(1 for root in store.blocks if root not in store.children),
            "validators": store.blocks[store.head].validators,
            "scheme": read_scheme(data_dir).name,
        }
    _show(found, as_json)


@click.command(short_help="Show the state after a block, or write it.")
@click.argument("root", default="head")
@_data_dir
@_out
@json_option
def state(root: str, data_dir: Path, out: Path | None, as_json: bool) -> None:
    """Show the state after block ROOT (64 hexadecimal digits), or after the head."""
    with _reading(data_dir) as (database, store):
        block_root = _root(root, store)
        view = StateReader(database).read(block_root)
    if view is None:
        raise NoSuchBlock(f"the chain has no block {block_root.hex()}")
    justified, finalized = checkpoints(view)
    if out is not None:
        write_durably(out, encode_state(view))
    found = {
        "block": block_root.hex(),
        "root": state_root(view).hex(),
        "slot": int(view.slot),
        "justified": _place(justified),
        "finalized": _place(finalized),
        "validators": len(view.validators),
        "history": len(view.historical_block_hashes),
        "pending_targets": len(view.justifications_roots),
        "genesis_time": int(view.config.genesis_time),
    }
    _show(found, as_json)


@click.command(short_help="Show a block, or write it.")
@click.argument("root", default="head")
@_data_dir
@_out
@json_option
def block(root: str, data_dir: Path, out: Path | None, as_json: bool) -> None:
    """Show block ROOT (64 hexadecimal digits), or the head."""
    with _reading(data_dir) as (database, store):
        block_root = _root(root, store)
        signed = read_block(database, block_root)
    if signed is None:
        raise NoSuchBlock(f"the chain has no block {block_root.hex()}")
    if out is not None:
        write_durably(out, encode_signed_block(signed))
    found = {
        "root": signed.block.root.hex(),
        "slot": signed.block.slot,
        "proposer": signed.block.proposer_index,
        "parent": signed.block.parent_root.hex(),
        "state_root": signed.block.state_root.hex(),
        "children": [child.hex() for child in store.children.get(block_root, ())],
        "attestations": [
            {"slot": vote.data.slot, "head": _place(vote.data.head), "target": _place(vote.data.target), "source": _place(vote.data.source)}
            | {"voters": vote.participants.count()}
            for vote in signed.block.attestations
        ],
        "proof_bytes": len(signed.proof),
    }
    _show(found, as_json)


@contextmanager
def _reading(data_dir: Path) -> Iterator[tuple[ReadOnlyDatabase, Store]]:
    """The chain of a data directory; raises `BadChainDirectory` if there is none."""
    read_scheme(data_dir)
    database = ReadOnlyDatabase(data_dir / DATABASE_NAME, [CHAIN_SCHEMA])
    try:
        store = read_store(database)
        if store is None:
            raise NoSuchBlock(f"{data_dir} holds no block yet: import some")
        yield database, store
    finally:
        database.close()


def _root(text: str, store: Store) -> Root:
    if text == "head":
        return store.head
    digits = text.removeprefix("0x")
    try:
        if len(digits) != _ROOT_DIGITS:
            raise ValueError
        return Root(bytes.fromhex(digits))
    except ValueError:
        raise NoSuchBlock(f"not a block root of {_ROOT_DIGITS} hexadecimal digits: {text!r}") from None


def _place(checkpoint: Checkpoint) -> str:
    """Slot and root, as `BlockCommitment` writes heights and ids."""
    return f"{checkpoint.slot}:{checkpoint.root.hex()}"


def _show(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    lines = {name.replace("_", " "): value for name, value in found.items() if not isinstance(value, list)}
    lists = {name.replace("_", " "): len(value) for name, value in found.items() if isinstance(value, list)}
    print_fields({**lines, **lists})
