"""Runs the asynchronous tests of this folder on both loops that a node may run on: their pipes and processes differ."""

import asyncio
from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loops by their names in test ids."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
