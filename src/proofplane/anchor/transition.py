"""The transition: from the state before a block and the block's payload to the state after it and its manifest.

Steps, in this order; the first that fails is the one reported:

1. The payload is read: a whole block or an 80-byte header, by the state's mode.
2. Full block: the body is the header's (`proofplane.bitcoin.body`), by the rules of its height, one above the state's.
3. The header is the valid child of the last block (`proofplane.bitcoin.rules`).
4. The aux data answers exactly the requests of the block's tagged transactions that the history before the block can answer, with proofs.
5. Each subprotocol with a section processes its transactions, in the order of the registry.
6. The manifest's root becomes the history's leaf at the block's height.

A worker that must first find out which aux data a block asks for calls `prepare` (steps 1, 3 and the requests), resolves them,
and calls `complete` (the rest). A program has the aux data at hand and calls `apply`. Both give the same for the same input, except that
of a block with a wrong header and a wrong body `prepare` reports the header.
Pure: no I/O, no clock; log lines are the only effect.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from proofplane.anchor.aux_data import AuxData
from proofplane.anchor.state import AnchorState, Section
from proofplane.anchor.subprotocols.interface import BlockContext, TaggedTransaction
from proofplane.anchor.subprotocols.registry import SUBPROTOCOLS
from proofplane.anchor.types import Log, Manifest, Mode
from proofplane.base.ids import HASH_SIZE, BlockCommitment, Hash32, Height
from proofplane.bitcoin.block import Block
from proofplane.bitcoin.body import CoinbaseInclusionProof, check_body
from proofplane.bitcoin.header import Header
from proofplane.bitcoin.networks import rules_of
from proofplane.bitcoin.rules import HeaderState, accept
from proofplane.bitcoin.sps50 import parse_tag

_log = logging.getLogger(__name__)

_NO_BODY = Hash32(bytes(HASH_SIZE))
"""The wtxids root of a block of which only the header is known."""

_Groups = Mapping[int, tuple[TaggedTransaction, ...]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A block whose header was accepted and whose requests are known; its body was not checked yet."""

    before: AnchorState
    header: Header
    block: Block | None
    """The whole block; None in headers-only mode."""
    pow: HeaderState
    """The header rules' state after the block."""
    groups: _Groups
    """Tagged transactions by subprotocol, in block order."""
    requests: tuple[Height, ...]
    """Heights whose manifest hash the aux data must carry, ascending, all of them in the history before the block."""
    dropped: tuple[Height, ...]
    """Requested heights that the history before the block does not have; they are not answered."""

    @property
    def commitment(self) -> BlockCommitment:
        """The block that this is."""
        return self.pow.last


@dataclass(frozen=True, slots=True)
class Transitioned:
    """What a block led to."""

    state: AnchorState
    manifest: Manifest
    manifest_hash: Hash32
    """The manifest's root, the history's last leaf."""
    inclusion_proof: CoinbaseInclusionProof | None
    """That the coinbase is in the block, as it was given or made; a step's input carries it. None in headers-only mode."""

    @property
    def logs(self) -> tuple[Log, ...]:
        """What the block emitted, in order."""
        return self.manifest.logs


def apply(state: AnchorState, payload: bytes, aux: AuxData, proof: CoinbaseInclusionProof | None) -> Transitioned:
    """Takes `state` over one block.

    Args:
        state: The state before the block.
        payload: The block's consensus bytes, or its 80-byte header in headers-only mode.
        aux: The answers to the block's requests.
        proof: That the coinbase is in the block; needed where the coinbase has a witness commitment.

    Raises:
        MalformedBlock, MalformedHeader: The payload cannot be read.
        BodyRejected: The body is not the header's; one class per rule.
        HeaderRejected: The header breaks a rule; one class per rule.
        AuxRefused: The aux data is not what the block asks for.
    """
    header, block = _read(state.mode, payload)
    root = _body_root(state, block, proof)
    return _run(_prepare(state, header, block), root, aux, proof)


def apply_stored(state: AnchorState, payload: bytes, aux: bytes) -> Transitioned:
    """`apply` with aux data in its encoded form; the inclusion proof is made from the block itself. Raises what `apply` does."""
    header, block = _read(state.mode, payload)
    proof = _made_proof(block)
    root = _body_root(state, block, proof)
    return _run(_prepare(state, header, block), root, AuxData.decode(aux), proof)


