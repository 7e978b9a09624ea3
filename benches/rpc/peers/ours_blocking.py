"""Us: the server on uvloop, handlers `async def`; the client blocking, as a script or thread uses it."""

from messages import Figures, drive_blocking
from ours import CONTRACT, LARGE_REQUEST, SMALL_REQUEST

from peers.ours_async import serve
from proofplane import rpc

__all__ = ["drive_calls", "serve"]


def drive_calls(address: str, depth: int, seconds: float, large: bool) -> Figures:
    assert depth == 1, "a blocking client has one call in flight"
    with rpc.connect_blocking(address, CONTRACT) as client:
        request = LARGE_REQUEST if large else SMALL_REQUEST
        return drive_blocking(lambda: client.call(request), seconds)
