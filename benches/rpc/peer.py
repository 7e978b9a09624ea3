"""One process of a bench: `peer.py NAME serve ADDRESS`, or `peer.py NAME drive ADDRESS DEPTH SECONDS small|large`, which prints figures."""

import dataclasses
import importlib
import json
import sys


def main() -> None:
    name, role, address, *rest = sys.argv[1:]
    module = importlib.import_module(f"peers.{name}")
    if role == "serve":
        module.serve(address)
    else:
        depth, seconds, size = rest
        print(json.dumps(dataclasses.asdict(module.drive_calls(address, int(depth), float(seconds), size == "large"))))


if __name__ == "__main__":
    main()
