"""A mapping is mended while ingest runs, what it refused is replayed, and the worker is killed while it does so."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pilot.cli import app
from tests.acceptance.test_ingest_faults import START_MS, Chain, publish
from tests.support.broker import Broker
from tests.support.database import TestDatabase
from tests.support.service import Services
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.needs_database, pytest.mark.needs_broker]

MESSAGES = 300
MAPPING = """
topic: gw/{machine}
site: demo
asset: hall/{machine}
format: json
time: {from: t, format: FORMAT}
values:
  - {from: p, name: oil, quantity: pressure, unit: bar}
"""


class Mapped(Chain):
    """A chain whose ingest reads a mapping file."""

    mapping = Path()

    def environment(self, **more: str) -> dict[str, str]:
        return super().environment(HAIDANG_MAPPING_PATH=str(self.mapping), **more)

    def write_mapping(self, time_format: str) -> None:
        # As an editor does it: nobody sees half a file.
        draft = self.mapping.with_suffix(".new")
        draft.write_text(MAPPING.replace("FORMAT", time_format))
        draft.replace(self.mapping)


def test_everything_is_replayed_once_though_the_worker_is_killed(
    broker: Broker, database: TestDatabase, services: Services, tmp_path: Path
) -> None:
    chain = Mapped(broker, database, services)
    chain.mapping = tmp_path / "mapping.yaml"
    chain.write_mapping("unix_ms")
    chain.prepare()
    payloads = [json.dumps({"t": START_MS // 1000 - number, "p": number}).encode() for number in range(MESSAGES)]
    publish(broker.url, *(("gw/press", payload) for payload in payloads))
    refused = "SELECT count(*) FROM rejected_message WHERE reason = 'too_old'"
    wait_until(lambda: chain.one(refused) == MESSAGES, what="every refusal")

    chain.write_mapping("unix_s")
    wait_until(lambda: "mappings_read" in chain.ingest.log(), what="the mended mapping to be read")
    environment = {"HAIDANG_DATABASE_URL": database.url}
    asked = CliRunner().invoke(app, ["rejected", "replay", "--site", "demo"], env=environment)
    assert asked.stdout == f"{MESSAGES} of {MESSAGES} open messages wait for their replay\n"
    done = "SELECT count(*) FROM replay_request WHERE done_at IS NOT NULL"
    wait_until(lambda: chain.one(done) > 0, what="the first replays")
    chain.ingest.kill_9()
    at_the_kill = chain.one(done)
    assert chain.stored() == at_the_kill
    chain.ingest.start()
    wait_until(lambda: chain.one(done) == MESSAGES, timeout_s=60, what="all replays")

    assert chain.stored() == MESSAGES
    assert chain.one("SELECT count(DISTINCT outcome) FROM replay_request") == 1
    assert chain.one("SELECT count(*) FROM rejected_message WHERE status = 'replayed'") == MESSAGES
    counts = chain.check_accounts()
    assert (counts["received"], counts["rejected"], counts["stored"]) == (2 * MESSAGES, MESSAGES, MESSAGES)
    assert chain.one("SELECT sum(replayed)::int FROM ledger_now") == MESSAGES
    shown = CliRunner().invoke(app, ["ledger", "--site", "demo", "--json"], env=environment)
    assert (shown.exit_code, json.loads(shown.stdout)["balanced"]) == (0, True)
    chain.wait_connected(2)  # all may have been replayed before it was killed
    assert chain.ingest.terminate() == 0
