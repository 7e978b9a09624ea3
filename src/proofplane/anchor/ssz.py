"""The SSZ schemas of anchor state, manifest and Moho state, written as `remerkleable` containers.

They follow alpenlabs/asm, alpenlabs/moho and alpenlabs/strata-common; the sections are our subprotocols' own.
`proofplane.crypto.ssz` derives the bytes and tree-hash roots of plain values from these classes, once, at import.

Field annotations are read at run time, so this file must not postpone their evaluation.
"""

from remerkleable.basic import uint8, uint16, uint32, uint64
from remerkleable.byte_arrays import ByteList, Bytes4, Bytes32, ByteVector
from remerkleable.complex import Container, List, Vector

from proofplane.bitcoin.rules import WINDOW

MAX_LOG = 4096
"""Bytes of one log."""

MAX_LOGS = 1024
"""Logs of one block."""

MAX_SECTION = 2**20
"""Bytes of one subprotocol's section."""

MAX_KEYS = 16
"""Keys of the quorum that replaces the step predicate; a vote names its key by one byte, and a block must stay cheap to check."""


HONK_PROOF = 410 * 32
"""Bytes of an UltraHonk proof without zero knowledge over a Poseidon2 transcript: 410 field elements, whatever the circuit."""


class Peaks(List[Bytes32, 64]):
    """The peaks that are present, lowest first; 64 suffice for a u64 count of leaves."""


class Mmr(Container):
    """A Merkle mountain range ("Mmr64B32")."""

    entries: uint64
    peaks: Peaks


class Commitment(Container):
    """A block on its branch; 36 bytes."""

    height: uint32
    block_id: Bytes32


class Times(List[uint32, WINDOW]):
    """Times in seconds; always 11 of them here."""


class Window(Container):
    """The ring of the last block times; `head` is the slot that is written next."""

    buffer: Times
    head: uint8


class PowState(Container):
    """What the next header is judged by. `work` is little-endian."""

    network: uint8
    last: Commitment
    next_bits: uint32
    epoch_start: uint32
    window: Window
    work: Bytes32


class ChainView(Container):
    """Header state and the MMR of manifest hashes, whose leaf index is the height."""

    pow: PowState
    history: Mmr


class SectionData(ByteList[MAX_SECTION]):
    """One subprotocol's state in a form of its own."""

    __slots__ = ()


class Section(Container):
    """A subprotocol's section."""

    id: uint8
    data: SectionData


class Sections(List[Section, 256]):
    """Ascending by id."""


class AnchorState(Container):
    """The anchor state machine's state after a block; `spec_id` is the mode's number."""

    magic: Bytes4
    chain: ChainView
    sections: Sections
    spec_id: uint16


class LogData(ByteList[MAX_LOG]):
    """An SPS-52 message."""

    __slots__ = ()


class Logs(List[LogData, MAX_LOGS]):
    """The logs of a block, in the order in which they were emitted."""


class Manifest(Container):
    """What one block yielded."""

    height: uint32
    block_id: Bytes32
    wtxids_root: Bytes32
    logs: Logs


class Condition(ByteList[1024]):
    """What a predicate demands: a key, a program id with its verifying key."""

    __slots__ = ()


class Predicate(Container):
    """Under which scheme and key a claim counts as proved."""

    id: uint8
    condition: Condition


class ExportContainer(Container):
    """The exported entries of one container id."""

    id: uint8
    extra: Bytes32
    entries: Mmr


class ExportContainers(List[ExportContainer, 256]):
    """Ascending by id."""


class ExportState(Container):
    """All that was exported."""

    containers: ExportContainers


class MohoState(Container):
    """What a proof's commitment stands for; `inner` is the anchor state's tree-hash root."""

    inner: Bytes32
    next_predicate: Predicate
    exports: ExportState


class HonkProof(ByteVector[HONK_PROOF]):
    """A circuit's proof."""

    __slots__ = ()


class Siblings(Vector[Bytes32, 2]):
    """Of the inner state in the tree of a Moho state, lowest first."""


class HeaderClaim(Container):
    """What the proof bytes of a header step's receipt hold behind their version."""

    circuit: uint8
    proof: HonkProof
    siblings: Siblings
    before: AnchorState
    after: PowState


class Keys(List[Bytes32, MAX_KEYS]):
    """X-only public keys (BIP-340)."""


class UpgradeSection(Container):
    """Section of the predicate upgrade: the quorum and the number of the next upgrade."""

    sequence: uint64
    threshold: uint8
    keys: Keys


class ExportSection(Container):
    """Section of the exports: how many entries were exported so far."""

    entries: uint64
