"""Builds the services and wires them into one node; decides nothing itself."""
