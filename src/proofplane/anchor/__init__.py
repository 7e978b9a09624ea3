"""The anchor state machine and Moho: from blocks of Bitcoin to states that proofs are about."""
