"""A client for benchmarks, as its own process: requests at times that were fixed before, over kept connections.

Open loop: a request is sent when it is due, however late the answers before it are, and its latency is counted from
the time it was due, so a stalled server cannot hide by slowing its client down. Not a client for anything else: it
knows GET of answers with a Content-Length.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import uvloop

STALE_S = 3.0  # a connection idle for longer may be closed by the server (it does after 5 s)
TIMEOUT_S = 30.0
BUFFER_BYTES = 1 << 21
_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length: "


@dataclass(frozen=True)
class Work:
    """What to ask: paths, one after the other, at a mean rate, with random times between them."""

    host: str
    port: int
    key: str
    paths: tuple[str, ...]
    rate: float
    seconds: float
    seed: int = 1

    def to_json(self) -> str:
        return json.dumps(asdict(self))


@dataclass
class Answered:
    """What came of it: latencies in ms since the request was due, in their order; seconds from first to last."""

    latencies_ms: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    sent: int = 0
    bytes: int = 0
    connections: int = 0
    seconds: float = 0.0
    processor_s: float = 0.0


def schedule(rate: float, seconds: float, seed: int) -> list[float]:
    """When requests are due, in s: as many as the rate says, at independent times (Poisson arrivals).

    Args:
        rate: requests a second, on average.
        seconds: how long.
        seed: same seed, same times.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    return sorted(chance.uniform(0.0, seconds) for _ in range(round(rate * seconds)))


def percentile(latencies: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all does not exceed; NaN of nothing."""
    if not latencies:
        return float("nan")
    place = -int(-share * len(latencies) // 1)
    return sorted(latencies)[max(0, min(len(latencies), place) - 1)]


class Connections:
    """Kept connections, the one used last first; a new one where all are busy."""

    def __init__(self, work: Work, found: Answered) -> None:
        self._work, self._found = work, found
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, request: bytes) -> tuple[int, int]:
        """Send a request; gives status and length of the answer."""
        reader, writer = await self._take()
        try:
            writer.write(request)
            head = (await reader.readuntil(_END)).lower()
            length = int(head.split(_LENGTH, 1)[1].split(b"\r\n", 1)[0])
            await reader.readexactly(length)
        except BaseException:
            writer.close()
            raise
        self._idle.append((time.perf_counter(), reader, writer))
        return int(head[9:12]), length

    def close(self) -> None:
        """Close what is idle."""
        for _, _, writer in self._idle:
            writer.close()

    async def _take(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        now = time.perf_counter()
        while self._idle:
            since, reader, writer = self._idle.pop()
            if now - since < STALE_S:
                return reader, writer
            writer.close()
        self._found.connections += 1
        return await asyncio.open_connection(self._work.host, self._work.port, limit=BUFFER_BYTES)


async def run(work: Work) -> Answered:
    """Ask everything when it is due and wait for the last answer."""
    found = Answered()
    connections = Connections(work, found)
    requests = [_request(work, path) for path in work.paths]
    due = schedule(work.rate, work.seconds, work.seed)
    used, began = time.process_time(), time.perf_counter()

    async def one(request: bytes, at: float) -> None:
        try:
            status, length = await asyncio.wait_for(connections.ask(request), TIMEOUT_S)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            found.errors.append(type(error).__name__)
            return
        found.latencies_ms.append((time.perf_counter() - began - at) * 1000)
        found.bytes += length
        if status != 200:
            found.errors.append(f"status {status}")

    async with asyncio.TaskGroup() as tasks:
        for number, at in enumerate(due):
            await asyncio.sleep(began + at - time.perf_counter())
            tasks.create_task(one(requests[number % len(requests)], at))
            found.sent += 1
    connections.close()
    found.seconds, found.processor_s = time.perf_counter() - began, time.process_time() - used
    return found


def _request(work: Work, path: str) -> bytes:
    head = [f"GET {path} HTTP/1.1", f"Host: {work.host}:{work.port}", f"Authorization: Bearer {work.key}"]
    return "\r\n".join([*head, "Accept: application/json", "", ""]).encode()


def main() -> int:
    """Do the work that comes on standard input (it holds a key); write what came of it as JSON."""
    given = json.load(sys.stdin)
    work = Work(**{**given, "paths": tuple(given["paths"])})
    json.dump(asdict(uvloop.run(run(work))), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
