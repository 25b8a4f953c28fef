"""Rejected messages are settled by engineers: tried again, put aside, taken out; all of it is in the audit log."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from api.app import create_app
from store.access import create_key
from store.pool import connect
from tests.integration.api.conftest import DAY, Served, settings_for
from tests.support.database import Databases
from tests.support.fill import OTHER_SITE, SITE, fill, insert


@pytest.fixture
def served(databases: Databases) -> Iterator[Served]:
    """One of its own: these tests change what is there."""
    with databases.clone() as database:
        factory = fill(database.url, DAY)
        with connect(database.url) as connection:
            roles = {"viewer": "viewer", "engineer": "engineer", "admin": "admin"}
            keys = {name: create_key(connection, name, role=role, sites=[SITE]) for name, role in roles.items()}
        app = create_app(settings_for(database))
        with TestClient(app, raise_server_exceptions=False) as client:
            yield Served(database, factory, app, client, keys)


def post(served: Served, path: str, who: str = "engineer", **query: Any) -> tuple[int, Any]:
    answer = served.client.post(f"/v1/rejected{path}", params=query, headers=served.headers(who))
    return answer.status_code, answer.json()


def rows(served: Served, statement: str) -> list[Any]:
    with psycopg.connect(served.database.url) as connection:
        return connection.execute(statement).fetchall()


def ids(served: Served, who: str = "engineer", **query: Any) -> list[int]:
    answer = served.client.get("/v1/rejected", params=query, headers=served.headers(who))
    return [item["id"] for item in answer.json()["items"]]


def test_a_replay_is_asked_for_once(served: Served) -> None:
    newest, oldest = ids(served)
    nothing = {"found": 0, "asked": 0, "waiting": 0, "not_replayable": 0, "more": 0}
    assert post(served, f"/{oldest}/replay") == (202, {**nothing, "found": 1, "asked": 1})
    assert post(served, f"/{oldest}/replay") == (202, {**nothing, "found": 1, "waiting": 1})
    assert post(served, "/replay", site=SITE) == (202, {**nothing, "found": 2, "asked": 1, "waiting": 1})
    who = "SELECT rejected_message_id, name FROM replay_request JOIN account USING (account_id) ORDER BY 1"
    assert rows(served, who) == [(oldest, "engineer"), (newest, "engineer")]
    audit = "SELECT action, object, detail->>'asked' FROM audit_log WHERE action LIKE 'rejected.%' ORDER BY at"
    assert rows(served, audit) == [
        ("rejected.replay", str(oldest), "1"),
        ("rejected.replay", str(oldest), "0"),
        ("rejected.replay", "", "1"),
    ]
    listed = served.client.get("/v1/rejected", headers=served.headers("engineer")).json()["items"][0]
    assert (listed["requested_at"] is not None, listed["done_at"], listed["outcome"]) == (True, None, None)


def test_a_selection_takes_the_oldest_up_to_its_limit(served: Served) -> None:
    status, body = post(served, "/replay", "admin", limit=2)
    assert (status, body["found"], body["asked"], body["more"]) == (202, 6, 2, 4)
    assert post(served, "/replay", "admin", reason="in_future", topic=f"haidang/v1/{OTHER_SITE}/")[1]["asked"] == 1
    assert post(served, "/replay", "admin", to="2020-01-01T00:00:00Z")[1]["found"] == 0
    assert post(served, "/replay", "admin", to="2020-01-01")[0] == 422


def test_what_is_settled_or_was_not_kept_whole_cannot_be_replayed(served: Served) -> None:
    newest, oldest = ids(served)
    with psycopg.connect(served.database.url) as connection:
        connection.execute("UPDATE rejected_message SET replayable = false WHERE rejected_message_id = %s", [newest])
    status, problem = post(served, f"/{newest}/replay")
    assert (status, problem["type"]) == (409, "urn:haidang:problem:not-replayable")
    assert post(served, "/replay", site=SITE)[1] == {
        "found": 2,
        "asked": 1,
        "waiting": 0,
        "not_replayable": 1,
        "more": 0,
    }
    assert post(served, f"/{newest}/dismiss") == (200, {"dismissed": 1})
    status, problem = post(served, f"/{newest}/replay")
    assert (status, problem["detail"]) == (409, f"Message {newest} is dismissed already.")
    assert post(served, f"/{newest}/dismiss")[0] == 409
    assert ids(served, status="open") == [oldest]


def test_only_engineers_settle_and_only_what_is_theirs(served: Served) -> None:
    ours = ids(served)[0]
    for path in (f"/{ours}/replay", f"/{ours}/dismiss", "/replay", "/dismiss"):
        assert post(served, path, "viewer")[0] == 403
    theirs = ids(served, "admin", site=OTHER_SITE)[0]
    assert post(served, f"/{theirs}/replay")[0] == 404
    assert post(served, "/dismiss", site=OTHER_SITE)[0] == 404
    assert post(served, "/dismiss") == (200, {"dismissed": 2})
    assert rows(served, "SELECT count(*) FROM rejected_message WHERE status = 'dismissed'") == [(2,)]
    assert post(served, "/dismiss", "admin") == (200, {"dismissed": 4})  # those of no known site among them


def test_a_script_of_another_site_is_refused(served: Served) -> None:
    headers = {**served.headers("engineer"), "Origin": "https://evil.example"}
    assert served.client.post("/v1/rejected/dismiss", headers=headers).status_code == 403


def test_the_export_holds_every_byte(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.routes.replays.PAGE", 1)
    assert served.client.get("/v1/rejected/export", headers=served.headers()).status_code == 403
    answer = served.client.get("/v1/rejected/export", params={"site": SITE}, headers=served.headers("engineer"))
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["reason"] for line in lines] == ["undecodable", "in_future"]
    assert base64.b64decode(lines[0]["payload"]) == b"\x00\x01<script>alert(1)</script>"
    assert lines[0]["replayable"] is True
    short = served.client.get("/v1/rejected/export", params={"limit": 1}, headers=served.headers("engineer"))
    assert len(short.text.splitlines()) == 1


def test_the_buttons_of_the_console(served: Served) -> None:
    newest, oldest = ids(served)
    client = TestClient(served.app, headers={"Accept-Language": "en"}, follow_redirects=False)
    assert client.post(f"/rejected/{oldest}/replay").headers["location"] == "/login"
    client.post("/login", data={"key": served.keys["engineer"]})
    page = client.get("/").text
    assert f'action="/rejected/{newest}/replay"' in page
    answer = client.post(f"/rejected/{oldest}/replay", data={"site": SITE, "day": str(DAY)})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/?site={SITE}&day={DAY}#part-rejected")
    page = client.get("/").text
    assert f'action="/rejected/{oldest}/replay"' not in page
    assert "waits for its replay" in page
    assert client.post(f"/rejected/{newest}/dismiss", data={"site": SITE}).status_code == 303
    assert client.post("/rejected/replay", data={"site": SITE}).status_code == 303
    assert rows(served, "SELECT status FROM rejected_message WHERE site_id IS NOT NULL ORDER BY rejected_message_id")[
        :2
    ] == [("open",), ("dismissed",)]
    foreign = client.post(f"/rejected/{oldest}/dismiss", headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    viewer = TestClient(served.app, follow_redirects=False)
    viewer.post("/login", data={"key": served.keys["viewer"]})
    assert 'action="/rejected/' not in viewer.get("/").text
    assert viewer.post(f"/rejected/{oldest}/replay", data={"site": SITE}).status_code == 403


def test_conflicts_are_listed_newest_first(served: Served) -> None:
    site = served.factory.sites[SITE]
    unit = next(number for (key, path), number in served.factory.assets.items() if key == SITE and path)
    with psycopg.connect(served.database.url) as connection:
        series = connection.execute("SELECT series_id FROM series WHERE site_id = %s LIMIT 1", [site]).fetchone()
        assert series is not None
        for value in (1.5, 2.5):
            both = {"stored": '{"value": 1.0}', "received": json.dumps({"value": value})}
            of_series = {"site_id": site, "series_id": series[0], "ts": "2026-03-09Z"}
            insert(connection, "reading_conflict", {**of_series, **both})
        event = {"event_kind": "job_change", "event_key": "J", "asset_id": unit}
        insert(connection, "reading_conflict", {"site_id": site, "ts": "2026-03-09Z", **event, **both})
    page = served.client.get("/v1/conflicts", params={"limit": 2}, headers=served.headers()).json()
    assert [(row["name"], row["received"]["value"]) for row in page["items"]] == [("job_change", 2.5), ("state", 2.5)]
    more = {"limit": 2, "cursor": page["next_cursor"]}
    rest = served.client.get("/v1/conflicts", params=more, headers=served.headers()).json()
    assert [row["stored"] for row in rest["items"]] == [{"value": 1.0}]
    assert rest["next_cursor"] is None
    late = {"from": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
    assert served.client.get("/v1/conflicts", params=late, headers=served.headers()).json()["items"] == []
    with connect(served.database.url) as connection:
        served.keys["other"] = create_key(connection, "other", sites=[OTHER_SITE])
    assert served.client.get("/v1/conflicts", headers=served.headers("other")).json()["items"] == []
