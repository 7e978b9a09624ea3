"""Unit tests of `proofplane.bitcoin.networks`."""

import pytest

from proofplane.bitcoin.networks import KNOWN_BLOCKS, KNOWN_EPOCH_STARTS, Network, known_block, known_epoch_start, rules_of
from proofplane.bitcoin.target import target_from_bits


def test_networks_have_the_numbers_that_header_states_carry() -> None:
    assert {network.name: network.value for network in Network} == {"MAINNET": 0, "REGTEST": 3}


@pytest.mark.parametrize("network", Network)
def test_the_built_in_genesis_header_hashes_to_the_known_block_id_and_meets_its_target(network: Network) -> None:
    rules = rules_of(network)
    block_id = rules.genesis.block_id
    assert rules.network is network
    assert block_id == known_block(network, 0)
    assert int.from_bytes(block_id, "little") <= target_from_bits(rules.genesis.bits)
    assert rules.genesis.bits == rules.limit_bits


def test_the_genesis_ids_are_the_published_ones() -> None:
    ids = {network: rules_of(network).genesis.block_id.display() for network in Network}
    assert ids == {
        Network.MAINNET: "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
        Network.REGTEST: "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
    }


def test_only_regtest_keeps_its_bits_and_halves_every_150_blocks() -> None:
    assert [(rules_of(n).no_retarget, rules_of(n).halving_interval) for n in Network] == [(False, 210_000), (True, 150)]


def test_the_known_mainnet_heights_are_the_documented_ones() -> None:
    assert sorted(KNOWN_BLOCKS[Network.MAINNET]) == [0, 38_304, 40_000, 40_001, 45_000, 49_999, 702_861]
    assert known_block(Network.MAINNET, 40_002) is None
    assert known_block(Network.REGTEST, 40_000) is None


@pytest.mark.parametrize(
    ("network", "height", "time"),
    [
        (Network.MAINNET, 0, 1231006505),
        (Network.MAINNET, 2015, 1231006505),
        (Network.MAINNET, 2016, None),
        (Network.MAINNET, 38_303, None),
        (Network.MAINNET, 38_304, 1265319794),
        (Network.MAINNET, 40_000, 1265319794),
        (Network.MAINNET, 40_319, 1265319794),
        (Network.MAINNET, 40_320, None),
        (Network.REGTEST, 101, 1296688602),
    ],
)
def test_the_known_epoch_start_is_that_of_the_epoch_the_height_lies_in(network: Network, height: int, time: int | None) -> None:
    assert known_epoch_start(network, height) == time


@pytest.mark.parametrize("network", Network)
def test_known_epoch_starts_agree_with_the_genesis_and_the_known_blocks(network: Network) -> None:
    starts = KNOWN_EPOCH_STARTS[network]
    assert starts[0][0] == rules_of(network).genesis.time
    assert all(height % 2016 == 0 and known_block(network, height) == block_id for height, (_, block_id) in starts.items())


def test_witness_commitments_count_from_the_published_heights_on() -> None:
    assert {network: rules_of(network).segwit_height for network in Network} == {Network.MAINNET: 481_824, Network.REGTEST: 0}
