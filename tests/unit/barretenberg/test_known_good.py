"""The proof that fresh processes are asked for is complete, and the pinned binary makes it anew byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit import bb_cache
from kit.bb_circuits import power
from kit.known_good_proof import PLACE, made
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.known_good import FLAVOR, known_good, known_good_rollup
from proofplane.barretenberg.one_shot import ask


def test_the_known_good_proof_has_the_sizes_of_its_flavour() -> None:
    good = known_good()
    assert len(good.verification_key) == FLAVOR.key_size
    assert good.public_inputs == [power(7)]
    assert len(good.proof) == FLAVOR.proof_size(5)
    assert good.settings == FLAVOR.settings


def test_the_one_that_needs_grumpkin_points_has_the_sizes_of_its_flavour_and_verifies() -> None:
    good = known_good_rollup()
    assert (len(good.verification_key), len(good.proof)) == (Flavor.NOIR_ROLLUP.key_size, Flavor.NOIR_ROLLUP.proof_size(12))
    assert good.public_inputs == [(15).to_bytes(32, "big")]
    assert good.settings == Flavor.NOIR_ROLLUP.settings
    assert ask(bb_cache.bb().path, good, bb_cache.verification_crs().directory, 30.0).verified


@pytest.mark.data
def test_what_is_committed_is_what_the_real_bb_makes_on_the_ceremonys_points(data_dir: Path) -> None:
    assert made(bb_cache.bb().path, bb_cache.proving_crs(data_dir).directory) == PLACE.read_bytes()
