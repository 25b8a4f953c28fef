"""Catalogue, assets, intervals, rejected messages, ledger."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from api.schemas import Assets, Intervals, Kpis, LedgerPage, RejectedPage
from kpi.catalogue import CATALOGUE
from store.pool import connect
from store.serving import Scope, newest_states
from tests.integration.api.conftest import DAY, Served
from tests.support.fill import ASSETS, CAPPER, FILLER, LINE, OTHER_SITE, SITE, insert, start_of


def get(served: Served, path: str, who: str = "viewer", **query: Any) -> Any:
    answer = served.client.get(f"/v1/{path}", params=query, headers=served.headers(who))
    assert answer.status_code == 200, answer.text
    return answer.json()


def pages(served: Served, path: str, limit: int, **query: Any) -> list[Any]:
    found: list[Any] = []
    page = get(served, path, limit=limit, **query)
    while True:
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        page = get(served, path, limit=limit, cursor=page["next_cursor"], **query)


def test_the_catalogue_names_every_kpi_in_both_languages(served: Served) -> None:
    listed = {entry.id: entry for entry in Kpis.model_validate(get(served, "kpis")).items}
    assert set(listed) == set(CATALOGUE)
    oee = listed["oee"]
    assert (oee.iso_number, oee.unit, oee.direction) == (6, "1", "up")
    assert all(entry.name_vi and entry.name_en and entry.formula and entry.grains for entry in listed.values())


def test_assets_form_one_tree(served: Served) -> None:
    items = Assets.model_validate(get(served, "assets", site=SITE)).items
    assert {asset.key: asset.level for asset in items} == ASSETS
    assert {asset.key: asset.parent for asset in items} == {
        "": None,
        "hall": "",
        LINE: "hall",
        FILLER: LINE,
        CAPPER: LINE,
    }


def test_intervals_of_a_day_are_those_stored(served: Served) -> None:
    body = get(served, "intervals", site=SITE, asset=FILLER, **{"from": str(DAY)})
    found = Intervals.model_validate(body).items
    stored = [row for row in served.factory.intervals if (row["site"], row["asset"]) == (SITE, FILLER)]
    assert [(row.from_ts, row.to_ts, row.time_class) for row in found] == [
        (row["from_ts"], row["to_ts"], row["time_class"]) for row in stored
    ]
    assert sum(row.duration_s for row in found) == 24 * 3600


def test_intervals_that_overlap_a_range_are_found(served: Served) -> None:
    start = start_of(DAY) + timedelta(hours=7)
    window = {"from": start.isoformat(), "to": (start + timedelta(minutes=1)).isoformat()}
    (found,) = get(served, "intervals", site=SITE, asset=FILLER, **window)["items"]
    assert found["time_class"] == "production"


@pytest.mark.parametrize("limit", [1, 3, 19, 20])
def test_pages_of_intervals_are_complete(served: Served, limit: int) -> None:
    whole = get(served, "intervals", site=SITE)["items"]
    assert len(whole) == 20
    assert pages(served, "intervals", limit, site=SITE) == whole


def test_a_rejected_message_says_why(served: Served) -> None:
    items = RejectedPage.model_validate(get(served, "rejected", "engineer", site=SITE)).items
    assert [item.reason for item in items] == ["in_future", "undecodable"]
    assert items[1].detail.startswith("The payload is not JSON")
    assert items[1].payload_excerpt == "\ufffd\ufffd<script>alert(1)</script>"
    (only,) = get(served, "rejected", site=SITE, reason="in_future")["items"]
    assert only["reason"] == "in_future"


def test_payloads_are_for_engineers(served: Served) -> None:
    (newest, _) = get(served, "rejected", site=SITE)["items"]
    assert newest["payload_excerpt"] is None
    path = f"/v1/rejected/{newest['id']}/payload"
    refused = served.client.get(path, headers=served.headers("viewer"))
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:haidang:problem:forbidden")
    given = served.client.get(path, headers=served.headers("engineer"))
    assert given.content == b'{"ts": "2030-01-01T00:00:00Z"}'
    assert given.headers["content-disposition"].startswith("attachment")


def test_another_sites_payload_is_404(served: Served) -> None:
    items = get(served, "rejected", "admin", site=OTHER_SITE)["items"]
    answer = served.client.get(f"/v1/rejected/{items[0]['id']}/payload", headers=served.headers("engineer"))
    assert answer.status_code == 404


def test_messages_of_no_known_site_are_for_administrators(served: Served) -> None:
    def topics(who: str) -> set[str]:
        return {row["topic"].split("/")[2] for row in get(served, "rejected", who)["items"]}

    assert topics("admin") == {SITE, OTHER_SITE, "nobody"}
    assert topics("engineer") == {SITE}
    assert topics("nobody") == set()


@pytest.mark.parametrize("limit", [1, 2])
def test_pages_of_rejected_messages_are_complete(served: Served, limit: int) -> None:
    assert pages(served, "rejected", limit) == get(served, "rejected")["items"]


def test_both_accounts_add_up(served: Served) -> None:
    page = LedgerPage.model_validate(get(served, "ledger", site=SITE))
    assert page.balanced
    assert [row.messages.received for row in page.items] == [1000, 1000, 1000]
    assert (page.total.messages.received, page.total.values.stored) == (3000, 14_970)
    assert page.total.values.rejected == 6
    assert all(row.messages.balanced and row.values.balanced for row in page.items)
    assert pages(served, "ledger", 1, site=SITE) == get(served, "ledger", site=SITE)["items"]


def test_a_range_of_the_ledger(served: Served) -> None:
    start = start_of(DAY)
    window = {"from": start.isoformat(), "to": (start + timedelta(hours=2)).isoformat()}
    page = get(served, "ledger", site=SITE, **window)
    assert (len(page["items"]), page["total"]["messages"]["received"]) == (2, 2000)
    answer = served.client.get(f"/v1/ledger?site={SITE}&from={DAY}", headers=served.headers())
    assert answer.status_code == 422


def test_an_account_that_does_not_add_up_is_shown_as_such(served: Served) -> None:
    with psycopg.connect(served.database.url) as connection:
        hour = start_of(DAY) - timedelta(days=40)
        insert(
            connection,
            "ledger_delta",
            {"hour": hour, "site_id": served.factory.sites[OTHER_SITE], "received": 5, "processed": 4, "decoded": 7},
        )
    page = get(served, "ledger", "foreigner", to=(hour + timedelta(hours=1)).isoformat())
    assert page["balanced"] is False
    (row,) = page["items"]
    assert (row["device"], row["messages"]["balanced"], row["values"]["balanced"]) == (None, False, False)


def test_a_unit_is_heard_by_any_of_its_series_and_a_state_lasts_since_it_began(served: Served) -> None:
    noon = start_of(DAY) + timedelta(hours=12)
    unit = served.factory.assets[SITE, FILLER]
    with psycopg.connect(served.database.url) as connection:
        counter = {"site_id": served.factory.sites[SITE], "asset_id": unit, "name": "good_count", "kind": "counter"}
        series = insert(connection, "series", {**counter, "quantity": "good_count", "status": "active"})
        insert(connection, "reading", {"ts": noon + timedelta(hours=3), "series_id": series, "value": 7.0})
    with connect(served.database.url_for("haidang_api")) as connection:
        scope = Scope(connection, [served.factory.sites[SITE]])
        (found,) = newest_states(scope, scope.sites[0], noon - timedelta(days=3), noon + timedelta(days=1))
        assert newest_states(scope, served.factory.sites[OTHER_SITE], noon - timedelta(days=3), noon) == []
    assert (found["asset"], found["state"], found["ts"]) == (FILLER, "EXECUTE", noon)
    assert found["since"] == noon - timedelta(hours=1)
    assert found["heard"] == noon + timedelta(hours=3)
