"""proofplane: the proving and verification plane of a blockchain node."""

from proofplane._native import __version__ as __version__
