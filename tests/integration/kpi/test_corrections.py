"""A correction from the API to the new revision: the raw data, the original reason and the earlier value stay."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.app import create_app
from api.settings import ApiSettings
from kpi.running.job import run_once
from kpi.running.work import Span
from kpi.span import Answered
from kpi.span import Office as KpiOffice
from pilot.cli import app as cli
from store import inputs
from store.access import create_key
from store.annotations import Author, annotate
from store.correction import Correction, StaleCorrectionError
from store.pool import connect
from tests.integration.kpi.plant import HOUR, MACHINE, MONDAY, SHIFT_START, Plant, computed_days
from tests.support.database import Databases

pytestmark = pytest.mark.needs_database
AFTER = MONDAY + 40 * 24 * HOUR
STOP = SHIFT_START + 3 * HOUR, SHIFT_START + 4 * HOUR
BEGIN, END = (moment.isoformat() for moment in STOP)


@dataclass(frozen=True)
class Office:
    """A computed day of a plant, and its API."""

    plant: Plant
    client: TestClient
    keys: dict[str, str]

    def ask(self, method: str, path: str, who: str = "engineer", body: Any = None, **query: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.keys[who]}"}
        answer = self.client.request(
            method, f"/v1/{path}", headers=headers, json=body, params={"site": "plant", **query}
        )
        return answer.status_code, answer.json()

    def correct(self, who: str = "engineer", *, path: str = "annotations", **body: Any) -> tuple[int, Any]:
        given = {"asset": MACHINE, "at": BEGIN, "note": "seen at the machine", **body}
        return self.ask("POST", path, who, {name: value for name, value in given.items() if value is not None})

    def stops(self) -> list[dict[str, Any]]:
        query = {"asset": MACHINE, "from": BEGIN, "to": END}
        items: list[dict[str, Any]] = self.ask("GET", "intervals", "viewer", **query)[1]["items"]
        return items

    def value(self, kpi: str, **query: Any) -> dict[str, Any]:
        items = self.ask("GET", f"kpis/{kpi}/values", "viewer", asset=MACHINE, **query)[1]["items"]
        found: dict[str, Any] = items[0]
        return found


@pytest.fixture
def office(databases: Databases) -> Iterator[Office]:
    with computed_days(databases, AFTER) as plant:
        yield from opened(plant)


def opened(plant: Plant) -> Iterator[Office]:
    with connect(plant.database.url) as connection:
        roles = ("viewer", "engineer", "assessor")
        end = datetime.now(UTC) + timedelta(days=30)
        keys = {role: create_key(connection, role, role=role, sites=["plant"], expires_at=end) for role in roles}
    settings = ApiSettings(database_url=plant.database.url_for("haidang_api"), session_secret="0123456789abcdef" * 4)  # type: ignore[arg-type]
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield Office(plant, client, keys)


def test_a_corrected_stop_makes_a_revision_with_its_cause_and_keeps_what_was(office: Office) -> None:
    raw = office.plant.query("SELECT count(*), sum(value) FROM reading")
    before = office.value("fault_time")
    status, made = office.correct(reason="tool_change")
    assert status == 201
    waiting = office.stops()[0]
    assert (waiting["time_class"], waiting["annotation"]["reason"], waiting["original_reason"]) == (
        *("delay", "tool_change"),
        None,
    )
    assert office.plant.query("SELECT cause, from_ts, to_ts FROM dirty_mark") == [("annotation", *STOP)]
    run_once(office.plant.kpi_url, now=AFTER + HOUR)
    after = office.value("fault_time")
    assert (before["value"], before["revision"], after["value"], after["revision"]) == (3600.0, 1, 0.0, 2)
    assert after["cause"] == ["annotation"]
    stood = office.value("fault_time", as_of=before["computed_at"])
    assert (stood["value"], stood["revision"]) == (3600.0, 1)
    assert office.value("fault_time", grain="month")["cause"] == ["annotation"]
    stop = office.stops()[0]
    shown = {name: stop[name] for name in ("time_class", "reason", "origin", "original_class", "original_sub_class")}
    assert shown == {"time_class": "setup", "reason": "tool_change", "origin": "annotation", "original_class": "delay",
                     "original_sub_class": "fault"}  # fmt: skip
    said = stop["annotation"]
    assert (said["id"], said["account"], said["note"]) == (made["annotations"][0], "engineer", "seen at the machine")
    assert office.plant.query("SELECT count(*), sum(value) FROM reading") == raw
    audit = office.plant.query("SELECT action, object, detail ->> 'note' FROM audit_log WHERE action LIKE 'stop.%%'")
    assert audit == [("stop.annotate", str(said["id"]), "seen at the machine")]

    assert office.ask("POST", f"annotations/{said['id']}/revert", body={"note": "wrong machine"})[0] == 201
    run_once(office.plant.kpi_url, now=AFTER + 2 * HOUR)
    again = office.value("fault_time")
    assert (again["value"], again["revision"], again["cause"]) == (3600.0, 3, ["annotation"])
    assert office.stops()[0]["origin"] == "signal"
    history = office.ask("GET", "annotations", "viewer")[1]["items"]
    assert [(row["status"], row["note"]) for row in history] == [
        ("revert", "wrong machine"),
        ("reverted", "seen at the machine"),
    ]


def test_a_stop_is_split_and_its_parts_are_judged_apart(office: Office) -> None:
    middle = (STOP[0] + timedelta(minutes=20)).isoformat()
    split: dict[str, Any] = {
        "path": "annotations/split",
        "at": middle,
        "first_reason": "tool_change",
        "second_reason": "no_material",
    }
    status, made = office.correct(**split)
    assert (status, len(made["annotations"])) == (201, 2)
    run_once(office.plant.kpi_url, now=AFTER + HOUR)
    found = [(row["time_class"], row["sub_class"], row["duration_s"]) for row in office.stops()]
    assert found == [("setup", "", 1200.0), ("delay", "starved", 2400.0)]
    first = made["annotations"][0]
    again: dict[str, Any] = {"at": None, "from": BEGIN, "to": middle, "reason": "no_material", "supersedes": first}
    assert office.correct(**again)[0] == 201
    status, problem = office.correct(**again)
    assert (status, problem["type"]) == (409, "urn:haidang:problem:not-in-force")
    assert "is not in force any more" in problem["detail"]
    assert office.ask("POST", f"annotations/{first}/revert", body={"note": "late"})[0] == 409


def test_only_engineers_correct_and_only_what_can_be(office: Office) -> None:
    for reader in ("viewer", "assessor"):
        assert office.correct(reader, reason="tool_change")[0] == 403
        assert office.ask("POST", "annotations/1/revert", reader, {"note": "x"})[0] == 403
    whole: dict[str, Any] = {"reason": "tool_change", "at": None, "from": BEGIN, "to": END}
    refused: list[tuple[dict[str, Any], str]] = [
        ({"reason": "aliens"}, "it has: no_material, tool_change"),
        ({"product": "aliens"}, "no product"),
        ({"reason": "tool_change", "note": " "}, "Say why"),
        ({"reason": "tool_change", "note": "x" * 1001}, "note"),
        ({}, "a reason or a product"),
        ({**whole, "asset": "line/m9"}, "no asset 'line/m9'"),
        ({**whole, "to": "2026-06-01T00:00:00Z"}, "31 days"),
        ({**whole, "from": END, "to": BEGIN}, "after the beginning"),
        ({**whole, "to": None}, "from and to"),
        ({"reason": "tool_change", "at": "2026-03-02T08:00:00"}, "at"),
        ({"reason": "tool_change", "planet": "mars"}, "planet"),
        ({**whole, "to": "2199-01-01T00:00:00Z", "from": "2198-12-31T00:00:00Z"}, "future"),
    ]
    for wrong, place in refused:
        status, problem = office.correct(**wrong)
        assert (status, place in problem["detail"]) == (422, True), (wrong, problem)
    before = (STOP[0] - timedelta(minutes=5)).isoformat()
    for body in ({"reason": "tool_change"}, {"path": "annotations/split", "first_reason": "tool_change"}):
        status, problem = office.correct(**body, at=before)
        assert (status, "produced" in problem["detail"]) == (422, True), problem
    assert office.correct(reason="tool_change", at="2020-01-01T00:00:00Z")[0] == 404
    assert office.ask("POST", "annotations/999/revert", body={"note": "x"})[0] == 404
    assert office.correct(reason="tool_change", planet="x" * 20_000)[0] == 413
    assert office.plant.query("SELECT count(*) FROM annotation") == [(0,)]
    assert office.plant.query("SELECT count(*) FROM dirty_mark") == [(0,)]


def test_the_commands_and_the_explanation_over_the_api(office: Office) -> None:
    def stops(*arguments: str) -> str:
        url = ("--database-url", office.plant.database.url, "--site", "plant")
        done = CliRunner().invoke(cli, ["stops", *arguments, *url], env={"COLUMNS": "250"})
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    machine = ("--asset", MACHINE, "--by", "Mai")
    at = ("--at", "2026-03-02T09:20")  # 20 minutes into the stop, in the zone of the site
    cut = ("--first-reason", "tool_change", "--second-reason", "no_material", "--note", "two causes")
    assert "correction 1, 2 kept" in stops("split", *machine, *at, *cut)
    assert "correction 3 kept" in stops("annotate", *machine, *at, "--product", "bolt", "--note", "trial run")
    assert "correction 4 kept" in stops("revert", "1", "--note", "it was one cause", "--by", "Mai")
    run_once(office.plant.kpi_url, now=AFTER + HOUR)
    hour = ("--from", "2026-03-02T09:00", "--to", "2026-03-02T10:00")
    listed = json.loads(stops("list", "--asset", MACHINE, *hour, "--json"))
    shown = [(row["time_class"], row["reason"], row["original_class"]) for row in listed]
    assert shown == [("delay", "", None), ("delay", "no_material", "delay")]
    assert listed[1]["annotation"]["account"] == "Mai"
    assert "2: no_material – two causes (Mai" in stops("list") or "trial run" in stops("list")
    assert [row["status"] for row in json.loads(stops("history", "--json"))] == [
        *("revert", "in_force", "in_force", "reverted")
    ]
    query = {"asset": MACHINE, "at": "2026-03-02"}
    status, told = office.ask("GET", "kpis/fault_time/explain", "viewer", **query)
    assert (status, told["equal"], told["value"]["value"]) == (200, True, 1200.0)
    assert sum(loss["minutes"] for loss in told["losses"]) == pytest.approx(told["window_minutes"])
    assert [row["cause"] for row in told["revisions"]] == [[], ["annotation"]]
    with connect(office.plant.database.url) as connection:
        views = connection.execute("SELECT object, detail FROM audit_log WHERE action = 'view.losses'").fetchall()
    assert views == [("plant", {"kpi": "fault_time"})]
    assert {row["original_class"] for row in told["longest"]} == {None, "delay"}
    assert (told["raw_rows"], told["calendar"]["shifts"]) == (sum(row["rows"] for row in told["raw_digests"]), 5)
    then = {"as_of": told["revisions"][0]["computed_at"]}
    before = office.ask("GET", "kpis/fault_time/explain", "viewer", **query, **then)[1]
    assert (before["value"]["value"], before["equal"], before["note"][:10]) == (3600.0, None, "Superseded")
    nothing = {**query, "at": "2026-03-09"}
    assert office.ask("GET", "kpis/fault_time/explain", "viewer", **nothing)[0] == 404


def test_the_form_of_the_console(office: Office) -> None:
    def visitor(role: str) -> TestClient:
        client = TestClient(office.client.app, headers={"Accept-Language": "en"}, follow_redirects=False)
        client.post("/login", data={"key": office.keys[role]})
        return client

    engineer, place = visitor("engineer"), {"site": "plant", "day": "2026-03-02"}
    page = engineer.get("/", params=place).text
    assert 'action="/stops/annotate"' in page
    assert '<option value="tool_change">Tool change</option>' in page
    form = {**place, "asset": MACHINE, "from": BEGIN, "to": END, "reason": "tool_change", "note": "dao gãy & <b>"}
    answer = engineer.post("/stops/annotate", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?site=plant&day=2026-03-02#part-stops")
    page = engineer.get("/", params=place).text
    assert "Tool change – dao gãy &amp; &lt;b&gt;" in page  # reasons by their names, the viewer's page too
    assert "waits to be computed again" in page
    assert engineer.post("/stops/annotate", data={**form, "note": ""}).status_code == 422
    assert engineer.post("/stops/annotate", data=form, headers={"Origin": "https://evil.example"}).status_code == 403
    viewer = visitor("viewer")
    seen = viewer.get("/", params=place).text
    assert ('action="/stops/' in seen, "Tool change – dao gãy" in seen) == (False, True)
    for action in ("annotate", "split", "revert"):
        assert viewer.post(f"/stops/{action}", data=form).status_code == 403
    assert office.plant.query("SELECT count(*) FROM annotation") == [(1,)]


def test_the_console_splits_a_stop_and_takes_corrections_back(office: Office) -> None:
    engineer = TestClient(office.client.app, headers={"Accept-Language": "en"}, follow_redirects=False)
    engineer.post("/login", data={"key": office.keys["engineer"]})
    place = {"site": "plant", "day": "2026-03-02"}
    page = engineer.get("/", params=place).text
    assert 'action="/stops/split"' in page
    assert 'action="/stops/revert"' not in page
    local = STOP[0].astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).replace(tzinfo=None)
    assert f'name="at" step="1" required min="{local.isoformat()}"' in page
    form = {**place, "asset": MACHINE, "from": BEGIN, "to": END, "note": "two causes", "second_reason": "no_material"}
    noon = "2026-03-02T12:00"
    for wrong in (
        {"at": local.isoformat()},
        {"at": "noon"},
        {"at": "2026-03-02T23:00", "second_reason": ""},
        {"at": noon, "from": noon},
    ):
        assert engineer.post("/stops/split", data={**form, **wrong}).status_code == 422, wrong
    middle = local + timedelta(minutes=20)
    answer = engineer.post("/stops/split", data={**form, "at": middle.isoformat()})
    assert (answer.status_code, answer.headers["location"]) == (303, "/?site=plant&day=2026-03-02#part-stops")
    (number, begin) = office.plant.query("SELECT annotation_id, from_ts FROM annotation")[0]
    assert begin == STOP[0] + timedelta(minutes=20)
    run_once(office.plant.kpi_url, now=AFTER)
    assert [(row["sub_class"], row["duration_s"]) for row in office.stops()] == [("fault", 1200.0), ("starved", 2400.0)]
    assert f'name="annotation" value="{number}"' in engineer.get("/", params=place).text
    back = {**place, "annotation": str(number), "note": "wrong machine"}
    for wrong in ({"annotation": "99"}, {"annotation": "x"}, {"annotation": "9" * 30}, {"note": ""}):
        assert engineer.post("/stops/revert", data={**back, **wrong}).status_code in {404, 422}, wrong
    assert engineer.post("/stops/revert", data=back).status_code == 303
    assert engineer.post("/stops/revert", data=back).status_code == 409
    run_once(office.plant.kpi_url, now=AFTER)
    assert [(row["sub_class"], row["duration_s"]) for row in office.stops()] == [("fault", 3600.0)]


def test_a_statement_is_replaced_by_one_about_the_same_time_only(office: Office) -> None:
    [number] = office.correct(reason="tool_change")[1]["annotations"]
    later: dict[str, Any] = {"from": END, "to": (STOP[1] + HOUR).isoformat(), "at": None}
    status, problem = office.correct(reason="no_material", supersedes=number, **later)
    assert (status, "another time" in problem["detail"]) == (422, True), problem
    assert office.correct(reason="no_material", supersedes=number)[0] == 201


def test_a_correction_that_comes_while_its_day_waits_to_be_computed_is_the_cause(office: Office) -> None:
    plant = office.plant
    assert office.correct(reason="tool_change")[0] == 201
    with connect(plant.kpi_url, autocommit=True) as connection, inputs.open_adbc(plant.kpi_url) as reader:
        planned = Span((date(2026, 3, 2),), {date(2026, 3, 2): frozenset({"registry"})})  # before the correction came
        assert KpiOffice(connection, reader, "plant", AFTER).run_span(planned, Answered()) is not None
    row = plant.value("setup_time")
    assert (row["value"], set(row["cause"])) == (3600.0, {"registry", "annotation"})
    assert plant.query("SELECT cause FROM dirty_mark") == [("annotation",)]


def test_of_two_who_replace_the_same_statement_at_once_one_is_refused(office: Office) -> None:
    url = office.plant.database.url
    given = Correction(MACHINE, *STOP, reason="tool_change", note="first")
    with connect(url) as connection:
        number = annotate(Author(connection, office.plant.site_id, None), given)
    outcomes: list[str] = []
    both = threading.Barrier(2, timeout=10)

    def replace() -> None:
        with connect(url) as connection:
            both.wait()
            newer = Correction(MACHINE, *STOP, reason="no_material", note="second", supersedes=number)
            try:
                annotate(Author(connection, office.plant.site_id, None), newer)
                connection.commit()
                outcomes.append("taken")
            except StaleCorrectionError:
                outcomes.append("refused")

    threads = [threading.Thread(target=replace) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert sorted(outcomes) == ["refused", "taken"]
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT count(*) FROM annotation WHERE supersedes = %s", [number]).fetchone()
    assert rows == (1,)
