"""`haidang ledger` and `haidang rejected` over what a real writer stored."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from pilot.cli import app
from pilot.commands import rejected
from pilot.errors import PilotError
from tests.integration.ingest.test_replay import Replays, mapping
from tests.integration.ingest.test_writer import NOW_MS, sample
from tests.support.database import TestDatabase

pytestmark = pytest.mark.needs_database


class Commands(Replays):
    """A writer, and the commands on its database."""

    def command(self, *words: str) -> Result:
        environment = {"HAIDANG_DATABASE_URL": self.database.url, "COLUMNS": "250"}
        return CliRunner().invoke(app, [*words], env=environment)


@pytest.fixture
def bench(database: TestDatabase) -> Iterator[Commands]:
    made = Commands(database)
    made.router.use([mapping("unix_ms")])
    yield made
    made.writer.close()


def test_the_ledger_shows_both_accounts_and_whether_they_add_up(bench: Commands) -> None:
    bench.write(sample({"power_kw": 1.0}, seq=1), sample({"power_kw": 2.0}, 1, seq=4), b"garbage")
    bench.write(sample({"power_kw": 1.0}, seq=1), dup=True)
    shown = bench.command("ledger", "--site", "demo")
    assert shown.exit_code == 0, shown.output
    total = next(line for line in shown.stdout.splitlines() if "total" in line)
    assert "4 = 2 + 1 + 1 ✓" in total
    assert "3 = 2 + 1 + 0 + 0 ✓" in total
    assert "│ 2 " in total  # missing numbers
    found = json.loads(bench.command("ledger", "--site", "demo", "--json").stdout)
    assert (found["balanced"], found["total"]["received"], found["total"]["missing_seq"]) == (True, 4, 2)
    assert found["rows"][0]["latency_ms"]["most"] is not None
    assert {row["device"] for row in found["rows"]} == {"packing/line1/filler"}
    only = bench.command("ledger", "--site", "demo", "--device", "another", "--json")
    assert json.loads(only.stdout)["rows"] == []


def test_a_ledger_that_is_cut_says_so(bench: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pilot.commands.ledger.MOST", 2)
    for device in ("a", "b"):
        bench.write(sample({"power_kw": 1.0}), topic=f"haidang/v1/demo/{device}/data")
    assert "more rows" not in bench.command("ledger", "--site", "demo").stdout
    assert json.loads(bench.command("ledger", "--site", "demo", "--json").stdout)["complete"]
    bench.write(sample({"power_kw": 1.0}), topic="haidang/v1/demo/c/data")
    assert "… more rows: these are the first 2, " in bench.command("ledger", "--site", "demo").stdout
    found = json.loads(bench.command("ledger", "--site", "demo", "--json").stdout)
    assert (len(found["rows"]), found["complete"], found["total"]["received"]) == (2, False, 3)


def test_an_account_that_does_not_add_up_ends_with_1(bench: Commands) -> None:
    bench.write(sample({"power_kw": 1.0}))
    with psycopg.connect(bench.database.url) as connection:
        connection.execute("UPDATE ledger_delta SET processed = 0")
    shown = bench.command("ledger", "--site", "demo")
    assert shown.exit_code == 1
    assert "1 ≠ 0 + 0 + 0 ✗" in shown.stdout
    assert isinstance(bench.command("ledger").exception, SystemExit | PilotError)


def test_conflicts_are_shown_with_both_values(bench: Commands) -> None:
    bench.write(sample({"power_kw": 1.0}))
    bench.write(sample({"power_kw": 2.0}))
    shown = bench.command("ledger", "conflicts", "--site", "demo").stdout
    assert '{"value": 1.0, "quality": 0}' in shown
    assert '{"value": 2.0, "quality": 0}' in shown
    (row,) = json.loads(bench.command("ledger", "conflicts", "--site", "demo", "--json").stdout)
    assert (row["name"], row["received"]["value"]) == ("power_kw", 2.0)


def test_only_the_outcomes_of_the_own_requests_are_waited_for(bench: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write({"t": NOW_MS // 1000, "p": 7.5}, {"t": NOW_MS // 1000, "p": 8.5}, topic="gw/m1")
    mine, other = (row["id"] for row in json.loads(bench.command("rejected", "list", "--json").stdout))
    follow = rejected._follow

    def meanwhile(*arguments: Any) -> None:
        bench.router.use([mapping("unix_s")])
        assert bench.replay() == 1
        assert bench.ask(ids=[other]).asked == 1
        bench.router.use([mapping("unix_ms")])
        assert bench.replay() == 1
        follow(*arguments)

    monkeypatch.setattr("pilot.commands.rejected._follow", meanwhile)
    shown = bench.command("rejected", "replay", str(mine), "--wait", "5").stdout
    assert [line for line in shown.splitlines() if "×" in line] == ["      1 × stored 1, duplicates 0, conflicts 0"]


def test_what_was_refused_is_listed_taken_out_mended_and_replayed(bench: Commands, tmp_path: Path) -> None:
    bench.write({"t": NOW_MS // 1000, "p": 7.5}, b"\xff", topic="gw/m1")
    (first, second) = json.loads(bench.command("rejected", "list", "--site", "demo", "--json").stdout)
    assert {first["reason"], second["reason"]} == {"too_old", "undecodable"}
    assert "seconds instead of milliseconds" in bench.command("rejected", "list", "--reason", "too_old").stdout
    number = str(first["id"] if first["reason"] == "too_old" else second["id"])
    assert '"p": 7.5' in bench.command("rejected", "show", number).stdout
    file = tmp_path / "out.ndjson"
    assert bench.command("rejected", "export", "--site", "demo", "--output", str(file)).exit_code == 0
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert b"\xff" in [base64.b64decode(line["payload"]) for line in lines]

    bench.router.use([mapping("unix_s")])
    assert bench.command("rejected", "replay", number).stdout == "1 of 1 open messages wait for their replay\n"
    again = bench.command("rejected", "replay", "--topic", "gw/", "--wait", "0.1")
    assert "1 of 2 open messages wait for their replay; 1 waited already" in again.stdout
    assert isinstance(again.exception, PilotError)  # nobody carries it out here
    assert bench.replay() == 2
    shown = bench.command("rejected", "show", number).stdout
    assert "stored 1, duplicates 0, conflicts 0" in shown
    assert bench.command("rejected", "list", "--status", "opne").exit_code == 2
    assert bench.command("rejected", "export", "--status", "opne").exit_code == 2
    states = {row["reason"]: row["status"] for row in json.loads(bench.command("rejected", "list", "--json").stdout)}
    assert states == {"too_old": "replayed", "undecodable": "open"}
    assert bench.command("rejected", "dismiss", "--site", "demo").stdout == "1 messages put aside\n"
    assert isinstance(bench.command("rejected", "dismiss").exception, PilotError)
    assert bench.rows("SELECT action FROM audit_log WHERE action LIKE 'rejected.%' ORDER BY at") == [
        ("rejected.replay",),
        ("rejected.replay",),
        ("rejected.dismiss",),
    ]
