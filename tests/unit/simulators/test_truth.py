"""The truth against itself and against a second, slower reading of the messages."""

import json
from bisect import bisect_right
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from simulators import truth
from simulators.layout import describe
from simulators.shifts import milliseconds
from tests.unit.simulators.plants import DAY_MS, FRIDAY_MORNING, long_weekend, simulate

LIMIT_MS = 300_000


def _span(row: dict[str, Any]) -> tuple[int, int]:
    return milliseconds(datetime.fromisoformat(row["from"])), milliseconds(datetime.fromisoformat(row["to"]))


def test_classes_partition_every_window_exactly() -> None:
    for row in long_weekend().rows("unit"):
        begin, end = _span(row)
        assert sum(row["time_us"].values()) == (end - begin) * 1000
        assert min(row["time_us"].values()) >= 0


def test_windows_follow_each_other_from_start_to_end() -> None:
    rows = [row for row in long_weekend().rows("unit") if row["asset"] == "moulding/cell-1/imm-1"]
    assert [row["shift"] for row in rows[:9]] == ["morning", "afternoon", "night"] * 2 + ["morning", "afternoon", None]
    assert _span(rows[0])[0] == FRIDAY_MORNING
    assert _span(rows[-1])[1] == FRIDAY_MORNING + 5 * DAY_MS
    assert all(_span(before)[1] == _span(after)[0] for before, after in pairwise(rows))


def test_night_belongs_to_the_day_it_began() -> None:
    night = next(row for row in long_weekend().rows("unit") if row["shift"] == "night")
    assert night["production_date"] == "2026-11-06"
    assert datetime.fromisoformat(night["to"]).date().isoformat() == "2026-11-06"  # 23:00 UTC
    assert datetime.fromisoformat(night["to"]).hour == 23


def test_break_of_the_bottling_line_is_planned_down() -> None:
    for row in long_weekend().rows("unit"):
        expected = 1800 if row["asset"].startswith("filling") and row["shift"] else 0
        assert row["time_us"]["planned_down"] == expected * 1_000_000


def test_the_night_of_a_sunday_is_not_scheduled_and_makes_nothing() -> None:
    free = [row for row in long_weekend().rows("unit") if row["shift"] is None]
    assert len(free) == 6
    for row in free:
        assert row["time_us"]["not_scheduled"] == DAY_MS // 3 * 1000
        assert (row["good"], row["reject"], row["products"]) == (0, 0, [])


def test_oee_of_five_days_is_believable() -> None:
    for unit in {row["asset"] for row in long_weekend().rows("unit")}:
        rows = [row for row in long_weekend().rows("unit") if row["asset"] == unit]
        busy = sum(v for row in rows for k, v in row["time_us"].items() if k in truth.CLASSES[:7])
        made = sum(row["good"] + row["reject"] for row in rows)
        ideal_us = sum(row["ideal_us"] for row in rows)
        assert 0.55 < ideal_us * sum(row["good"] for row in rows) / made / busy < 0.85


def test_products_of_a_window_add_up() -> None:
    for row in long_weekend().rows("unit"):
        assert sum(p["pieces"] for p in row["products"]) == row["good"] + row["reject"]
        ideal = sum(p["pieces"] * p["ideal_cycle_s"] for p in row["products"])
        assert ideal * 1e6 == pytest.approx(row["ideal_us"], rel=1e-12)


def test_cut_windows_are_marked() -> None:
    rows = simulate(2, 0.4).rows("unit")
    assert [row["complete"] for row in rows[:2]] == [True, False]


