"""What a production day is computed from besides readings: which rows belong to it, and their digests."""

from typing import Any

import polars as pl
import pytest

from kpi.frames import ANNOTATIONS, EVENTS, RECORDS, SYMBOLS, empty
from maturity.day_context import Context, rows_digest
from maturity.read_values import are_among

LOW, HIGH = 100, 200


def event(ts: int, kind: str = "alarm", key: str = "", start: int | None = None, end: int | None = None) -> Any:
    return {"asset": "m", "ts": ts, "kind": kind, "key": key, "from_us": start, "to_us": end, "payload": "{}"}


def context(events: list[Any] | None = None, records: list[Any] | None = None) -> Context:
    return Context(
        symbols=empty(SYMBOLS),
        events=pl.DataFrame(events or [], EVENTS),
        annotations=empty(ANNOTATIONS),
        records=pl.DataFrame(records or [], RECORDS),
        carry={},
    )


def test_events_of_a_day_are_those_that_happen_in_it_last_into_it_or_still_hold() -> None:
    inside, lasting = event(150), event(90, start=90, end=101)
    holds, earlier = event(80, "job_change", "J2"), event(70, "job_change", "J1")
    run, cut = event(60, "production_run", "a", 60, 120), event(65, "production_run", "b", 65, 90)
    outside = [event(99), event(200), event(50, start=50, end=100), event(10, "production_run", "c", 10, 59)]
    found = context([*outside, inside, lasting, earlier, holds, run, cut]).events_of(LOW, HIGH)
    assert sorted(found["ts"]) == [60, 65, 80, 90, 150]


def test_a_record_that_goes_on_after_the_day_comes_with_those_that_cut_it() -> None:
    """As the KPI job reads them (store.inputs.events): where one ends its counts are, also those of before midnight."""
    on, after = event(260, "production_run", "a", 150, 260), event(300, "production_run", "b", 240, 300)
    later = event(400, "production_run", "c", 260, 400)
    found = context([on, after, later])
    assert sorted(found.events_of(LOW, HIGH)["key"]) == ["a", "b"]
    assert found.digests(LOW, HIGH) != context([on, later]).digests(LOW, HIGH)
    assert sorted(context([after, later]).events_of(LOW, HIGH)["key"]) == []


def test_a_digest_knows_rows_whatever_order_they_come_in() -> None:
    one, other = event(150, key="Ü"), event(160)
    assert rows_digest(context([one, other]).events) == rows_digest(context([other, one]).events)
    assert rows_digest(context([one, one]).events) != rows_digest(context([one]).events)
    plain = context([one]).digests(LOW, HIGH)
    assert plain["events"]["rows"] == 1
    assert plain != context([{**one, "payload": '{"good": 1}'}]).digests(LOW, HIGH)
    assert plain == context([one, event(200)]).digests(LOW, HIGH)


def test_keys_that_packages_number_do_not_count_and_all_others_do() -> None:
    def digests(kind: str, key: str) -> Any:
        record = {"asset": "m", "kind": kind, "key": key, "from_us": 110, "to_us": 150, "payload": "{}"}
        return context(records=[record]).digests(LOW, HIGH)["records"]

    assert digests("attendance", "somebody") == digests("attendance", "000000000")
    assert digests("order", "A1") != digests("order", "A2")


@pytest.mark.parametrize(("grain", "kpi", "read"), [
    ("day", "oee", True), ("shift", "oee", False), ("shift", "energy", True), ("day", "energy", False),
])  # fmt: skip
def test_a_value_is_read_by_its_grain_and_name(grain: str, kpi: str, read: bool) -> None:
    rows = pl.DataFrame({"grain": [grain], "kpi": [kpi]}, {"grain": pl.Categorical, "kpi": pl.Categorical})
    assert len(rows.filter(are_among({"oee", "shift/energy"}))) == read
