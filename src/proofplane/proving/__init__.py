"""Proving: every block's two proofs scheduled, submitted, reconciled, verified and stored."""
