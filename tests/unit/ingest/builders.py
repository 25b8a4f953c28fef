"""Messages and tables for tests, without broker or database."""

from typing import Any

from ingest.columns import Plan, flatten
from ingest.decode.result import Decoded, Value
from ingest.limits import DayQuota, Limits
from ingest.message import Message
from ingest.plan import make_plan
from ingest.route import Router, Source
from ingest.series_table import SeriesTable
from model.units import Conversion
from store.raw_registry import SeriesRow

NOW_US = 1_795_334_400_000_000
TOPIC = "haidang/v1/demo/area/line/unit/data"


def known_source(topic: str = TOPIC, *, device_id: int = 7) -> Source:
    """A source whose site, asset and device are registered."""
    source = Router().source(topic)
    source.site_id, source.asset_id, source.device_id = 1, 2, device_id
    return source


def message(source: Source, values: list[Value], **more: Any) -> Message:
    """A message with these values."""
    return Message(
        source, b"{}", more.pop("received_us", NOW_US), Decoded(values=values, **more.pop("decoded", {})), **more
    )


def plan_of(
    messages: list[Message],
    *,
    kinds: dict[str, str] | None = None,
    conversions: dict[str, Conversion] | None = None,
    limits: Limits | None = None,
    quota: DayQuota | None = None,
    person_key: bytes | None = b"key",
) -> tuple[Plan, SeriesTable]:
    """Plan a batch; every name is registered as a gauge unless `kinds` says otherwise."""
    table = SeriesTable()
    for ref in flatten(messages).new:
        table.add(ref)
        kind = (kinds or {}).get(ref.name, "gauge")
        interval = (900_000_000, "end") if kind == "delta" else (None, None)
        row = SeriesRow(2, ref.name, 100 + ref.index, "number", "", kind, *interval)
        table.accept(ref, row, (conversions or {}).get(ref.name, Conversion()))
    limits = limits or Limits()
    quota = quota or DayQuota(limits.new_days_per_hour)
    return make_plan(flatten(messages), table, limits, quota, lambda _source: person_key), table
