"""The fields of a state, to be read and replaced in its tree.

What is not replaced stays the very same tree, with the roots that it remembers: the registry is never hashed again, and a block costs
the hashes on the paths to what it changed.
"""

from __future__ import annotations

from typing import Any

from remerkleable.tree import Node

from proofplane.crypto.ssz import codec_of
from proofplane.crypto.ssz_basic import BitlistCodec
from proofplane.crypto.ssz_tree import depth_of, subtree, subtrees, tree_of
from proofplane.lean.ssz import State

_PLACES = {name: place for place, name in enumerate(State.fields())}
_CODECS = {name: codec_of(schema) for name, schema in State.fields().items()}
_DEPTH = depth_of(len(_PLACES))


class StateFields:
    """A working copy of a state; the state that it was made of stays as it is."""

    def __init__(self, state: State) -> None:
        self._nodes = subtrees(state.get_backing(), _DEPTH, 0, len(_PLACES))

    def node(self, name: str) -> Node:
        """The tree of a field."""
        return self._nodes[_PLACES[name]]

    def value(self, name: str) -> Any:
        """The plain value of a field."""
        return _CODECS[name].untree(self.node(name))

    def put_node(self, name: str, node: Node) -> None:
        """Replaces a field by another tree."""
        self._nodes[_PLACES[name]] = node

    def put(self, name: str, value: Any) -> None:
        """Replaces a field by a plain value."""
        self.put_node(name, _CODECS[name].tree(value))

    def put_bits(self, name: str, value: tuple[int, int]) -> None:
        """Replaces a bit list, (integer, length), keeping what stays the same of its tree."""
        codec = _CODECS[name]
        assert isinstance(codec, BitlistCodec)
        self.put_node(name, codec.retree(self.node(name), value))

    def state(self) -> State:
        """A state with these fields."""
        state: State = State.view_from_backing(tree_of(self._nodes, _DEPTH))
        return state


def field_node(state: State, name: str) -> Node:
    """The tree of one field."""
    return subtree(state.get_backing(), _PLACES[name], _DEPTH)


def field_value(state: State, name: str) -> Any:
    """The plain value of one field."""
    return _CODECS[name].untree(field_node(state, name))
