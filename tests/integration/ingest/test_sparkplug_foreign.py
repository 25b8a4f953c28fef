"""Another project's Sparkplug node against our host: understood from the start, asked for a birth, missed when dead."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.ingest.test_sparkplug import Plant, plant
from tests.support.paths import ROOT
from tests.support.required import missing
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.needs_database, pytest.mark.needs_broker]
__all__ = ["plant"]  # the fixture

LIBRARY = "pysparkplug==0.6.1"
SCRIPT = ROOT / "tests" / "support" / "foreign_node.py"


class Node:
    """The foreign node as a process; what it says stands in a file."""

    def __init__(self, port: int, folder: Path) -> None:
        uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
        if uv is None:
            missing("pysparkplug", "uv, which makes its environment, is not installed")
        self._command = [
            uv,
            "run",
            "--quiet",
            "--no-project",
            "--isolated",
            "--with",
            LIBRARY,
            "--python",
            sys.executable,
        ]
        self._port = port
        self._said = folder / "node.txt"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        probe = subprocess.run([*self._command, "python", "-c", "import pysparkplug"], capture_output=True, check=False)
        if probe.returncode:
            missing("pysparkplug", probe.stderr.decode("utf-8", "replace").strip()[-300:])
        with self._said.open("wb") as said:
            command = [*self._command, "python", str(SCRIPT), str(self._port)]
            self._process = subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True)
        wait_until(lambda: "sent 3" in self.said(), timeout_s=60, what="the foreign node")

    def said(self) -> str:
        return self._said.read_text("utf-8", errors="replace")

    def kill_9(self) -> None:
        if self._process is not None and self._process.poll() is None:
            subprocess.run(["kill", "-9", "--", f"-{self._process.pid}"], check=False)
            self._process.wait(10)


@pytest.fixture
def node(plant: Plant, tmp_path: Path) -> Iterator[Node]:
    node = Node(plant.port, tmp_path)
    try:
        yield node
    finally:
        node.kill_9()


def test_a_foreign_node_is_understood_asked_and_missed(plant: Plant, node: Node) -> None:
    plant.site()
    node.start()  # its birth is over before anybody listens
    plant.ingest(HAIDANG_SPARKPLUG_REBIRTH_S="60")
    wait_until(lambda: "born again" in node.said(), what="the rebirth it was asked for")
    assert plant.commands() == ["spBv1.0/demo-plant/NCMD/foreign"]
    begun = len(plant.readings("state"))
    wait_until(lambda: len(plant.readings("state")) > begun + 5, what="data after the rebirth")
    node.kill_9()
    open_ = "SELECT count(*)::int FROM device_session WHERE to_ts IS NULL"
    wait_until(lambda: plant.rows(open_) == [(0,)], what="the death that the broker tells")
    states = plant.readings("state")
    assert states[-1] == (None, 3)
    assert {text for text, quality in states if quality == 0} == {"EXECUTE", "HELD"}
    numbers = sorted({-round(float(value or 0)) for value, _ in plant.readings("offset")})
    assert numbers[0] > 0  # signed numbers of 16 bits
    assert numbers == list(range(numbers[0], numbers[-1] + 1)), "nothing of what came while we listened is missing"
    received, rejected, missed, messages_off, values_off = plant.rows(
        "SELECT sum(received)::int, sum(rejected)::int, sum(missing_seq)::int,"
        " sum(abs(received - processed - rejected - redelivered))::int,"
        " sum(abs(decoded - stored - duplicate - conflict - rejected_value))::int FROM ledger_now"
    )[0]
    assert (rejected, missed, messages_off, values_off) == (0, 0, 0, 0)
    assert received >= 8
