"""Hashes, trees, keys, signatures and pairing checks; the tests hold the Schnorr library against BIP-340 in plain Python."""
