"""Durable storage: one SQLite file, one transaction per commit point, one process per data directory."""
