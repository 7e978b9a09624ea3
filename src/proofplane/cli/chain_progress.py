"""How far the work on a Lean chain is, as a picture for the display."""

from __future__ import annotations

from collections.abc import Callable

from proofplane.cli.display import Row, bar, of
from proofplane.node.chain_progress import ChainProgress

_DOING = {"keys": "making keys", "slots": "signing", "blocks": "importing"}


class ChainPicture:
    """One row: what is done, and how fast; implements `Picture`."""

    def __init__(self, source: Callable[[], ChainProgress]) -> None:
        """`source` is asked for each picture."""
        self._source = source

    def rows(self, now: float) -> list[Row]:
        """One."""
        progress = self._source()
        return [(f"lean {progress.stage}", bar(progress.done, progress.total), of(progress.done, progress.total), _remark(progress))]

    def line(self, now: float) -> str:
        """The same."""
        progress = self._source()
        return f"lean {progress.stage} {of(progress.done, progress.total)}, {_remark(progress)}"


def _remark(progress: ChainProgress) -> str:
    if progress.stage != "blocks":
        return f"{_DOING[progress.stage]}, {progress.rate:,.1f} {progress.stage}/s"
    refused = f", {progress.refused} refused" if progress.refused else ""
    return f"head slot {progress.head_slot}, finalized {progress.finalized_slot}{refused}, {progress.rate:,.1f} blocks/s"
