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


def test_what_was_written_arrives_though_the_broker_is_still_sending() -> None:
    """A socket closed over unread messages resets the connection, and what the broker had not read yet is lost."""
    taken: asyncio.Queue[bytes] = asyncio.Queue()
    acknowledged = b"@\x02\x00\x01" * 500

    async def broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x30\x80\x02" + bytes(256) + b"\x30\x80\x02" + bytes(256) * 2_000)
        first = await reader.readexactly(4)
        await asyncio.sleep(0.05)  # busy with others, as a broker is
        try:
            writer.write(bytes(100_000))
            await writer.drain()
            taken.put_nowait(first + await reader.read(-1))
        except ConnectionError as error:
            taken.put_nowait(repr(error).encode())
        writer.close()

    async def work() -> bytes:
        server = await asyncio.start_server(broker, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        connection = BrokerConnection(IngestSettings(database_url="postgresql://127.0.0.1/nowhere"), lambda *_: None)
        connection.pause()
        made = await connection._create_connection("127.0.0.1", port, None, clean_session=True, keepalive=60)
        made.send_package(acknowledged)
        await made.close()
        async with server:
            return await asyncio.wait_for(taken.get(), 10)

    assert asyncio.run(work()) == acknowledged