def test_rows_survive_the_file(tmp_path: Path) -> None:
    truth.write(tmp_path / "truth.jsonl", long_weekend().truth)
    lines = (tmp_path / "truth.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == list(long_weekend().truth)


# -- against the messages ---------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["good", "reject"])
def test_pieces_equal_the_counters_at_the_borders(field: str) -> None:
    readings = {path: dict(found) for path, found in long_weekend().readings(f"{field}_count").items()}
    for row in long_weekend().rows("unit"):
        begin, end = _span(row)
        counter = readings[row["asset"]]
        assert counter[end] - counter[begin] == row[field]


def test_energy_equals_the_registers_at_the_borders() -> None:
    readings = {path: dict(found) for path, found in long_weekend().readings("energy_kwh").items()}
    for row in long_weekend().rows("meter"):
        begin, end = _span(row)
        register = readings[row["asset"]]
        assert register[end] - register[begin] == pytest.approx(row["energy_kwh"], rel=1e-9)


def test_pieces_per_product_equal_the_counters_at_the_changes() -> None:
    weekend = long_weekend()
    good, bad, products = (weekend.readings(name) for name in ("good_count", "reject_count", "product"))
    for path, changes in products.items():
        made: dict[str, int] = {}
        ends = [ts for ts, _ in changes[1:]] + [FRIDAY_MORNING + 5 * DAY_MS]
        for (begin, product), end in zip(changes, ends, strict=True):
            pieces = [dict(counter[path])[end] - dict(counter[path])[begin] for counter in (good, bad)]
            made[product] = made.get(product, 0) + sum(pieces)
        rows = [row for row in weekend.rows("unit") if row["asset"] == path]
        assert {key: pieces for key, pieces in made.items() if pieces} == {
            product["key"]: sum(p["pieces"] for row in rows for p in row["products"] if p["product"] == product["key"])
            for line in describe()["lines"]
            for product in line["products"]
            if path.startswith(f"{line['area']}/")
        }


def test_time_classes_equal_a_second_reading_of_the_states() -> None:
    weekend = long_weekend()
    reasons = weekend.readings("stop_reason")
    for path, found in weekend.readings("state").items():
        reasoned = {ts for ts, _ in reasons[path]}
        ticks = _classes_by_change(found, reasoned, path)
        for row in weekend.rows("unit"):
            if row["asset"] == path:
                assert _sums(ticks, *_span(row)) == {k: v for k, v in row["time_us"].items() if v}


def _classes_by_change(found: list[tuple[int, str]], reasoned: set[int], path: str) -> list[tuple[int, str]]:
    """Cut the state line at every change and every calendar border, then name the pieces."""
    borders = {begin for begin, _, _ in _planned(path)} | {end for _, end, _ in _planned(path)}
    changes = [found[0], *(now for last, now in pairwise(found) if now[1] != last[1])]
    begins = [ts for ts, _ in changes]
    cuts = sorted({ts for ts in borders if ts > FRIDAY_MORNING} | set(begins))
    named = []
    for cut in cuts:
        start, state = changes[bisect_right(begins, cut) - 1]
        label = next((label for begin, end, label in _planned(path) if begin <= cut < end), "")
        time_class, sub_class = describe()["state_classes"][state]
        plain = state in {"STOPPED", "IDLE"} and start not in reasoned
        named.append((cut, label or "/".join(filter(None, (time_class, sub_class))), plain and not label))
    named.append((FRIDAY_MORNING + 5 * DAY_MS, "end", False))
    return [(at, _micro(named, place) if plain else label) for place, (at, label, plain) in enumerate(named)]


def _micro(named: list[tuple[int, str, bool]], place: int) -> str:
    before, after = named[place - 1][1] if place else "", named[place + 1][1]
    short = named[place + 1][0] - named[place][0] <= LIMIT_MS
    return "delay/micro_stop" if short and before == after == "production" else "delay/other"


def _planned(path: str) -> list[tuple[int, int, str]]:
    day = datetime.fromisoformat("2026-11-06T06:00:00+07:00")
    found = []
    for number in range(5):
        begin = day + timedelta(days=number)
        free_night = begin.weekday() == 6
        if path.startswith("filling"):
            rests = [begin + timedelta(hours=hours) for hours in ((4, 12) if free_night else (4, 12, 20))]
            found += [(rest, rest + timedelta(minutes=30), "planned_down") for rest in rests]
        if free_night:
            found.append((begin + timedelta(hours=16), begin + timedelta(days=1), "not_scheduled"))
    return [(milliseconds(begin), milliseconds(end), label) for begin, end, label in found]


def _sums(ticks: list[tuple[int, str]], begin: int, end: int) -> dict[str, int]:
    sums: dict[str, int] = {}
    for (at, label), (until, _) in pairwise(ticks):
        overlap = min(until, end) - max(at, begin)
        if overlap > 0:
            sums[label] = sums.get(label, 0) + overlap * 1000
    return sums


def test_120_days_at_coarse_sampling_add_up() -> None:
    plant = simulate(3, 120, period_s=300, batch=200).plant
    rows = [row for row in plant.truth() if row["kind"] == "unit"]
    assert len({row["production_date"] for row in rows}) == 120
    for unit in {row["asset"] for row in rows}:
        total = sum(sum(row["time_us"].values()) for row in rows if row["asset"] == unit)
        assert total == 120 * DAY_MS * 1000
