"""The subprotocols of this machine, in the order in which they process a block; a new one is a line here."""

from proofplane.anchor.subprotocols.export import ExportEntries
from proofplane.anchor.subprotocols.interface import Subprotocol
from proofplane.anchor.subprotocols.upgrade import PredicateUpgrade

SUBPROTOCOLS: tuple[Subprotocol, ...] = (PredicateUpgrade(), ExportEntries())

KNOWN_IDS = frozenset(subprotocol.id for subprotocol in SUBPROTOCOLS)
"""Ids that a section can have."""
