"""Pools of long-lived worker processes that serve our rpc: spawned, leased, recycled, drained."""
