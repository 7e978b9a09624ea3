"""What can go wrong around an import that is not the block's fault. What is the block's fault is `lean.errors.Rejected`."""

from __future__ import annotations

from proofplane.base.errors import Broken, CallerMistake, TryAgain


class WorkersUnavailable(TryAgain):
    """No thread can take a task: run it in place, or ask again later."""


class CouldNotCheck(TryAgain):
    """A task ended without a verdict (its thread died, memory ran out): says nothing about the block, which may be sent again."""


class ParentGone(TryAgain):
    """While the block was checked, its parent left the store: send it again."""


class ImporterClosed(CallerMistake):
    """The importer is closed."""


class MissingState(Broken):
    """The storage lacks a state or a block that it must have: the database is damaged."""


class PartsOfDifferentBlocks(Broken):
    """A block was to be committed with what was checked about another one: a bug of ours."""


class OutputLost(Broken):
    """A file beside an import (a trace, metrics) could not be written to its end; the import itself is not concerned."""


class BadChainDirectory(CallerMistake):
    """A chain directory or block file that cannot be used, or a data directory of another chain; the message says what does not fit."""
