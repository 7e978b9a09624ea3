"""proofplane: the proving and verification plane of a blockchain node."""

__version__ = "0.1.0"
