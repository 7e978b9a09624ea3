"""Every language calls every language, in order and with ids, over sockets and shared memory; `kit.echo_table` prints the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from kit.echo_builds import LANGUAGES, echo_program
from kit.echo_program import ORDERS, TRANSPORTS, address_of, call, end, left_over, served, succeeded
from kit.echo_table import CELL

ATTEMPTS = 3
"""Scripts of one cell with ids: on a starved machine a reply that is due 50 ms earlier can be late, but not each time."""

Server = tuple[str, str, str]
"""Language, transport and address of a server that runs."""


@pytest.fixture(scope="module", params=[(language, transport) for language in LANGUAGES for transport in TRANSPORTS], ids="-".join)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server that all clients call, which ends well and leaves nothing behind."""
    language, transport = request.param
    address = address_of(transport, tmp_path_factory.mktemp(language), f"matrix-{language}")
    with served(echo_program(language), address) as process:
        yield language, transport, address
        assert end(process) == 0
    assert left_over(address) == []


@pytest.mark.parametrize("mode", ORDERS)
@pytest.mark.parametrize("client", LANGUAGES)
def test_each_language_is_called_by_each(server: Server, client: str, mode: str, record_property: Callable[[str, object], None]) -> None:
    language, transport, address = server
    record_property(CELL, [language, client, transport, mode])
    done = call(echo_program(client), address, mode)
    for _ in range(ATTEMPTS - 1):
        if mode == "ids" and done[1].startswith("order: ") and done != succeeded(mode):
            done = call(echo_program(client), address, mode)
    assert done == succeeded(mode)
