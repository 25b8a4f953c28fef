import base64
import csv
import io
import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from api.schemas import Values
from tests.integration.api.conftest import DAY, Served
from tests.support.fill import CAPPER, DAYS, FILLER, LINE, OEE, SITE, start_of


def values(served: Served, kpi: str = "oee", **query: Any) -> Any:
    answer = served.client.get(f"/v1/kpis/{kpi}/values", params={"site": SITE, **query}, headers=served.headers())
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_value_comes_with_everything_that_says_how_far_to_trust_it(served: Served) -> None:
    body = values(served, asset=LINE, **{"from": str(DAY)})
    page = Values.model_validate(body)
    (value,) = page.items
    assert value.value == OEE["oee"]
    assert (value.coverage, value.completeness, value.status, value.is_final) == (0.985, 0.991, "final", True)
    assert value.window_start == start_of(DAY)
    assert value.flags == ["assume_order"]
    assert value.revision == 1
    assert page.unit == "1"
    documented = served.app.openapi()["components"]["schemas"]["ValuePublic"]
    assert set(body["items"][0]) == set(documented["properties"])


def test_a_value_that_cannot_be_is_null_with_its_reason(served: Served) -> None:
    (value,) = values(served, asset=CAPPER, **{"from": str(DAY)})["items"]
    assert (value["value"], value["status"]) == (None, "no_ideal_cycle")


def test_production_days_and_instants_choose_the_same_windows(served: Served) -> None:
    first = DAY - timedelta(days=1)
    by_day = values(served, asset=LINE, **{"from": str(first), "to": str(DAY)})
    by_time = values(served, asset=LINE, **{"from": start_of(first).isoformat(), "to": start_of(DAY).isoformat()})
    assert by_day["items"] == by_time["items"]
    assert [row["production_day"] for row in by_day["items"]] == [str(first)]


def test_several_assets_and_all_assets(served: Served) -> None:
    two = values(served, asset=[LINE, FILLER])["items"]
    assert {row["asset"] for row in two} == {LINE, FILLER}
    assert {row["asset"] for row in values(served)["items"]} == {LINE, FILLER, CAPPER}
    assert {row["asset"] for row in values(served, "energy", asset="")["items"]} == {""}


def test_variants(served: Served) -> None:
    assert {row["variant"] for row in values(served, asset=LINE)["items"]} == {""}
    assert {row["variant"] for row in values(served, asset=LINE, variant="capped")["items"]} == {"capped"}
    assert {row["variant"] for row in values(served, asset=LINE, variant="all")["items"]} == {"", "capped"}


def test_what_could_be_read_at_an_earlier_instant(served: Served) -> None:
    (now,) = values(served, "nee")["items"]
    assert (now["value"], now["revision"], now["cause"]) == (0.6, 2, ["late_data"])
    day = DAY - timedelta(days=DAYS - 1)
    (then,) = values(served, "nee", as_of=start_of(day + timedelta(days=3)).isoformat())["items"]
    assert (then["value"], then["revision"]) == (0.5, 1)
    assert values(served, "nee", as_of=start_of(day).isoformat())["items"] == []


