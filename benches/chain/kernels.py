"""How much does A beside B gain where a block has more voters than a proof has room for?

A makes the block's components and verifies as many production signatures, without the container that holds them in a block; B is the
whole transition. Both run through the importer's own tasks and barrier.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from time import perf_counter_ns

from measuring import Case, Ratio

from proofplane.base.cores import usable_cores
from proofplane.chain.barrier import passed, run_all
from proofplane.chain.tasks import Task
from proofplane.chain.workers import ThreadWorkers
from proofplane.cli.options import run_async
from proofplane.crypto.xmss import PROD, Claim, Verified, verify
from proofplane.lean.codec import attestation_data_root
from proofplane.lean.genesis import genesis_block, genesis_state
from proofplane.lean.proof import block_components
from proofplane.lean.registry import registry_of
from proofplane.lean.ssz import State
from proofplane.lean.transition import transition
from proofplane.lean.types import Block, Registry, Validator

VALIDATORS = (512, 4096)
_GOALS = {512: "goal >= 1.8 on 2 cores", 4096: "goal >= 1.4 on 2 cores"}
_SECONDS = 60.0
