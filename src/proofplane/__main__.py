"""`python -m proofplane` is the `proofplane` command."""

from proofplane.cli.main import main

main()
