"""Typed local calls between processes, over Unix sockets and shared-memory rings."""
