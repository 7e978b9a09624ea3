"""The `proofplane` command."""
