"""JSON-RPC to a Bitcoin full node over HTTP: one call, bounded, with its failures typed. No retries here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec

from proofplane.anchor.errors import SourceRefused, SourceUnavailable, WrongCredentials
from proofplane.base.errors import CallerMistake

MAX_RESPONSE = 16 * 1024 * 1024
"""Bytes of one answer: a block of 4,000,000 weight units is at most 8 MB in hex; twice that leaves room and still bounds memory."""

TIMEOUT_SECONDS = 30.0
"""For one call, from connecting to the last byte; a node under load takes seconds for a full block."""

_MAX_BRACKETS = 200
"""Lists and objects in one answer; those asked for here have a few. The decoder recurses into them, and Python's own limit does not
protect the C stack once a library has raised it."""

_INVALID_PARAMETER = -8
"""Bitcoin Core's RPC_INVALID_PARAMETER: a height above the tip, for one."""

_MAX_PORT = 65_535

_NOT_FOUND = -5
"""Bitcoin Core's RPC_INVALID_ADDRESS_OR_KEY: no such block."""

_MISC = -1
"""Where bcoin says "Block not found", and Bitcoin Core "Block not found on disk" for one that it has not downloaded yet."""

_WARMING_UP = -28
"""Bitcoin Core's RPC_IN_WARMUP."""

_DENIED = (401, 403)
_BUSY = (429, 502, 503, 504)


class NoSuchBlock(SourceRefused):
    """The node does not know the block that was asked for."""


class InvalidParameter(SourceRefused):
    """The node does not take a parameter; of a height: its best chain does not reach it."""


class BadAnswer(SourceUnavailable):
    """The node, or what stands before it, answered with something that is no answer to the call."""


class BadAddress(CallerMistake):
    """The node's URL, or the file that should hold its cookie, cannot be used."""


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in: a cookie file, which is read again at each call because a node writes a new one at each start, or user and password.

    Without any of them what the URL says is used.
    """

    cookie_file: Path | None = None
    user: str | None = None
    password: str | None = None

    def auth(self) -> httpx.BasicAuth | None:
        """Raises `SourceUnavailable` if the cookie file is not there (the node is not running), `BadAddress` if it is no cookie."""
        if self.cookie_file is not None:
            try:
                user, separator, password = self.cookie_file.read_text().strip().partition(":")
            except FileNotFoundError:
                raise SourceUnavailable(
                    f"there is no cookie file {self.cookie_file}: the node does not run, or its data is elsewhere"
                ) from None
            except (OSError, UnicodeDecodeError) as error:
                raise BadAddress(f"cookie file {self.cookie_file} cannot be read: {error}") from None
            if not separator:
                raise BadAddress(f"cookie file {self.cookie_file} does not hold user:password")
            return httpx.BasicAuth(user, password)
        return None if self.user is None else httpx.BasicAuth(self.user, self.password or "")


class _Fault(msgspec.Struct):
    code: int
    message: str = ""


class _Answer(msgspec.Struct):
    result: Any = None
    error: _Fault | None = None


_DECODER = msgspec.json.Decoder(_Answer)


class RpcClient:
    """Calls one node; a context manager that closes its connections."""

    def __init__(self, url: str, login: Login, timeout: float = TIMEOUT_SECONDS, max_response: int = MAX_RESPONSE) -> None:
        """`timeout` in seconds for a whole call, `max_response` in bytes. Raises `BadAddress` if `url` is no http address."""
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, TypeError) as error:
            raise BadAddress(f"not a URL: {error}") from None
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise BadAddress("the node's URL must look like http://user:password@127.0.0.1:8332")
        if parsed.port is not None and not 0 < parsed.port <= _MAX_PORT:
            raise BadAddress(f"a port is 1 to {_MAX_PORT}, not {parsed.port}")
        self.address = str(parsed.copy_with(username=None, password=None))
        """The URL without its secrets, for messages."""
        self._login = Login(None, parsed.username, parsed.password) if parsed.username and login == Login() else login
        self._timeout = timeout
        self._max_response = max_response
        # A node is local or named on purpose: proxies of the environment are not asked.
        self._http = httpx.AsyncClient(timeout=timeout, trust_env=False)

    async def call(self, method: str, *parameters: object) -> Any:
        """Calls `method` and returns its result as plain JSON values.

        Raises:
            NoSuchBlock, InvalidParameter: The node says so.
            SourceUnavailable: It cannot be reached, is starting or busy, or gave no proper answer in time and size.
            WrongCredentials: It does not accept the login.
            SourceRefused: Any other error that the node answers with.
        """
        body = msgspec.json.encode({"jsonrpc": "1.0", "id": 0, "method": method, "params": parameters})
        try:
            async with asyncio.timeout(self._timeout):
                status, raw = await self._post(body)
        except (httpx.HTTPError, TimeoutError) as error:
            raise SourceUnavailable(f"node {self.address} does not answer: {str(error) or type(error).__name__}") from None
        return self._result(method, status, raw)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> RpcClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _post(self, body: bytes) -> tuple[int, bytes]:
        auth = self._login.auth()
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        async with self._http.stream("POST", self.address, content=body, headers=headers, auth=auth) as response:
            received = bytearray()
            async for part in response.aiter_raw():  # undecoded: compression could make a small answer huge
                received += part
                if len(received) > self._max_response:
                    raise BadAnswer(f"node {self.address} answered with more than {self._max_response} bytes")
        return response.status_code, bytes(received)

    def _result(self, method: str, status: int, raw: bytes) -> Any:
        if status in _DENIED:
            raise WrongCredentials(
                f"node {self.address} does not accept our credentials (HTTP {status}): check cookie file, user and password"
            )
        if status in _BUSY:
            raise SourceUnavailable(f"node {self.address} is busy (HTTP {status})")
        if raw.count(b"[") + raw.count(b"{") > _MAX_BRACKETS:
            raise BadAnswer(f"node {self.address} gave an answer to {method} with more than {_MAX_BRACKETS} lists and objects")
        try:
            answer = _DECODER.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BadAnswer(f"node {self.address} gave no JSON-RPC answer to {method} (HTTP {status}): {error}") from None
        fault = answer.error
        if fault is None:
            return answer.result
        if fault.code == _WARMING_UP:
            raise SourceUnavailable(f"node {self.address} is starting: {fault.message}")
        if fault.code == _NOT_FOUND or (fault.code == _MISC and "not found" in fault.message.lower()):
            raise NoSuchBlock(f"node {self.address} to {method}: {fault.message}")
        if fault.code == _INVALID_PARAMETER:
            raise InvalidParameter(f"node {self.address} refuses {method}: {fault.message}")
        raise SourceRefused(f"node {self.address} refuses {method}: {fault.message} (code {fault.code})")
