"""Which broker it is: asked of a real one that says so, or of one that closes the connection instead."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.settings import read_settings
from ingest.sharing import broker_version, is_own
from pilot.broker import rumqttd_command
from pilot.ports import free_port
from tests.support.broker import Broker, OwnBroker

pytestmark = pytest.mark.needs_broker


@pytest.fixture
def closing(tmp_path: Path) -> Iterator[OwnBroker]:
    """A broker that takes no subscription to what it says of itself."""
    port, port_v311 = free_port(), free_port()
    made = OwnBroker(rumqttd_command(tmp_path, port, port_v311), tmp_path, port, port_v311, keeps_sessions=False)
    made.start()
    yield made
    made.stop()


def asked(url: str) -> tuple[str, bool]:
    settings = read_settings(database_url="postgresql://nobody@127.0.0.1/none", broker_url=url)

    async def ask() -> tuple[str, bool]:
        async with asyncio.timeout(60):
            return await broker_version(settings, asyncio.Event()), await is_own(settings, asyncio.Event())

    return asyncio.run(ask())


def test_workers_of_a_broker_that_does_not_say_what_it_is_share_by_themselves(closing: OwnBroker) -> None:
    assert asked(closing.url) == ("", True)


def test_mosquitto_says_its_name(broker: Broker) -> None:
    version, is_shared_by_workers = asked(broker.url)
    assert is_shared_by_workers
    assert version.startswith("mosquitto") == broker.keeps_sessions
