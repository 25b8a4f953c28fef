"""Answers of the broker: each belongs to its own request."""

import asyncio

import pytest

from ingest.connection import BrokerConnection
from ingest.settings import IngestSettings


def test_a_late_answer_to_another_request_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> list[str]:
        settings = IngestSettings(database_url="postgresql://127.0.0.1/nowhere")
        connection = BrokerConnection(settings, lambda *_: None)
        seen: list[str] = []
        monkeypatch.setattr(connection, "subscribe", lambda _asked: 7)
        asking = asyncio.create_task(connection.add_filters(["a/#", "b/#"]))
        asking.add_done_callback(lambda _: seen.append("subscribed"))
        await asyncio.sleep(0)
        connection._answered(connection, 6, (17,))  # of a request that was given up
        connection._pong(0xD0, b"")
        await asyncio.sleep(0)
        seen.append("still waiting" if not asking.done() else "taken for it")
        connection._answered(connection, 7, (1, 1))
        await asking
        return seen

    assert asyncio.run(work()) == ["still waiting", "subscribed"]
