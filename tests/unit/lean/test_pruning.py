"""Finality takes votes out of all three pools: those for old heads, and those for other branches."""

from __future__ import annotations

from dataclasses import replace

from kit.fork_choice import Tree, proof_of, root_of
from proofplane.lean.pruning import prune
from proofplane.lean.types import AttestationData, Checkpoint, Slot, ValidatorIndex


def test_what_is_not_above_the_final_block_and_behind_it_leaves_all_pools_and_the_rest_keeps_its_order() -> None:
    tree = Tree()
    tree.chain("bcd")
    tree.grow("x", "a", 3)
    unknown = AttestationData(Slot(3), Checkpoint(root_of("unknown"), Slot(3)), tree.at("c"), tree.at("a"))
    kept = [tree.data("d", slot=5), tree.data("c"), tree.data("d")]
    votes = [kept[0], tree.data("a"), kept[1], tree.data("b"), tree.data("x"), unknown, kept[2]]
    store = replace(
        tree.store,
        latest_finalized=tree.at("b"),
        new_payloads={data: frozenset({proof_of([0])}) for data in votes},
        known_payloads={data: frozenset({proof_of([1])}) for data in votes},
        attestation_signatures={data: frozenset({(ValidatorIndex(2), b"s")}) for data in votes},
    )
    pruned = prune(store)
    assert list(pruned.new_payloads.items()) == [(data, {proof_of([0])}) for data in kept]
    assert list(pruned.known_payloads.items()) == [(data, {proof_of([1])}) for data in kept]
    assert list(pruned.attestation_signatures.items()) == [(data, {(2, b"s")}) for data in kept]
    assert pruned.blocks is store.blocks
