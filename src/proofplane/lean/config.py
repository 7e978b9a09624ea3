"""Constants of the specification, and the two bounds that it lacks."""

from __future__ import annotations

SECONDS_PER_SLOT = 4
INTERVALS_PER_SLOT = 5
"""Propose, vote, aggregate, update the safe target, accept new votes."""

MILLISECONDS_PER_INTERVAL = SECONDS_PER_SLOT * 1000 // INTERVALS_PER_SLOT

GOSSIP_DISPARITY_INTERVALS = 1
"""How many intervals before its slot a gossiped vote may arrive: clocks differ by that much."""

JUSTIFICATION_LOOKBACK_SLOTS = 3
"""Most steps from the head towards the safe target when a vote's target is chosen."""

IMMEDIATE_JUSTIFICATION_WINDOW = 5
"""Slots after the finalized one that are all justifiable (3SF-mini)."""

HISTORICAL_ROOTS_LIMIT = 2**18
"""Block roots that a state holds: 12.1 days of slots."""

VALIDATOR_REGISTRY_LIMIT = 2**12

MAX_ATTESTATIONS_DATA = 8
"""Distinct attestation data of a block."""

PROOF_BYTES_LIMIT = 2**19
"""Bytes of a proof."""

MAX_SLOT_GAP = HISTORICAL_ROOTS_LIMIT
"""Slots between a block and its parent's state. The history grows by one root a slot, so a far slot would cost memory before anybody's
signature was checked; beyond this limit no state can hold the history anyway."""

MAX_SLOTS_AHEAD = 1
"""How far ahead of the clock a block may be: the same disparity as for votes, in whole slots."""