def prepare(state: AnchorState, payload: bytes) -> Prepared:
    """Reads a block and accepts its header; arguments and errors as of `apply`. Requests out of range are dropped with a warning."""
    prepared = _prepare(state, *_read(state.mode, payload))
    if prepared.dropped:
        _log.warning("block %s asks for manifests at heights %s, which are not before it: ignored", prepared.commitment, prepared.dropped)
    return prepared


def complete(prepared: Prepared, aux: AuxData) -> Transitioned:
    """The rest of the transition; raises `BodyRejected` and `AuxRefused` as `apply` does."""
    proof = _made_proof(prepared.block)
    return _run(prepared, _body_root(prepared.before, prepared.block, proof), aux, proof)


def after_header(before: AnchorState, pow_after: HeaderState) -> AnchorState:
    """The state after a block of which only the header is known, given the header rules' state after it.

    That a header leads there is not checked: `apply` does, or a proof says so. `before` must be a headers-only state.
    """
    return _done(before, pow_after, _NO_BODY, (), (), None).state


def inclusion_proof(mode: Mode, payload: bytes) -> CoinbaseInclusionProof | None:
    """The inclusion proof that `apply` takes for this payload; None in headers-only mode."""
    _, block = _read(mode, payload)
    return _made_proof(block)


def _read(mode: Mode, payload: bytes) -> tuple[Header, Block | None]:
    if mode is Mode.HEADERS_ONLY:
        return Header.decode(payload), None
    block = Block.decode(payload)
    return block.header, block


def _made_proof(block: Block | None) -> CoinbaseInclusionProof | None:
    return None if block is None else CoinbaseInclusionProof.make(block)


def _body_root(before: AnchorState, block: Block | None, proof: CoinbaseInclusionProof | None) -> Hash32:
    if block is None:
        return _NO_BODY
    segwit = before.block.height + 1 >= rules_of(before.pow.network).segwit_height
    return check_body(block, proof, segwit)


def _prepare(state: AnchorState, header: Header, block: Block | None) -> Prepared:
    after = accept(state.pow, header)
    groups = {} if block is None else _group(block, state)
    asked = set[Height]()
    for subprotocol in SUBPROTOCOLS:
        if subprotocol.id in groups:
            asked.update(subprotocol.requests(groups[subprotocol.id]))
    in_range = tuple(sorted(height for height in asked if height < state.history.entries))
    dropped = tuple(sorted(height for height in asked if height >= state.history.entries))
    return Prepared(state, header, block, after, groups, in_range, dropped)


def _group(block: Block, state: AnchorState) -> _Groups:
    """The tagged transactions, the coinbase included, of the subprotocols that the state has a section for."""
    groups: dict[int, list[TaggedTransaction]] = {section.id: [] for section in state.sections}
    for transaction in block.transactions:
        tag = parse_tag(transaction, state.magic)
        if tag is not None and tag.subprotocol in groups:
            groups[tag.subprotocol].append(TaggedTransaction(tag, transaction))
    return {subprotocol: tuple(tagged) for subprotocol, tagged in groups.items()}


def _run(prepared: Prepared, body_root: Hash32, aux: AuxData, proof: CoinbaseInclusionProof | None) -> Transitioned:
    before = prepared.before
    context = BlockContext(before.magic, aux.verify(prepared.requests, before.history))
    sections = {section.id: section.data for section in before.sections}
    logs: list[Log] = []
    for subprotocol in SUBPROTOCOLS:
        if subprotocol.id in sections:
            outcome = subprotocol.process(sections[subprotocol.id], prepared.groups[subprotocol.id], context)
            sections[subprotocol.id] = outcome.section
            logs += outcome.logs
    # The order of the sections is kept: a block adds none, and the state before it has them sorted.
    after = tuple([Section(section_id, data) for section_id, data in sections.items()])
    return _done(before, prepared.pow, body_root, tuple(logs), after, proof)


def _done(
    before: AnchorState,
    pow_after: HeaderState,
    body_root: Hash32,
    logs: tuple[Log, ...],
    sections: tuple[Section, ...],
    proof: CoinbaseInclusionProof | None,
) -> Transitioned:
    block = pow_after.last
    manifest = Manifest(block.height, block.block_id, body_root, logs)
    manifest_hash = manifest.root()
    after = AnchorState(before.mode, before.magic, pow_after, before.history.append(manifest_hash), sections)
    return Transitioned(after, manifest, manifest_hash, proof)
