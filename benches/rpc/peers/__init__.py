"""The peers of the rpc benches: each module has `serve(address)` and `drive_calls(address, depth, seconds, large) -> Figures`."""
