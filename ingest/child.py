"""A process of ours that is watched by another: one socket between them, the child's standard input.

The child sends an empty line every second, and before it ends because it cannot go on the line that says why. When the
socket closes, its supervisor is gone and it ends in order.
"""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import structlog

BEAT_S = 1.0
LOOK_EVERY_S = 0.5
GRACE_S = 30.0  # from being asked to end until it is ended: what it holds is stored meanwhile
START_S = 120.0  # on a busy machine imports alone can take many seconds
REFUSED = 78  # exit code of a child that said on one line why it cannot go on
_BEAT = b"\n"
_STDIN = 0

log = structlog.get_logger("ingest")


class Child:
    """One `python -m ingest` as its supervisor sees it."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, ours: socket.socket) -> None:
        self.name = name
        self._began = time.monotonic()
        self._heard: float | None = None
        self._process = process
        self._socket = ours
        self._said = b""
        asyncio.get_running_loop().add_reader(ours, self._hear)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def lived_s(self) -> float:
        return time.monotonic() - self._began

    def hangs(self, limit_s: float) -> bool:
        """Whether its last sign of life is too long ago; until the first, it may take its time to start."""
        if self._heard is None:
            return self.lived_s > max(limit_s, START_S)
        return time.monotonic() - self._heard > limit_s

    @property
    def refusal(self) -> str:
        """The line it ended with, if it gave a reason."""
        return self._said.decode("utf-8", "replace").strip() if self._process.returncode == REFUSED else ""

    async def wait(self) -> int:
        """Wait for its end; a negative number is the signal that ended it."""
        code = await self._process.wait()
        if self._socket.fileno() >= 0:
            self._hear()
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
        return code

    async def wait_watched(self, hang_s: float) -> int:
        """Wait for its end, and end it with SIGKILL once it shows no sign of life for so many seconds."""
        ending = asyncio.ensure_future(self.wait())
        try:
            while not (await asyncio.wait({ending}, timeout=LOOK_EVERY_S))[0]:
                if self.hangs(hang_s):
                    log.error("worker_hangs", session=self.name, pid=self.pid, advice="ending it with kill -9")
                    self.send(signal.SIGKILL)
            return ending.result()
        finally:
            ending.cancel()

    async def end(self, hang_s: float) -> None:
        """Ask it to end, and end it where it does not in time, or shows no sign of life for so many seconds."""
        self.send(signal.SIGTERM)
        try:
            async with asyncio.timeout(GRACE_S):
                await self.wait_watched(hang_s)
        except TimeoutError:
            log.error("worker_does_not_end", session=self.name, pid=self.pid, advice="ending it with kill -9")  # noqa: TRY400
            self.send(signal.SIGKILL)
            await self.wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def _hear(self) -> None:
        with suppress(OSError):
            data = self._socket.recv(65_536)
            if data:
                self._heard = time.monotonic()
                self._said = (self._said + data)[-4096:].lstrip(_BEAT)
            else:
                asyncio.get_running_loop().remove_reader(self._socket)


async def start_child(name: str, environment: Mapping[str, str]) -> Child:
    """Start `python -m ingest` with these variables over our own."""
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ingest", stdin=theirs.fileno(), env={**os.environ, **environment}
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return Child(name, process, ours)


async def watch_supervisor(stop: Callable[[], None], is_well: Callable[[], bool] = lambda: True) -> None:
    """In the child: show signs of life while it is well; stop when the supervisor is gone."""
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=os.dup(_STDIN)))
    beating = asyncio.create_task(_beat(writer, is_well), name="signs of life")
    try:
        await reader.read(1)
        stop()
    finally:
        beating.cancel()
        writer.close()


async def _beat(writer: asyncio.StreamWriter, is_well: Callable[[], bool]) -> None:
    with suppress(ConnectionError):
        while True:
            if is_well():
                writer.write(_BEAT)
            await asyncio.sleep(BEAT_S)


def refuse_to_supervisor(sentence: str) -> int:
    """In the child: say on one line why it cannot go on; returns the exit code."""
    with suppress(OSError):
        os.write(_STDIN, sentence.encode()[:4000] + _BEAT)
    return REFUSED
