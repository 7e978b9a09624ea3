"""Barretenberg from Python: the binary and its ceremony points, a typed client, verifiers and provers, our circuits."""
