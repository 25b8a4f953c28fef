"""A process of ours that hangs is ended, whoever waits for it."""

import asyncio
import signal
import socket
import sys

import pytest

from ingest import child as module
from ingest.child import Child

FALLS_SILENT = "import os, time; os.write(0, b'\\n\\n'); time.sleep(60)"
HEEDS_NOTHING = (
    "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "while True: os.write(0, b'\\n'); time.sleep(0.02)"
)


async def started(code: str) -> Child:
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    with theirs:
        process = await asyncio.create_subprocess_exec(sys.executable, "-I", "-S", "-c", code, stdin=theirs.fileno())
    await asyncio.get_running_loop().sock_recv(ours, 1)  # it has begun
    return Child("drain", process, ours)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(module, "GRACE_S", 0.5)


def test_who_waits_for_a_process_ends_it_when_it_hangs() -> None:
    async def work() -> int:
        child = await started(FALLS_SILENT)
        async with asyncio.timeout(30):
            return await child.wait_watched(0.1)

    assert asyncio.run(work()) == -signal.SIGKILL


def test_a_process_that_does_not_heed_sigterm_does_not_hold_up_the_end() -> None:
    async def work() -> int:
        child = await started(HEEDS_NOTHING)
        async with asyncio.timeout(30):
            await child.end(20.0)
            return await child.wait()

    assert asyncio.run(work()) == -signal.SIGKILL
