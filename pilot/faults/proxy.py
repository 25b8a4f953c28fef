"""A TCP proxy whose line can be cut, refused, stalled and slowed at will, for the harness and for tests.

In: the address behind it. Out: a port on this machine. All proxies share one thread with one event loop; their methods
may be called from any thread and have taken effect when they return.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

from pilot.ports import LOCALHOST

T = TypeVar("T")

PIECE_BYTES = 65_536
CALL_TIMEOUT_S = 20.0
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER for no time at all: the peer sees a reset
_COMMIT = b"COMMIT\x00"


class ProxyLoop:
    """The thread of all proxies; use as a context manager."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._proxies: list[Proxy] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for proxy in self._proxies:
            proxy.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_TIMEOUT_S)
        self._loop.close()

    def add(self, host: str, port: int) -> "Proxy":
        """Open a port of this machine that leads to an address."""
        proxy = Proxy(self, host, port)
        self._proxies.append(proxy)
        proxy.restore()
        return proxy

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_TIMEOUT_S)


class _Link:
    """One client's connection and the one that was made for it."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client = client
        self.server = server
        self.is_trapped = False  # the server's next answer must not reach the client

    def reset(self) -> None:
        for writer in (self.client, self.server):
            reset(writer)


class Proxy:
    """One line that can be broken. `connections` counts what it let in, `broken` what it cut."""

    def __init__(self, loop: ProxyLoop, host: str, port: int) -> None:
        self._loop = loop
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._links: set[_Link] = set()
        self._gate = asyncio.Event()
        self._latency_s = 0.0
        self._bytes_per_s = 0.0
        self._traps: list[bool] = []  # for each COMMIT to come: whether the server hears of it
        self.port = 0
        self.connections = 0
        self.broken = 0
        self.trapped = 0

    # -- what can be done to the line -----------------------------------------------------------------

    def restore(self) -> None:
        """Let everything pass."""
        self._loop.call(self._restore())

    def cut(self) -> int:
        """Reset all connections; new ones are let in. Returns how many there were."""
        return self._loop.call(self._cut())

    def refuse(self) -> None:
        """Reset all connections and let none in until `restore`."""
        self._loop.call(self._refuse())

    def stall(self) -> None:
        """Let no byte pass until `restore`; connections stay, new ones seem to be taken."""
        self._loop.call(self._stall())

    def slow(self, latency_s: float, bytes_per_s: float) -> None:
        """Hold each piece for a time and let only so many bytes pass in a second, until `restore`."""
        self._loop.call(self._slow(latency_s, bytes_per_s))

    def trap_commits(self, reach_server: list[bool]) -> None:
        """Cut the next PostgreSQL connections that send COMMIT: after the server has done it, or before it hears of it.

        Either way the client has no answer. `trapped` counts the connections that were cut so.
        """
        self._traps = list(reach_server)

    def close(self) -> None:
        """End the line for good."""
        self._loop.call(self._refuse())

    # -- in the loop ----------------------------------------------------------------------------------

    async def _restore(self) -> None:
        self._latency_s = self._bytes_per_s = 0.0
        self._traps = []
        self._gate.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, LOCALHOST, self.port, limit=PIECE_BYTES)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _cut(self) -> int:
        links = list(self._links)
        for link in links:
            link.reset()
        self.broken += len(links)
        return len(links)

    async def _refuse(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        await self._cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _stall(self) -> None:
        self._gate.clear()

    async def _slow(self, latency_s: float, bytes_per_s: float) -> None:
        self._latency_s, self._bytes_per_s = latency_s, bytes_per_s

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio makes one for each connection
        self._tasks.add(task)
        self.connections += 1
        try:
            await self._forward(reader, writer)
        except (OSError, asyncio.CancelledError):
            reset(writer)
        finally:
            self._tasks.discard(task)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(*self._target, limit=PIECE_BYTES)
        link = _Link(writer, server_writer)
        self._links.add(link)
        pumps = [
            asyncio.ensure_future(self._pump(link, reader, server_writer, toward_server=True)),
            asyncio.ensure_future(self._pump(link, server_reader, writer, toward_server=False)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._links.discard(link)
            server_writer.close()
            writer.close()

    async def _pump(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, toward_server: bool
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(PIECE_BYTES):
                await self._gate.wait()
                if self._latency_s or self._bytes_per_s:
                    await asyncio.sleep(self._latency_s + len(data) / (self._bytes_per_s or float("inf")))
                if self._springs(link, data, toward_server=toward_server):
                    link.reset()
                    return
                writer.write(data)
                await writer.drain()

    def _springs(self, link: _Link, data: bytes, *, toward_server: bool) -> bool:
        """Whether the trap for a COMMIT closes with this piece."""
        if link.is_trapped and not toward_server:
            self.trapped += 1
            return True
        if not self._traps or not toward_server or not data.endswith(_COMMIT):
            return False
        link.is_trapped = self._traps.pop(0)
        self.trapped += not link.is_trapped
        return not link.is_trapped


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection at once, without what is still to be sent."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
