"""What `proofplane codegen` writes for the echo service."""
