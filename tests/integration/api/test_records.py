"""Records of other systems over the API: the refusals of the command, for engineers; findings of computations."""

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from starlette.testclient import TestClient

from api.app import create_app
from store.access import create_key
from store.pool import connect
from store.registry import apply_site
from store.site_file import SiteFile
from tests.integration.api.conftest import settings_for
from tests.integration.kpi.plant import MACHINE, document
from tests.support.database import Databases, TestDatabase

CSV = (
    "\ufeffkey,asset,from,to,inspected,failed\n"
    "I1,{m},2026-03-02T08:00,2026-03-02T09:00,100,2\nI2,nowhere,2026-03-02T08:00,,1,1\n"
)


@pytest.fixture(scope="module")
def plant(databases: Databases) -> Iterator[tuple[TestDatabase, TestClient, dict[str, str]]]:
    with databases.clone() as database:
        with connect(database.url) as connection:
            apply_site(connection, SiteFile.model_validate(document()))
            keys = {role: create_key(connection, role, role=role, sites=["plant"]) for role in ("viewer", "engineer")}
        with TestClient(create_app(settings_for(database)), raise_server_exceptions=False) as client:
            yield database, client, keys


Plant = tuple[TestDatabase, TestClient, dict[str, str]]


def ask(plant: Plant, method: str, path: str, who: str = "engineer", **more: Any) -> tuple[int, Any]:
    _, client, keys = plant
    headers = {"Authorization": f"Bearer {keys[who]}", **more.pop("headers", {})}
    params = {"site": "plant", **more.pop("params", {})}
    answer = client.request(method, f"/v1/{path}", headers=headers, params=params, **more)
    return answer.status_code, answer.json()


def test_a_table_is_imported_by_lines_and_once(plant: Plant) -> None:
    query = {"kind": "inspection", "source": "QMS"}
    table: dict[str, Any] = {
        "params": query,
        "content": CSV.format(m=MACHINE).encode(),
        "headers": {"Content-Type": "text/csv"},
    }
    refused = [{"line": 3, "reason": "asset 'nowhere' is not registered"}]
    assert ask(plant, "POST", "records", **table) == (
        200,
        {"new": 1, "changed": 0, "equal": 0, "refused": 1, "refusals": refused},
    )
    row = {"key": "I1", "asset": MACHINE, "from": "2026-03-02T08:00", "to": "2026-03-02T09:00", "inspected": 100}
    same = {"items": [{**row, "failed": 2.0, "note": None}, {"key": "I3"}]}
    refused = [{"line": 2, "reason": "has no from"}]
    assert ask(plant, "POST", "records", params=query, json=same)[1] == {
        "new": 0,
        "changed": 0,
        "equal": 1,
        "refused": 1,
        "refusals": refused,
    }
    assert ask(plant, "POST", "records", params=query, json=[{**row, "failed": 3}])[1]["changed"] == 1
    assert ask(plant, "POST", "records", params=query, json=[{**row, "key": "I0"}])[1]["new"] == 1
    status, first = ask(plant, "GET", "records", params={"limit": 1})
    assert (status, [item["key"] for item in first["items"]]) == (200, ["I0"])
    rest = ask(plant, "GET", "records", params={"limit": 1, "cursor": first["next_cursor"]})[1]["items"]
    assert [(item["key"], item["payload"]["failed"], item["source"]) for item in rest] == [("I1", 3, "QMS")]
    assert rest[0]["from_ts"] == "2026-03-02T01:00:00Z"
    later = {"from": "2026-03-03T00:00:00Z"}
    assert ask(plant, "GET", "records", params=later)[1]["items"] == []
    with connect(plant[0].url) as connection:
        audit = connection.execute("SELECT detail ->> 'new' FROM audit_log WHERE action = 'records.import'").fetchall()
        causes = connection.execute("SELECT DISTINCT cause FROM dirty_mark").fetchall()
    assert [row[0] for row in audit] == ["1", "0", "0", "1"]
    assert causes == [("registry",)]


def test_only_engineers_and_only_what_is_a_table(plant: Plant) -> None:
    query = {"kind": "order", "source": "ERP"}
    assert ask(plant, "GET", "records", "viewer")[0] == 403
    assert ask(plant, "POST", "records", "viewer", params=query, json=[])[0] == 403
    assert ask(plant, "POST", "records", params={**query, "kind": "gossip"}, json=[])[0] == 422
    assert ask(plant, "POST", "records", params=query, content=b"x", headers={"Content-Type": "text/plain"})[0] == 415
    for body in (b"{", b"3", b'["a"]'):
        given: dict[str, Any] = {"content": body, "headers": {"Content-Type": "application/json"}}
        assert ask(plant, "POST", "records", params=query, **given)[0] == 422
    for body in (b"a,b\n1,2\n", b"\xff\xfe"):
        given = {"content": body, "headers": {"Content-Type": "text/csv"}}
        assert ask(plant, "POST", "records", params=query, **given)[0] == 422
    fuel = [
        {
            "key": "F",
            "from": "2026-03-02T08:00",
            "to": "2026-03-02T09:00",
            "fuel": "unobtainium",
            "amount": 1,
            "unit": "kg",
        }
    ]
    refused = ask(plant, "POST", "records", params={**query, "kind": "fuel"}, json=fuel)[1]
    assert (refused["new"], "unobtainium" in refused["refusals"][0]["reason"]) == (0, True)


def test_findings_are_listed_with_their_days(plant: Plant) -> None:
    finding = [{"kind": "unknown_reason", "asset": MACHINE, "reason": "X"}]
    with connect(plant[0].url) as connection:
        connection.execute(
            "INSERT INTO kpi_run (site_id, from_day, to_day, started_at, readings, values_new, values_revised, "
            "finding) SELECT site_id, '2026-03-02', '2026-03-03', now(), 0, 0, 0, %s FROM site WHERE key = 'plant'",
            [Jsonb(finding)],
        )
    status, found = ask(plant, "GET", "findings", "viewer", params={"from": "2026-03-03", "to": "2026-03-04"})
    assert status == 200
    assert [(row["from_day"], row["asset"], row["kind"]) for row in found["items"]] == [
        ("2026-03-02", MACHINE, "unknown_reason")
    ]
    assert ask(plant, "GET", "findings", "viewer", params={"from": "2026-03-04"})[1]["items"] == []
    assert ask(plant, "GET", "findings", "viewer", params={"from": "2026-03-04T00:00:00Z"})[0] == 422
