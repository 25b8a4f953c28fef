"""Tariffs and relations between meters in a site file: shipped lists written out, what cannot be is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from store.site_file import SiteFile
from store.site_rows import relation_rows, tariff_rows


def meter(key: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "level": "unit", "series": [{"name": "kwh", "quantity": "active_energy"}], **more}


def file(**parts: Any) -> SiteFile:
    head = {"key": "s", "name": "S", "timezone": "Asia/Ho_Chi_Minh"}
    assets = [meter("a"), meter("b"), {"key": "c", "level": "unit"}, meter("q", kind="meter")]
    return SiteFile.model_validate({"site": head, "assets": assets, **parts})


def tariff(**more: Any) -> dict[str, Any]:
    return {"key": "t", "valid_from": "2026-01-01", **more}


def test_a_price_list_brings_its_hours_prices_source_and_vat_until_it_ends() -> None:
    rows = tariff_rows(file(tariffs=[tariff(price_list="evn-1279", voltage_kv=22, subscribed_kw=250)]))
    assert [(row["valid_from"], row["valid_to"], row["vat_rate"]) for row in rows] == [
        ("2026-01-01", "2027-01-01", 0.08),
        ("2027-01-01", None, None),
    ]
    assert rows[0]["prices"] == {"normal": 1833.0, "off_peak": 1190.0, "peak": 3398.0}
    assert {"period": "peak", "weekdays": (0, 1, 2, 3, 4, 5), "start": "09:30", "end": "11:30"} in rows[0]["periods"]
    assert (rows[0]["origin"], rows[0]["subscribed_kw"], rows[0]["currency"]) == ("stated", 250, "VND")
    assert "1279/QD-BCT" in rows[0]["source"]


def test_the_new_hours_are_used_where_a_site_names_them() -> None:
    part = tariff(price_list="evn-1279", voltage_kv=110, schedule="963-hours", vat_rate=0.1)
    rows = tariff_rows(file(tariffs=[part]))
    assert [(row["valid_to"], row["vat_rate"], row["prices"]["normal"]) for row in rows] == [(None, 0.1, 1811.0)]
    peaks = [period["start"] for period in rows[0]["periods"] if period["period"] == "peak"]
    assert peaks == ["17:30"]


OWN = {"periods": [{"period": "day", "days": ["mon"], "start": "06:00", "end": "18:00"}]}


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({"price_list": "evn-1279"}, "needs voltage_kv"),
        ({"price_list": "evn-9", "voltage_kv": 22}, "no price list 'evn-9' is shipped; there are: evn-1279"),
        ({"schedule": "964"}, "no schedule '964' is shipped"),
        ({"price_list": "evn-1279", "voltage_kv": 22, "valid_from": "2025-01-01"}, "in force from 2025-05-10"),
        ({"prices": {"day": 1.0}}, "give hours"),
        ({**OWN, "schedule": "963-hours"}, "give either schedule"),
        ({"price_list": "evn-1279", "voltage_kv": 22, "prices": {"peak": 1.0}}, "give either price_list"),
        (OWN, "need source and origin"),
    ],
)
def test_a_tariff_that_cannot_be_is_refused(part: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        file(tariffs=[tariff(**part)])


def test_relations_are_rows_and_impossible_ones_are_refused() -> None:
    found = file(relations=[{"from": "q", "to": "c", "kind": "meters", "share": 0.5}])
    assert relation_rows(found) == [
        {
            "from_asset": "q",
            "to_asset": "c",
            "kind": "meters",
            "share": 0.5,
            "valid_from": "1970-01-01T00:00:00+00:00",
            "valid_to": None,
        }
    ]
    with pytest.raises(ValidationError, match="'a' measures itself, its energy would be counted twice"):
        file(relations=[{"from": "q", "to": "a", "kind": "meters"}])
    with pytest.raises(ValidationError, match="asset 'z' is not in assets"):
        file(relations=[{"from": "q", "to": "z", "kind": "meters"}])


def test_shares_of_different_times_do_not_add_up() -> None:
    early = {"from": "q", "to": "c", "kind": "meters", "valid_to": "2026-02-01T00:00:00Z"}
    file(relations=[early, {"from": "q", "to": "c", "kind": "meters", "valid_from": "2026-02-01T00:00:00Z"}])
    with pytest.raises(ValidationError, match="add up to 2"):
        file(relations=[early, {"from": "q", "to": "c", "kind": "meters", "valid_from": "2026-01-01T00:00:00Z"}])
