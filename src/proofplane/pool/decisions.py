"""What the pool's state decides, and the pool does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType, TypeAlias

from proofplane.base.errors import ProofplaneError
from proofplane.pool.exits import Recycle
from proofplane.pool.types import WorkerId

Ticket = NewType("Ticket", int)
"""A lease that waits."""


@dataclass(frozen=True, slots=True)
class Start:
    """A process is to be started."""

    worker: WorkerId


@dataclass(frozen=True, slots=True)
class Lend:
    """A lease has its worker."""

    ticket: Ticket
    worker: WorkerId


@dataclass(frozen=True, slots=True)
class Probe:
    """An idle worker is to be asked whether it is well."""

    worker: WorkerId


@dataclass(frozen=True, slots=True)
class End:
    """A worker is to be ended."""

    worker: WorkerId
    recycled: Recycle


@dataclass(frozen=True, slots=True)
class Fail:
    """A lease that waits gets no worker."""

    ticket: Ticket
    error: ProofplaneError


Decision: TypeAlias = Start | Lend | Probe | End | Fail
