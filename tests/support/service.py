"""Our own services as real processes: started as users start them, ended or killed, logs kept."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.support.paths import ROOT

TAIL_LINES = 60
# What is installed for tests only, and slow to load, is not there for processes: they start as users' do.
AS_INSTALLED = ROOT / "tests/support/as_installed"


class Service:
    """One `python -m MODULE ARGUMENTS…` with its log in a file."""

    def __init__(self, module: str, arguments: tuple[str, ...], env: Mapping[str, str], log_path: Path) -> None:
        self.name = " ".join([module, *arguments])
        self.log_path = log_path
        self._command = [sys.executable, "-m", module, *arguments]
        self._env = environment(env)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, or start it again after it ended; the log goes on."""
        assert not self.is_running, f"{self.name} runs already"
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self, timeout_s: float = 30) -> int:
        """Wait for its own end and return the exit code."""
        try:
            return self._running().wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            message = f"{self.name} still runs after {timeout_s:g} s:\n{self.tail()}"
            raise AssertionError(message) from None

    def terminate(self, timeout_s: float = 30) -> int:
        """Ask it to stop (SIGTERM), wait, return the exit code."""
        self._running().send_signal(signal.SIGTERM)
        return self.wait(timeout_s)

    def kill_9(self) -> None:
        """End it and its children at once, without any chance to tidy up."""
        process = self._running()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=30)

    def log(self) -> str:
        return self.log_path.read_text("utf-8", errors="replace")

    def tail(self) -> str:
        return "\n".join(self.log().splitlines()[-TAIL_LINES:])

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, f"{self.name} was not started"
        return self._process


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without its own HAIDANG settings, and without pandas, plus `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HAIDANG_")}
    return {**kept, "PYTHONPATH": str(AS_INSTALLED), "PYTHONUNBUFFERED": "1", **extra}


class Services:
    """All services of one test; ends what still runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.started: list[Service] = []

    def start(self, module: str, *arguments: str, env: Mapping[str, str]) -> Service:
        """Start `python -m module arguments…` with these variables."""
        log_path = self._folder / f"{len(self.started):02d}-{module}.log"
        service = Service(module, arguments, env, log_path)
        self.started.append(service)
        service.start()
        return service

    def end_all(self) -> None:
        for service in reversed(self.started):
            if service.is_running:
                service.kill_9()
