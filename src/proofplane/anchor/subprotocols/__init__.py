"""Subprotocols: small state machines over the tagged transactions of full blocks."""
