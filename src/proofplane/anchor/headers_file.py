"""A file of raw headers as a block source: 80 bytes each, consecutive heights, no separators, any number.

The file is mapped, not read. Ids are known for a few pages of headers at a time, so memory does not grow with the file.
That the headers follow each other is checked a stride ahead of submitting them; everything else is checked by the header rules.
"""

from __future__ import annotations

import asyncio
import mmap
from collections import OrderedDict
from pathlib import Path
from types import TracebackType

from proofplane.anchor.anchor_point import AnchorPoint, anchor_at, epoch_first, settle_epoch_start
from proofplane.anchor.errors import BadHeadersFile, InconsistentSource, MissingL1Block
from proofplane.anchor.ports import BlockSubmitter, LocatedHeader
from proofplane.base.ids import MAX_HEIGHT, BlockCommitment, BlockId, Height
from proofplane.bitcoin.header import HEADER_SIZE, Header
from proofplane.bitcoin.networks import KNOWN_BLOCKS, Network, known_place
from proofplane.crypto.hashes import sha256d

STRIDE = 256
"""Headers per submission: enough that a submission's own cost does not count, few enough that progress shows."""

_PAGE = 256
"""Headers whose ids are worked out at a time."""

_PAGES_KEPT = 8
"""Pages whose ids are remembered: a walk back over several strides stays within them."""


