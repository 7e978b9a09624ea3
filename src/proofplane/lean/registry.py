"""The validators of a state as plain values."""

from __future__ import annotations

from proofplane.lean.ssz import State
from proofplane.lean.state_fields import field_node, field_value
from proofplane.lean.types import Registry, Root, Validator


def registry_of(state: State) -> Registry:
    """The state's validators. Milliseconds for thousands of them: keep it, by `registry_root`."""
    return Registry(tuple([Validator(attestation, proposal) for attestation, proposal, _ in field_value(state, "validators")]))


def registry_root(state: State) -> Root:
    """The tree-hash root of the registry: equal for all states of a chain, and remembered."""
    return Root(field_node(state, "validators").merkle_root())
