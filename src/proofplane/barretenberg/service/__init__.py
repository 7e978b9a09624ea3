"""The verifier service: one front over a low-latency queue and a batching one."""
