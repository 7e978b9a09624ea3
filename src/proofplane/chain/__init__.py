"""Lean block import: signatures beside the state transition, one barrier, one writer; storage, vectors, chains for tests."""
