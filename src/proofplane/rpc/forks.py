"""Notices that the process was forked: what was opened before belongs to the parent."""

from __future__ import annotations

import os

from proofplane.rpc.errors import ForkedClient


class Forks:
    """How many forks lie between the first process and this one."""

    count: int = 0


def _forked() -> None:
    Forks.count += 1


def refuse_fork(made_at: int) -> None:
    """Raises `ForkedClient` if the process was forked since `Forks.count` was `made_at`."""
    if Forks.count != made_at:
        raise ForkedClient("this client was connected before a fork, and its connection belongs to the parent: connect anew in the child")


os.register_at_fork(after_in_child=_forked)
