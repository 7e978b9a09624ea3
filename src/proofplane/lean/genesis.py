"""The state and the block that a chain begins with."""

from __future__ import annotations

from collections.abc import Sequence

from proofplane.base.errors import CallerMistake
from proofplane.crypto.ssz import codec_of
from proofplane.crypto.xmss import PUBLIC_KEY_SIZE
from proofplane.lean import ssz
from proofplane.lean.codec import make_block, state_root
from proofplane.lean.config import VALIDATOR_REGISTRY_LIMIT
from proofplane.lean.ssz import State
from proofplane.lean.types import ZERO_ROOT, Block, Slot, Validator, ValidatorIndex

_EMPTY_BODY_ROOT = codec_of(ssz.BlockBody).root(((),))


class BadGenesis(CallerMistake):
    """What a chain cannot begin with."""


def genesis_state(genesis_time: int, validators: Sequence[Validator]) -> State:
    """The state at slot 0.

    The checkpoints are zero and the header lacks its state root: the first block puts in the genesis block's own.

    Args:
        genesis_time: Unix seconds.
        validators: At most 4,096.

    Raises:
        BadGenesis: Too many validators, or one whose keys have not 52 bytes.
    """
    if len(validators) > VALIDATOR_REGISTRY_LIMIT:
        raise BadGenesis(f"{len(validators)} validators; a chain has at most {VALIDATOR_REGISTRY_LIMIT}")
    for index, validator in enumerate(validators):
        sizes = len(validator.attestation_key), len(validator.proposal_key)
        if sizes != (PUBLIC_KEY_SIZE, PUBLIC_KEY_SIZE):
            raise BadGenesis(f"the keys of validator {index} have {sizes} bytes; a public key has {PUBLIC_KEY_SIZE}")
    registry = tuple([(validator.attestation_key, validator.proposal_key, index) for index, validator in enumerate(validators)])
    header = (0, 0, ZERO_ROOT, ZERO_ROOT, _EMPTY_BODY_ROOT)
    nowhere = (ZERO_ROOT, 0)
    plain = ((genesis_time,), 0, header, nowhere, nowhere, (), (0, 0), registry, (), (0, 0))
    state: State = State.view_from_backing(codec_of(State).tree(plain))
    return state


def genesis_block(state: State) -> Block:
    """The block at slot 0 whose post-state is `state`."""
    return make_block(Slot(0), ValidatorIndex(0), ZERO_ROOT, state_root(state), ())
