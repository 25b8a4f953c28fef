"""Prices, schedules and the surcharge for a poor power factor."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from kpi.catalogue.cost import surcharge_percent
from model.registry import Asset, Site, Tariff
from model.tariff_hours import tariff_spans
from model.tariffs import UnknownTariffError, prices, schedule

ZONE = "Asia/Ho_Chi_Minh"
WEEK_US = 7 * 86_400_000_000


@pytest.mark.parametrize(
    ("voltage_kv", "normal"), [(110, 1811), (109.9, 1833), (22, 1833), (21.9, 1899), (6, 1899), (0.4, 1987)]
)
def test_the_voltage_decides_the_row(voltage_kv: float, normal: float) -> None:
    assert prices("evn-1279", "manufacturing", voltage_kv).of_period["normal"] == normal


def test_what_is_not_shipped_is_said() -> None:
    with pytest.raises(UnknownTariffError, match="there are: business, manufacturing"):
        prices("evn-1279", "farming", 22)
    with pytest.raises(UnknownTariffError, match="963-hours"):
        schedule("2030")


@pytest.mark.parametrize(("key", "hours"), [("1279-legacy-hours", (30, 96, 42)), ("963-hours", (30, 96, 42))])
def test_a_week_is_covered_without_holes(key: str, hours: tuple[int, int, int]) -> None:
    tariff = Tariff(key=key, valid_from="1970-01-01", periods=schedule(key))
    site = Site(key="s", timezone=ZONE, assets=(Asset(key="", level="site"),), tariffs=(tariff,))
    begin = round(datetime(2026, 1, 5, tzinfo=ZoneInfo(ZONE)).astimezone(UTC).timestamp() * 1e6)
    found = dict.fromkeys(("peak", "normal", "off_peak"), 0.0)
    for span in tariff_spans(site, begin, begin + WEEK_US):
        found[span.key] += (min(span.to_us, begin + WEEK_US) - max(span.from_us, begin)) / 3.6e9
    assert tuple(found.values()) == hours


@pytest.mark.parametrize(("cos_phi", "percent"), [(0.95, 0.0), (0.9, 0.0), (0.8, 12.5), (0.6, 50.0), (0.59, 52.54)])
def test_surcharge_of_a_power_factor(cos_phi: float, percent: float) -> None:
    assert pl.select(surcharge_percent(pl.lit(cos_phi))).item() == percent
