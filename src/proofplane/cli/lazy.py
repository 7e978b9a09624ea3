"""A group of commands, each of which is imported when it is asked for, so that a command loads only what it uses."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """Finds its commands in a table."""

    def __init__(self, *arguments: Any, table: Mapping[str, tuple[str, str]], **options: Any) -> None:
        """`table` maps a command's name to its module and its name there, in the order in which help lists them."""
        super().__init__(*arguments, **options)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the table's order."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports a command; None if there is none of that name."""
        if cmd_name not in self._table:
            return None
        module, name = self._table[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), name)
        return command
