"""One call to a full node over HTTP: its bounds, its login, and failures by type."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kit.fake_node import FakeNode
from proofplane.anchor.errors import SourceUnavailable, WrongCredentials
from proofplane.anchor.regtest import RegtestChain
from proofplane.anchor.rpc_client import BadAddress, BadAnswer, Login, RpcClient
from proofplane.base.errors import TryAgain


@pytest.fixture
async def node() -> AsyncIterator[FakeNode]:
    async with FakeNode(RegtestChain(b"rpc")) as running:
        yield running


async def test_an_answer_beyond_the_bound_is_not_read(node: FakeNode) -> None:
    node.override = lambda method, parameters: (200, b"0" * 2000)
    async with RpcClient(node.url, Login(), max_response=1000) as client:
        with pytest.raises(BadAnswer, match="more than 1000 bytes") as caught:
            await client.call("getblock")
    assert isinstance(caught.value, TryAgain)


async def test_a_node_that_never_answers_is_given_up_after_the_timeout(node: FakeNode) -> None:
    node.silent = True
    async with RpcClient(node.url, Login(), timeout=0.05) as client:
        with pytest.raises(SourceUnavailable, match="does not answer"):
            await client.call("getblockcount")


async def test_answers_are_asked_for_uncompressed(node: FakeNode) -> None:
    async with RpcClient(node.url, Login()) as client:
        await client.call("getblockcount")
    assert node.fields[b"accept-encoding"] == b"identity"


async def test_the_cookie_is_read_again_at_each_call(tmp_path: Path, node: FakeNode) -> None:
    cookie = tmp_path / ".cookie"
    async with RpcClient(f"http://127.0.0.1:{node.port}", Login(cookie_file=cookie)) as client:
        with pytest.raises(SourceUnavailable, match="the node does not run"):
            await client.call("getblockcount")
        cookie.write_text("user:old")
        with pytest.raises(WrongCredentials):
            await client.call("getblockcount")
        cookie.write_text("user:secret\n")
        assert await client.call("getblockcount") == 0
        cookie.write_text("no cookie")
        with pytest.raises(BadAddress, match="does not hold user:password"):
            await client.call("getblockcount")


@pytest.mark.parametrize("url", ["127.0.0.1:8332", "ftp://host", "http://", "http://host:port", "http://host:65536", "http://host:0"])
def test_an_address_that_is_no_http_url_is_the_callers_mistake(url: str) -> None:
    with pytest.raises(BadAddress):
        RpcClient(url, Login())


async def test_messages_do_not_carry_the_password(node: FakeNode) -> None:
    async with RpcClient(node.url, Login()) as client:
        await node.stop()
        with pytest.raises(SourceUnavailable) as caught:
            await client.call("getblockcount")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b'{"result": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="deep"),
        pytest.param(b'{"result": 1, "more": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, id="deep where nobody looks"),
        pytest.param(b'{"result": [{}' + b",{}" * 200 + b"]}", id="wide"),
    ],
)
async def test_an_answer_of_many_lists_and_objects_is_not_decoded(node: FakeNode, answer: bytes) -> None:
    node.override = lambda method, parameters: (200, answer)
    async with RpcClient(node.url, Login()) as client:
        with pytest.raises(BadAnswer, match="more than 200 lists and objects"):
            await client.call("getblockcount")