class HeadersFile:
    """An `L1Source` over one file, for headers-only instances; a context manager that unmaps it."""

    def __init__(self, path: Path, network: Network, first_height: Height) -> None:
        """Maps the file and compares it with the built-in blocks.

        Raises:
            BadHeadersFile: It cannot be read, is empty or truncated, or a built-in block's id is not where it should be.
        """
        self.path = path
        self.network = network
        self.first_height = first_height
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise BadHeadersFile(f"headers file {path} is empty") from None
        except OSError as error:
            raise BadHeadersFile(f"headers file {path} cannot be read: {error.strerror}") from None
        self._pages: OrderedDict[int, dict[BlockId, Height]] = OrderedDict()
        count, rest = divmod(len(self._map), HEADER_SIZE)
        self.last_height = Height(first_height + count - 1)
        try:
            if rest:
                raise BadHeadersFile(
                    f"headers file {path} has {count} headers of {HEADER_SIZE} bytes and {rest} bytes more: is it truncated?"
                )
            if self.last_height > MAX_HEIGHT:
                raise BadHeadersFile(f"headers file {path} would end at height {self.last_height}: is first height {first_height} right?")
            self._check_known_blocks()
        except BadHeadersFile:
            self._map.close()
            raise

    def header(self, height: Height) -> Header:
        """The header at `height`; raises `BadHeadersFile` outside the file."""
        return Header.decode(self._raw(height))

    def block(self, height: Height) -> BlockCommitment:
        """The block at `height`; raises `BadHeadersFile` outside the file."""
        return BlockCommitment(height, BlockId(sha256d(self._raw(height))))

    def anchor(self, height: Height, epoch_start_time: int | None = None) -> AnchorPoint:
        """The chain's parts of the parameters of an instance anchored at `height`.

        Args:
            height: Of the anchor; it must be in the file.
            epoch_start_time: Seconds; needed if the first block of the anchor's epoch is neither in the file nor built in.

        Raises:
            BadHeadersFile: The height is not in the file.
            UnknownEpochStart, ContradictedEpochStart: See `settle_epoch_start`.
        """
        header = self.header(height)
        first = epoch_first(height)
        observed = self.header(first).time if first >= self.first_height else None
        return anchor_at(self.network, height, header, settle_epoch_start(self.network, height, observed, epoch_start_time))

    async def run(self, submitter: BlockSubmitter, resume_from: BlockCommitment, until: Height | None = None) -> None:
        """Submits what comes after `resume_from`, every `STRIDE` headers and the last one, and returns when all are processed.

        Args:
            submitter: The anchor worker's handle.
            resume_from: Its tip.
            until: The last height to submit; None = the last of the file.

        Raises:
            BadHeadersFile: `until` is not in the file.
            InconsistentSource: A header does not follow the one before it; what comes before is processed.
            Exception: Whatever a submission raised; the blocks before the faulty one are processed.
        """
        last = self.last_height if until is None else until
        self._raw(last)
        height = resume_from.height
        while height < last:
            target = Height(min(height + STRIDE, last))
            broken = self._first_break(Height(height + 1), target)
            if broken is not None:
                if broken - 1 > height:
                    await submitter.submit(self.block(Height(broken - 1)).block_id)
                raise InconsistentSource(
                    f"{self.path}: the header at height {broken} does not follow the one before it: the file is damaged"
                )
            await submitter.submit(self.block(target).block_id)
            height = target

    async def locate(self, block_id: BlockId) -> LocatedHeader:
        height = await self._find(block_id)
        if height > self.first_height:
            self._page_of(Height(height - 1))  # a walk asks for the parent next
        return LocatedHeader(BlockCommitment(height, block_id), self.header(height))

    async def payload(self, block: BlockCommitment) -> bytes:
        if not self.first_height <= block.height <= self.last_height or self.block(block.height) != block:
            raise MissingL1Block(block.block_id)
        return self._raw(block.height)

    def close(self) -> None:
        """Unmaps the file. Idempotent."""
        self._map.close()

    def __enter__(self) -> HeadersFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _raw(self, height: int) -> bytes:
        if not self.first_height <= height <= self.last_height:
            raise BadHeadersFile(f"height {height} is not in {self.path}, which has {self.first_height} to {self.last_height}")
        start = (height - self.first_height) * HEADER_SIZE
        return self._map[start : start + HEADER_SIZE]

    async def _find(self, block_id: BlockId) -> Height:
        """The height of a block: in the pages kept, else by looking through the file from its end."""
        for page in self._pages.values():
            if block_id in page:
                return page[block_id]
        for height in range(self.last_height, self.first_height - 1, -_PAGE):
            found = self._page_of(Height(height)).get(block_id)
            if found is not None:
                return found
            await asyncio.sleep(0)
        found = self._page_of(self.first_height).get(block_id)
        if found is None:
            raise MissingL1Block(block_id)
        return found

    def _page_of(self, height: Height) -> dict[BlockId, Height]:
        """Ids and heights of the page that `height` is in."""
        number = (height - self.first_height) // _PAGE
        if number in self._pages:
            self._pages.move_to_end(number)
            return self._pages[number]
        first = self.first_height + number * _PAGE
        page = {self.block(Height(at)).block_id: Height(at) for at in range(first, min(first + _PAGE, self.last_height + 1))}
        self._pages[number] = page
        if len(self._pages) > _PAGES_KEPT:
            self._pages.popitem(last=False)
        return page

    def _first_break(self, first: Height, last: Height) -> Height | None:
        """The first height in a range whose header does not follow the one before it in the file."""
        first = max(first, Height(self.first_height + 1))
        previous = self.block(Height(first - 1)).block_id if first <= last else None
        for height in range(first, last + 1):
            header = self.header(Height(height))
            if header.previous != previous:
                return Height(height)
            previous = header.block_id
        return None

    def _check_known_blocks(self) -> None:
        network = self.network.name.lower()
        for height, block_id in KNOWN_BLOCKS[self.network].items():
            if self.first_height <= height <= self.last_height and (found := self.block(Height(height)).block_id) != block_id:
                raise BadHeadersFile(f"{self.path}: block {height} of {network} is {block_id}, the file has {found}{_hint(found)}")
        for end in (self.first_height, self.last_height):
            found = self.block(end).block_id
            if known_place(found) not in (None, (self.network, end)):
                raise BadHeadersFile(f"{self.path}: the header given as {network} {end} is {found}{_hint(found)}")


def _hint(found: BlockId) -> str:
    place = known_place(found)
    if place is None:
        return ": the first height or the network is wrong, or the file is damaged"
    network, height = place
    return f", which is block {height} of {network.name.lower()}: correct the first height or the network"
