"""A headers file as a source: what is refused at once, how it is walked, and the real mainnet headers."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from kit.anchor_node import anchor_node
from proofplane.anchor.anchor_point import AnchorPoint, ContradictedEpochStart
from proofplane.anchor.errors import BadHeadersFile, MissingL1Block, UnknownEpochStart
from proofplane.anchor.headers_file import STRIDE, HeadersFile
from proofplane.anchor.ports import LocatedHeader
from proofplane.anchor.regtest import RegtestChain
from proofplane.anchor.state import AnchorState
from proofplane.anchor.types import AnchorParams, Mode
from proofplane.base.errors import CallerMistake
from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.bitcoin.networks import Network
from proofplane.bitcoin.rules import PowMismatch
from proofplane.bitcoin.sps50 import TEST_MAGIC

_RETARGETS = {40_320: 0x1C654657, 42_336: 0x1C43B3E5, 44_352: 0x1C387F6F, 46_368: 0x1C381375, 48_384: 0x1C2A1115}
_MAINNET = "mainnet-headers-40000-49999.raw"


class _Submitter:
    """Takes every block at once and remembers it."""

    def __init__(self) -> None:
        self.submitted: list[BlockId] = []

    async def submit(self, block_id: BlockId) -> list[BlockCommitment]:
        self.submitted.append(block_id)
        return []


@pytest.fixture(scope="module")
def chain() -> tuple[RegtestChain, list[BlockCommitment]]:
    chain = RegtestChain(b"file", Mode.HEADERS_ONLY)
    return chain, [chain.genesis, *chain.mine_many(chain.genesis, 3000)]


@pytest.fixture
def file(tmp_path: Path, chain: tuple[RegtestChain, list[BlockCommitment]]) -> Path:
    return _written(tmp_path, chain, 0)


def _written(folder: Path, chain: tuple[RegtestChain, list[BlockCommitment]], first: int) -> Path:
    path = folder / f"headers-{first}.raw"
    path.write_bytes(b"".join(chain[0].header(block).encode() for block in chain[1][first:]))
    return path


def _params(point: AnchorPoint) -> AnchorParams:
    return AnchorParams(point.network, Mode.HEADERS_ONLY, TEST_MAGIC, point.block, point.next_bits, point.epoch_start)


async def test_every_block_is_found_by_its_id_in_any_order(file: Path, chain: tuple[RegtestChain, list[BlockCommitment]]) -> None:
    with HeadersFile(file, Network.REGTEST, Height(0)) as headers:
        for height in (3000, 2999, 0, 1500, 1, 2744):
            block = chain[1][height]
            assert await headers.locate(block.block_id) == LocatedHeader(block, chain[0].header(block))
            assert await headers.payload(block) == chain[0].header(block).encode()
        with pytest.raises(MissingL1Block):
            await headers.locate(BlockId(bytes(32)))
        for stranger in (BlockCommitment(Height(5), BlockId(bytes(32))), BlockCommitment(Height(3001), chain[1][5].block_id)):
            with pytest.raises(MissingL1Block):
                await headers.payload(stranger)


async def test_a_walk_of_a_few_strides_never_looks_through_the_file(
    file: Path, chain: tuple[RegtestChain, list[BlockCommitment]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with HeadersFile(file, Network.REGTEST, Height(0)) as headers:
        read: list[Height] = []
        real = headers.block

        def counting(height: Height) -> BlockCommitment:
            read.append(height)
            return real(height)

        monkeypatch.setattr(headers, "block", counting)
        await headers.locate(chain[1][3000].block_id)
        for height in range(2999, 2400, -1):
            await headers.locate(chain[1][height].block_id)
        assert len(read) < 1200


async def test_memory_does_not_grow_with_the_file(tmp_path: Path, chain: tuple[RegtestChain, list[BlockCommitment]]) -> None:
    path = tmp_path / "long.raw"
    path.write_bytes(chain[0].header(chain[1][7]).encode() * 40_000)  # nonsense, but looked through like any file
    tracemalloc.start()
    with HeadersFile(path, Network.REGTEST, Height(1)) as headers:
        with pytest.raises(MissingL1Block):
            await headers.locate(BlockId(bytes(32)))
        _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "is empty"), (b"x" * 161, "2 headers of 80 bytes and 1 bytes more: is it truncated")]
)
def test_a_file_of_the_wrong_size_is_the_callers_mistake(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.raw"
    path.write_bytes(content)
    with pytest.raises(BadHeadersFile, match=message) as caught:
        HeadersFile(path, Network.REGTEST, Height(1))
    assert isinstance(caught.value, CallerMistake)


def test_a_file_that_cannot_be_read_or_ends_beyond_all_heights_is_the_callers_mistake(tmp_path: Path, file: Path) -> None:
    for path, height, message in (
        (tmp_path / "absent", 0, "No such file"),
        (tmp_path, 0, "Is a directory"),
        (file, 2**32 - 5, "is first height"),
    ):
        with pytest.raises(BadHeadersFile, match=message):
            HeadersFile(path, Network.REGTEST, Height(height))


@pytest.mark.parametrize(("network", "first"), [(Network.REGTEST, 1), (Network.MAINNET, 0), (Network.MAINNET, 7)])
def test_a_built_in_block_at_the_wrong_place_is_noticed_at_once(file: Path, network: Network, first: int) -> None:
    with pytest.raises(BadHeadersFile, match="which is block 0 of regtest: correct the first height or the network"):
        HeadersFile(file, network, Height(first))


def test_a_file_without_a_built_in_block_where_one_should_be_is_refused(
    tmp_path: Path, chain: tuple[RegtestChain, list[BlockCommitment]]
) -> None:
    with pytest.raises(BadHeadersFile, match="the first height or the network is wrong, or the file is damaged"):
        HeadersFile(_written(tmp_path, chain, 5), Network.REGTEST, Height(0))


def test_an_anchor_in_mid_epoch_takes_the_epochs_start_from_the_file_or_the_operator(
    tmp_path: Path, file: Path, chain: tuple[RegtestChain, list[BlockCommitment]]
) -> None:
    start = chain[0].header(chain[1][2016]).time
    expected = AnchorPoint(Network.REGTEST, chain[1][2500], 0x207FFFFF, start)
    with HeadersFile(file, Network.REGTEST, Height(0)) as headers:
        assert headers.anchor(Height(2500)) == expected
        assert headers.anchor(Height(2500), start) == expected
        with pytest.raises(ContradictedEpochStart, match="leave --epoch-start-time out"):
            headers.anchor(Height(2500), start + 1)
        with pytest.raises(BadHeadersFile, match="height 3001 is not in"):
            headers.anchor(Height(3001))
    with HeadersFile(_written(tmp_path, chain, 2017), Network.REGTEST, Height(2017)) as headers:
        with pytest.raises(UnknownEpochStart, match="give it with --epoch-start-time"):
            headers.anchor(Height(2500))
        assert headers.anchor(Height(2500), start) == expected


async def test_it_submits_in_strides_and_then_the_last(file: Path, chain: tuple[RegtestChain, list[BlockCommitment]]) -> None:
    with HeadersFile(file, Network.REGTEST, Height(0)) as headers:
        submitter = _Submitter()
        await headers.run(submitter, chain[1][10], until=Height(10 + 2 * STRIDE + 3))
        assert submitter.submitted == [chain[1][10 + ahead].block_id for ahead in (STRIDE, 2 * STRIDE, 2 * STRIDE + 3)]
        await headers.run(submitter, chain[1][3000])
        assert len(submitter.submitted) == 3
        with pytest.raises(BadHeadersFile, match="height 3001"):
            await headers.run(submitter, chain[1][0], until=Height(3001))


async def test_a_worker_takes_the_whole_file_and_resumes_in_it(
    tmp_path: Path, file: Path, chain: tuple[RegtestChain, list[BlockCommitment]]
) -> None:
    with HeadersFile(file, Network.REGTEST, Height(0)) as headers:
        params = _params(headers.anchor(Height(0)))
        async with anchor_node(tmp_path, params, headers) as node:
            await headers.run(node.handle, chain[1][0], until=Height(300))
        async with anchor_node(tmp_path, params, headers) as node:
            await headers.run(node.handle, chain[1][300], until=Height(600))
            assert node.emitted() == chain[1][301:601]


def _flip(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("offset", [4, 76])
async def test_a_flipped_bit_stops_after_the_blocks_before_it(
    tmp_path: Path, file: Path, chain: tuple[RegtestChain, list[BlockCommitment]], offset: int
) -> None:
    _flip(file, 80 * 400 + offset)  # 4: the previous hash, which breaks the link to 399; 76: the nonce, which breaks the link from 401
    with HeadersFile(file, Network.REGTEST, Height(0)) as headers:
        async with anchor_node(tmp_path, _params(headers.anchor(Height(0))), headers) as node:
            with pytest.raises(Exception, match=r"does not follow|does not meet the target"):
                await headers.run(node.handle, chain[1][0])
            tip = node.anchors.tip()
            assert tip is not None
            assert tip.height in (399, 400)
            assert node.emitted()[:399] == chain[1][1:400]


@pytest.mark.data
@pytest.mark.checklist(36)
async def test_the_real_headers_are_accepted_with_all_five_retargets(tmp_path: Path, data_dir: Path) -> None:
    with HeadersFile(data_dir / "bitcoin" / _MAINNET, Network.MAINNET, Height(40_000)) as headers:
        point = headers.anchor(Height(40_000))
        assert (point.epoch_start, point.next_bits) == (1265319794, 0x1D008CC3)
        async with anchor_node(tmp_path, _params(point), headers) as node:
            await headers.run(node.handle, point.block)
            tip = node.anchors.tip()
            assert tip == BlockCommitment(
                Height(49_999), BlockId.from_display("000000000845517b31c6820d83f25cff46429bf136a7515fe504116427e60f8e")
            )
            assert len(node.anchors.emissions(0, 20_000)) == 9_999
            assert AnchorState.decode(node.anchors.state(tip)).pow.work == 0xA1FFB81EB48A
            for height, bits in (
                (40_320, 0x1C654657),
                (42_336, 0x1C43B3E5),
                (44_352, 0x1C387F6F),
                (46_368, 0x1C381375),
                (48_384, 0x1C2A1115),
            ):
                block = node.anchors.canonical_at(Height(height - 1))
                assert block is not None
                assert AnchorState.decode(node.anchors.state(block)).pow.next_bits == bits


@pytest.mark.data
def test_a_wrong_first_height_of_the_real_headers_is_noticed(data_dir: Path) -> None:
    path = data_dir / "bitcoin" / _MAINNET
    with pytest.raises(BadHeadersFile, match="which is block 40000 of mainnet"):
        HeadersFile(path, Network.MAINNET, Height(40_001))
    with pytest.raises(BadHeadersFile, match="which is block 40000 of mainnet"):
        HeadersFile(path, Network.MAINNET, Height(100_000))
    with pytest.raises(BadHeadersFile, match="which is block 40000 of mainnet"):
        HeadersFile(path, Network.REGTEST, Height(40_000))


@pytest.mark.data
async def test_a_wrong_epoch_start_shows_at_the_first_retarget(tmp_path: Path, data_dir: Path) -> None:
    with HeadersFile(data_dir / "bitcoin" / _MAINNET, Network.MAINNET, Height(40_000)) as headers:
        point = headers.anchor(Height(40_000))
        wrong = AnchorPoint(point.network, point.block, point.next_bits, point.epoch_start + 600)
        async with anchor_node(tmp_path, _params(wrong), headers) as node:
            with pytest.raises(PowMismatch):
                await headers.run(node.handle, point.block)
            tip = node.anchors.tip()
            assert tip is not None
            assert tip.height == 40_319