@pytest.mark.parametrize("limit", [1, 5, 7, 24, 71, 72])
def test_pages_are_complete_and_in_order(served: Served, limit: int) -> None:
    whole = values(served, "energy", asset="", grain="hour")
    assert whole["next_cursor"] is None
    assert len(whole["items"]) == 24 * DAYS
    found: list[Any] = []
    cursor: dict[str, str] = {}
    pages = 0
    while True:
        page = values(served, "energy", asset="", grain="hour", limit=limit, **cursor)
        assert len(page["items"]) <= limit
        found += page["items"]
        pages += 1
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == whole["items"]
    assert pages == -(-24 * DAYS // limit)


def test_the_link_header_leads_to_the_next_page(served: Served) -> None:
    query = {"site": SITE, "asset": "", "grain": "hour", "limit": 10}
    first = served.client.get("/v1/kpis/energy/values", params=query, headers=served.headers())
    url = first.headers["link"].partition(">")[0].removeprefix("<")
    second = served.client.get(url, headers=served.headers())
    assert second.json()["items"][0]["value"] == 60.0


def test_a_cursor_belongs_to_its_query(served: Served) -> None:
    cursor = values(served, "energy", asset="", grain="hour", limit=1)["next_cursor"]
    for query in ({"grain": "day", "cursor": cursor}, {"grain": "hour", "cursor": "nonsense"}, {"cursor": "ü"}):
        answer = served.client.get(
            "/v1/kpis/energy/values", params={"site": SITE, "asset": "", **query}, headers=served.headers()
        )
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["name"] == "cursor"


def test_who_has_an_answer_already_gets_304(served: Served) -> None:
    query = {"site": SITE, "asset": LINE}
    first = served.client.get("/v1/kpis/oee/values", params=query, headers=served.headers())
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    again = {**served.headers(), "If-None-Match": f'"x", {tag}'}
    second = served.client.get("/v1/kpis/oee/values", params=query, headers=again)
    assert (second.status_code, second.content) == (304, b"")
    other = served.client.get("/v1/kpis/nee/values", params=query, headers=again)
    assert other.status_code == 200


@pytest.mark.parametrize("way", ["parameter", "header"])
def test_csv_has_the_same_values(served: Served, way: str) -> None:
    query = {"site": SITE, "asset": LINE, "variant": "all"}
    headers = served.headers()
    if way == "parameter":
        query["format"] = "csv"
    else:
        headers["Accept"] = "text/csv"
    answer = served.client.get("/v1/kpis/oee/values", params=query, headers=headers)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    expected = values(served, asset=LINE, variant="all")["items"]
    assert [float(row["value"]) for row in rows] == [row["value"] for row in expected]
    assert [row["window_start"] for row in rows] == [row["window_start"] for row in expected]
    assert {row["flags"] for row in rows} == {"assume_order", ""}


def test_an_unknown_kpi_is_404(served: Served) -> None:
    answer = served.client.get("/v1/kpis/happiness/values", params={"site": SITE}, headers=served.headers())
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:haidang:problem:unknown-kpi"
    assert "happiness" in answer.json()["detail"]


def test_an_unknown_asset_is_404(served: Served) -> None:
    query = {"site": SITE, "asset": "hall/line9"}
    answer = served.client.get("/v1/kpis/oee/values", params=query, headers=served.headers())
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:haidang:problem:unknown-asset")


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("grain=fortnight", "grain"),
        ("from=yesterday", "from"),
        ("as_of=2026-01-01", "as_of"),
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("limit=ten", "limit"),
        ("format=xml", "format"),
        ("from=2026-01-01&to=2025-01-01", "to"),
    ],
)
def test_a_query_that_cannot_be_read_names_its_place(served: Served, query: str, place: str) -> None:
    answer = served.client.get(f"/v1/kpis/oee/values?site={SITE}&{query}", headers=served.headers())
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [each["name"] for each in answer.json()["errors"]] == [place]


def test_a_missing_site_is_422(served: Served) -> None:
    answer = served.client.get("/v1/kpis/oee/values", headers=served.headers())
    assert (answer.status_code, answer.json()["errors"][0]["name"]) == (422, "site")


def test_hostile_text_is_data(served: Served) -> None:
    hostile = quote("'; DROP TABLE kpi_value; -- \x00")
    for name in ("site", "asset", "shift", "product", "job", "variant"):
        query = f"site={hostile}" if name == "site" else f"site={SITE}&{name}={hostile}"
        answer = served.client.get(f"/v1/kpis/oee/values?{query}", headers=served.headers())
        assert answer.status_code == 422, (name, answer.text)
        hostile_only = hostile.removesuffix("%00")
        answer = served.client.get(
            f"/v1/kpis/oee/values?{query.replace(hostile, hostile_only)}", headers=served.headers()
        )
        assert answer.status_code in {200, 404}, (name, answer.text)
    assert values(served)["items"]


def test_a_forged_cursor_is_422(served: Served) -> None:
    cursor = values(served, "energy", asset="", grain="hour", limit=1)["next_cursor"]
    place = json.loads(base64.urlsafe_b64decode(cursor + "=="))
    place[1]["asset"] = 10**12
    forged = base64.urlsafe_b64encode(json.dumps(place).encode()).decode()
    query = {"site": SITE, "asset": "", "grain": "hour", "cursor": forged}
    assert served.client.get("/v1/kpis/energy/values", params=query, headers=served.headers()).status_code == 422
