"""Tests of the parameters of an instance, its mode and manifests."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.anchor import ssz
from proofplane.anchor.types import AnchorParams, InvalidParams, Log, Manifest, Mode, Quorum
from proofplane.base.errors import CallerMistake
from proofplane.base.ids import BlockCommitment, BlockId, Hash32, Height
from proofplane.bitcoin.networks import Network
from proofplane.crypto.ssz_codec import MalformedSsz
from unit.anchor.chains import KEYS, full_params, regtest_params

HASHES = st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize("params", [full_params(), regtest_params(), regtest_params(Mode.HEADERS_ONLY)])
def test_parameters_survive_json_as_text(params: AnchorParams) -> None:
    text = json.dumps(params.to_json())
    assert AnchorParams.from_json(json.loads(text)) == params
    assert AnchorParams.from_json(json.loads(text)).identity() == params.identity()


def test_the_json_form_shows_hex_and_the_block_hash_in_display_order() -> None:
    block_id = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
    block = BlockCommitment(Height(0), BlockId.from_display(block_id))
    params = AnchorParams(Network.REGTEST, Mode.FULL_BLOCK, b"ALPN", block, 0x207FFFFF, 1296688602, Quorum(KEYS[:1], 1), True)
    assert params.to_json() == {
        "network": "regtest",
        "mode": "full-block",
        "magic": "414c504e",
        "height": 0,
        "block_hash": block_id,
        "next_bits": "207fffff",
        "epoch_start": 1296688602,
        "upgrade": {"keys": [KEYS[0].hex()], "threshold": 1},
        "exports": True,
    }
    assert params.describe() == f"regtest, full-block, anchor 0:{block_id}"


def test_instances_that_differ_in_anything_have_different_identities() -> None:
    params = full_params()
    variants = [
        params,
        replace(params, network=Network.MAINNET, next_bits=0x1D00FFFF),
        replace(params, mode=Mode.HEADERS_ONLY, upgrade=None, exports=False),
        replace(params, magic=b"alpn"),
        replace(params, block=BlockCommitment(Height(6), params.block.block_id)),
        replace(params, block=BlockCommitment(params.block.height, BlockId(bytes(32)))),
        replace(params, next_bits=0x1D00FFFF),
        replace(params, epoch_start=1),
        replace(params, upgrade=None),
        replace(params, upgrade=Quorum(KEYS, 3)),
        replace(params, upgrade=Quorum(KEYS[::-1], 2)),
        replace(params, exports=False),
    ]
    assert len({variant.identity() for variant in variants}) == len(variants)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"surprise": 1}, "surprise"),
        ({"network": "testnet"}, "no network is called 'testnet'"),
        ({"mode": "half"}, "no mode is called 'half'"),
        ({"magic": "41"}, "a magic has 4 bytes"),
        ({"magic": "xy"}, "no anchor parameters"),
        ({"height": -1}, "height"),
        ({"height": "5"}, "height"),
        ({"block_hash": "00"}, "block hash"),
        ({"next_bits": "1e00ffff", "network": "mainnet"}, "easier than mainnet allows"),
        ({"next_bits": "bits"}, "no anchor parameters"),
        ({"epoch_start": 2**32}, "32 bits"),
        ({"exports": 1}, "exports"),
        ({"upgrade": {"keys": [], "threshold": 1}}, "1 to 16 keys"),
        ({"upgrade": {"keys": [KEYS[0].hex()], "threshold": 1, "more": 0}}, "more"),
        ({"upgrade": {"keys": ["00" * 31], "threshold": 1}}, "32 bytes"),
        ({"mode": "headers-only"}, "neither an upgrade quorum nor exports"),
    ],
)
def test_parameters_that_no_instance_can_run_with_are_the_callers_mistake(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(CallerMistake, match=complaint):
        AnchorParams.from_json(full_params().to_json() | change)


def test_a_missing_key_is_named() -> None:
    value = full_params().to_json()
    del value["epoch_start"]
    with pytest.raises(InvalidParams, match="epoch_start"):
        AnchorParams.from_json(value)


@pytest.mark.parametrize(
    ("keys", "threshold"), [((), 0), (KEYS, 0), (KEYS, 4), ((KEYS[0], KEYS[0]), 1), (tuple(Hash32(bytes([n]) * 32) for n in range(17)), 1)]
)
def test_a_quorum_that_cannot_work_is_refused(keys: tuple[Hash32, ...], threshold: int) -> None:
    with pytest.raises(InvalidParams):
        Quorum(keys, threshold)


def test_a_quorum_key_that_is_no_point_of_the_curve_is_refused() -> None:
    with pytest.raises(CallerMistake):
        Quorum((Hash32(b"\xff" * 32),), 1)


@given(height=st.integers(0, 2**32 - 1), block=HASHES, root=HASHES, logs=st.lists(st.binary(max_size=70), max_size=5))
def test_a_manifest_is_that_of_the_schema_and_survives_encoding(height: int, block: bytes, root: bytes, logs: list[bytes]) -> None:
    manifest = Manifest(Height(height), BlockId(block), Hash32(root), tuple([Log(log) for log in logs]))
    view = ssz.Manifest(height=height, block_id=block, wtxids_root=root, logs=ssz.Logs(*logs))
    assert manifest.encode() == view.encode_bytes()
    assert manifest.root() == view.hash_tree_root()
    assert Manifest.decode(manifest.encode()) == manifest
    assert manifest.block == BlockCommitment(Height(height), BlockId(block))


def test_bytes_that_are_no_manifest_are_refused() -> None:
    with pytest.raises(MalformedSsz):
        Manifest.decode(bytes(71))


def test_the_modes_are_the_spec_ids_of_the_design() -> None:
    assert {mode.label: int(mode) for mode in Mode} == {"full-block": 1, "headers-only": 2}
