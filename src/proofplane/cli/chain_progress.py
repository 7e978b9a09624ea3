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
        self._began: tuple[str, int, float] | None = None
        """The stage, how much of it was done when it was first seen, and when that was."""

    def rows(self, now: float) -> list[Row]:
        """One."""
        progress, remark = self._seen(now)
        return [(f"lean {progress.stage}", bar(progress.done, progress.total), of(progress.done, progress.total), remark)]

    def line(self, now: float) -> str:
        """The same."""
        progress, remark = self._seen(now)
        return f"lean {progress.stage} {of(progress.done, progress.total)}, {remark}"

    def _seen(self, now: float) -> tuple[ChainProgress, str]:
        progress = self._source()
        if self._began is None or self._began[0] != progress.stage:
            self._began = (progress.stage, progress.done, now)
        _, done, began = self._began
        rate = (progress.done - done) / (now - began) if now > began else 0.0
        if progress.stage != "blocks":
            return progress, f"{_DOING[progress.stage]}, {rate:,.1f} {progress.stage}/s"
        refused = f", {progress.refused} refused" if progress.refused else ""
        return progress, f"head slot {progress.head_slot}, finalized {progress.finalized_slot}{refused}, {rate:,.1f} blocks/s"
