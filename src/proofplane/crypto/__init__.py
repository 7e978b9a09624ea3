"""Hashes, signatures and pairing checks, each with a plain Python reference."""
