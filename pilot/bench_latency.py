"""How long it takes until a value that was published can be read in the database, beside a load at a given rate.

A probe, a device of its own, publishes a number at QoS 1 every 20 ms; another connection to the database asks for new
numbers of the probe every 2 ms. The time from the call that sends a number to the answer that shows it is its latency,
so it includes the broker, the batch, the commit and up to one poll.
"""

import json
import socket
import threading
import time
from dataclasses import dataclass, replace

import numpy as np

from pilot.bench_publisher import Load, open_connection, packet
from pilot.bench_stack import Stack, empty
from pilot.errors import PilotError
from store.pool import Connection, connect
from store.queries import load

SECONDS = 20.0
PROBE_EVERY_S = 0.02
POLL_S = 0.002
STALL_S = 60.0
_TOPIC = "haidang/v1/{site}/area/line/probe/data"
_SQL = load("bench")


@dataclass(frozen=True)
class Latency:
    """Latencies in milliseconds beside a load of so many values a second."""

    values_per_s: float
    probes: int
    seen: int
    p50_ms: float
    p99_ms: float
    max_ms: float

    @property
    def complete(self) -> bool:
        return self.seen == self.probes

    def __str__(self) -> str:
        return (
            f"publish → readable beside {self.values_per_s:,.0f} values/s: p50 {self.p50_ms:.0f} ms, "
            f"p99 {self.p99_ms:.0f} ms, longest {self.max_ms:.0f} ms ({self.seen} of {self.probes} probes)"
        )


def measure_latency(made: Stack, work: Load, messages_per_s: float, seconds: float = SECONDS) -> Latency:
    """Load a worker at a rate for so long and time the probes beside it."""
    work = replace(work, messages=max(1, int(messages_per_s * seconds)))
    probes = max(1, int(seconds / PROBE_EVERY_S))
    with made.ingest("latency"), open_connection(made.broker_url, "bench-probe") as probe:
        _first(made, work, probe)
        sent: list[float] = []
        feeding = [
            threading.Thread(target=made.publish, args=(work, work.start_ms(), messages_per_s), daemon=True),
            threading.Thread(target=_send, args=(probe, work.site, probes, sent), daemon=True),
        ]
        for thread in feeding:
            thread.start()
        with connect(made.url, "bench", autocommit=True) as connection:
            seen = _watch(connection, probes)
        for thread in feeding:
            thread.join()
    empty(made.url)
    found = np.array([(seen[number] - at) * 1000 for number, at in enumerate(sent, 1) if number in seen])
    p50, p99, most = (float(value) for value in np.percentile(found, (50, 99, 100)))
    return Latency(messages_per_s * work.values_per_message, probes, len(found), p50, p99, most)


def _first(made: Stack, work: Load, probe: socket.socket) -> None:
    """Probe once, so that its series is known when the clock runs."""
    _say(probe, work.site, 0, time.time_ns() // 1_000_000)
    deadline = time.monotonic() + STALL_S
    with connect(made.url, "bench", autocommit=True) as connection:
        while not connection.execute(_SQL["probes"], {"after": -1}).fetchall():
            if time.monotonic() > deadline:
                raise PilotError("The first probe of the latency was not stored.")
            time.sleep(POLL_S)


def _send(probe: socket.socket, site: str, probes: int, sent: list[float]) -> None:
    began, start_ms = time.perf_counter(), time.time_ns() // 1_000_000
    for number in range(1, probes + 1):
        time.sleep(max(0.0, began + number * PROBE_EVERY_S - time.perf_counter()))
        sent.append(time.perf_counter())
        # Its nominal time: after a delay two probes may be sent within a millisecond, and no key may come twice.
        _say(probe, site, number, start_ms + round(number * PROBE_EVERY_S * 1000))


def _say(probe: socket.socket, site: str, number: int, at_ms: int) -> None:
    payload = json.dumps({"ts": at_ms, "values": {"probe": number}}).encode()
    probe.sendall(packet(_TOPIC.format(site=site).encode(), payload, number % 65_535 + 1))
    probe.recv(65_536)


def _watch(connection: Connection, probes: int) -> dict[int, float]:
    """When each probe was first seen; waits for the last one."""
    seen: dict[int, float] = {}
    last, moved_at = 0, time.monotonic()
    while last < probes and time.monotonic() - moved_at < STALL_S:
        rows = connection.execute(_SQL["probes"], {"after": last}).fetchall()
        now = time.perf_counter()
        for (value,) in rows:
            seen[int(value)] = now
        if rows:
            last, moved_at = max(seen), time.monotonic()
        else:
            time.sleep(POLL_S)
    return seen
