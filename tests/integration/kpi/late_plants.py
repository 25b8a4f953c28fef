"""Generated plants for deliveries that come late: a site file, and everything that is ever said about the plants.

In: chance. Out: `site_of` and `life_of` (readings, events, corrections, business records), `deliveries` (what is known
when: nearly all at first, then of one sort of news after the other one short stretch of some plants).
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from tests.unit.kpi.compute import fleet_records, fleet_signals
from tests.unit.kpi.compute.fleet_signals import QUARTER, Row
from tests.unit.kpi.compute.plants import MINUTE, MODELS, MODES

Sort = Literal["readings", "changes", "runs", "notes", "records"]
SORTS: tuple[Sort, ...] = ("readings", "changes", "runs", "notes", "records")
DAYS = 3
LENGTH = DAYS * 1440  # minutes in which something is said
REASONS = [
    {"key": "jam", "time_class": "delay", "sub_class": "fault"},
    {"key": "change", "time_class": "setup"},
    {"key": "meeting", "time_class": "planned_down"},
    {"key": "other"},
]
RULES: tuple[dict[str, str], ...] = (
    {},
    {"roll_up": "parallel"},
    {"roll_up": "constraint", "constraint": "{line}/m1"},
    {"roll_up": "last", "last": "{line}/m2"},
)
_SIGNALLED = ("state", "mode", "told", "meter", "power", "grid", "quarters")


@dataclass(frozen=True)
class Said:
    """One thing that is said about a plant, at an instant (µs) of its life; `what` as its sort wants it."""

    sort: Sort
    line: str
    at_us: int
    what: tuple[Any, ...]


def site_of(chance: Random, lines: Iterable[str]) -> dict[str, Any]:
    """The parts of a site file for some plants, each a line of two machines."""
    assets = [asset for line in lines for asset in _assets(chance, line)]
    keys = [asset["key"] for asset in assets if asset["level"] == "unit"]
    stops = [{"key": "lunch", "start": "11:30", "end": "12:00"}] if chance.random() < 0.5 else []
    shifts = [
        {"shift": name, "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "start": begin, "end": end}
        for name, begin, end in [("A", "06:00", "14:00"), ("B", "14:00", "22:00"), ("C", "22:00", "06:00")]
    ]
    return {
        "assets": assets,
        "reasons": REASONS,
        "products": [{"key": "p"}, {"key": "q"}],
        "routings": [{"ideal_cycle_s": 10.0, "source": "t"}, {"ideal_cycle_s": 7.0, "product": "p", "source": "t"}],
        "calendars": [{"shifts": shifts[: chance.choice([1, 2, 3])], "planned_stops": stops}],
        "jobs": [job for key in keys for job in _jobs(chance, key)],
    }  # fmt: skip


def _assets(chance: Random, line: str) -> Iterator[dict[str, Any]]:
    has = {name: chance.random() < 0.5 for name in _SIGNALLED}
    gap = chance.choice([{}, {"max_gap_s": 3600}])
    quarter = {"kind": "delta", "interval_s": 900, "interval_label": chance.choice(["start", "end"])}
    own: list[dict[str, Any]] = [{"name": "good_count", "quantity": "good_count", "counter_rule": _rule(chance), **gap}]
    own += [{"name": "state", "quantity": "state"}] if has["state"] or chance.random() < 0.5 else []
    own += [{"name": "mode", "quantity": "mode", "kind": "state"}] if has["mode"] else []
    own += [{"name": "told", "quantity": chance.choice(["job", "product"]), "kind": "state"}] if has["told"] else []
    meter = {"quantity": "active_energy", "counter_rule": "false_zero", "expected_period_s": 360, **gap}
    own += [{"name": "meter", **meter}] if has["meter"] else []
    power = [{"name": "power", "quantity": "active_power", "kind": "gauge", **gap}] if has["power"] else []
    grid = [{"name": "quarters", "quantity": "active_energy", **quarter}] if has["quarters"] else []
    unit = {
        "assume_order": chance.random() < 0.5,
        "micro_stop_limit_s": chance.choice([0, 300, 2400]),
        "state_model": chance.choice(sorted(MODELS)),
    }
    unit |= chance.choice([{}, {"max_silence_s": 5400}])
    rule = {name: text.format(line=line) for name, text in chance.choice(RULES).items()}
    yield {"key": line, "level": "line", "series": grid, **rule}
    yield {"key": f"{line}/m1", "level": "unit", "series": own, **unit}
    yield {"key": f"{line}/m2", "level": "unit", "series": power}


def _rule(chance: Random) -> str:
    return chance.choice(["reset", "false_zero"])


def _jobs(chance: Random, key: str) -> Iterator[dict[str, Any]]:
    for number in range(chance.choice([0, 1, 2])):
        day, hour = chance.randint(1, 3), chance.randint(0, 23)
        job = {"asset": key, "key": f"o{number}", "from": f"2026-03-0{day}T{hour:02}:10:00+07:00"}
        end = {"to": f"2026-03-0{day + 1}T{hour:02}:40:00+07:00"} if chance.random() < 0.8 else {}
        yield {**job, **end, **chance.choice([{}, {"product": "q"}])}


def life_of(chance: Random, asset: dict[str, Any], line: str, start: int) -> Iterator[Said]:
    """Everything that is said about one asset of a plant."""
    key = asset["key"]
    for series in asset["series"]:
        for row in _rows(chance, series, asset, start):
            if row[0] < start + LENGTH * MINUTE:
                yield Said("readings", line, row[0], (f"{key}/{series['name']}", *row))
    if asset["level"] == "line":
        for note in fleet_records.corrections(chance, line, start):
            yield Said("notes", line, note[1], note)
        for record in fleet_records.business(chance, line, start):
            yield Said("records", line, record[4] or record[3], record)
        return
    for event in fleet_records.changes(chance, key, start):
        yield Said("changes", line, event[1], event)
    if not any(series["quantity"] == "state" for series in asset["series"]):
        for run in _runs(chance, key, start):
            yield Said("runs", line, run[1], run)


def _runs(chance: Random, key: str, start: int) -> Iterator[fleet_records.Event]:
    """Records of slots, some within others, some longer than a day."""
    yield from fleet_records.runs(chance, key, start)
    for number in range(chance.choice([0, 2, 4])):
        begin = start + chance.randint(0, LENGTH - 600) * MINUTE
        payload = {"product": "p", "cycles": chance.choice([0, 50, 200]), "good": chance.randint(0, 90)}
        end = begin + chance.choice([90, 600, 1500]) * MINUTE
        yield key, begin, "production_run", f"x{number}", begin, end, json.dumps(payload)


def _rows(chance: Random, series: dict[str, Any], asset: dict[str, Any], start: int) -> list[Row]:
    def at(mean: int) -> list[int]:
        return fleet_signals.instants(chance, start, 1, mean)

    names = MODELS[asset.get("state_model", "packml")]
    match series["name"]:
        case "state":
            return fleet_signals.told(chance, at(chance.choice([60, 120])), [*names, names[0], names[0], None])
        case "mode":
            return fleet_signals.told(chance, at(1500), [*MODES, None])
        case "told":
            return fleet_signals.told(chance, at(900), ["j1", "p", "q", "", None])
        case "quarters":
            return [row for row in fleet_signals.quarters(chance, start) if (row[0] // QUARTER) % 3 == 0]
        case "power":
            return fleet_signals.power(chance, at(400))
        case name:
            return fleet_signals.counts(chance, at(200), factor=1.7 if name == "meter" else 1.0)


def deliveries(chance: Random, everything: list[Said], lines: list[str], later: int) -> list[list[Said]]:
    """What comes when: nearly all at first, then sort after sort what was said of some plants in a short stretch."""
    begin = min(each.at_us for each in everything)
    found: list[list[Said]] = [[] for _ in range(later + 1)]
    late: dict[tuple[str, Sort], tuple[int, int, int]] = {}
    for number, sort in enumerate(chance.sample(SORTS, later), 1):
        for line in lines:
            since = begin + chance.randint(0, LENGTH) * MINUTE
            until = since + chance.choice([60, 300, 1500]) * MINUTE
            late[line, sort] = number if chance.random() < 0.7 else 0, since, until
    for each in everything:
        number, since, until = late.get((each.line, each.sort), (0, 0, 0))
        is_late = since <= each.at_us < until and (each.sort != "readings" or chance.random() < 0.6)
        found[number if is_late else 0].append(each)
    return found
