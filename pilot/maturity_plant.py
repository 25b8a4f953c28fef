"""A plant with a past for assessments: months of the virtual plant in a database, written by the real ingest.

In: when it begins, how long, what is planted (an improvement, a silent machine). Out: a registered site whose readings,
events, ledger rows and dirty marks are those that messages over a broker would have made.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from ingest.message import Message
from ingest.route import Router
from ingest.writer import Writer
from kpi.running.job import run_once
from simulators.changes import Improvement, Silence
from simulators.layout import LINES, SITE
from simulators.plant import Plant
from simulators.shifts import DAY_MS, OFFSET_MS, milliseconds
from store.pool import connect, with_user
from store.queries import load
from store.registry import apply_site
from store.site_file import SiteFile

SITE_FILE = Path(__file__).with_name("data") / "demo_plant.yaml"
DAY = timedelta(days=1)
BATCH = 50
SAMPLES_PER_MESSAGE = 500
_HOUR_MS = 3_600_000
_SQL = load("maturity_plant")


@dataclass(frozen=True)
class Past:
    """What happened at the plant: production days from `first`, so many; what was planted in them."""

    first: date
    days: int
    improved_from: date | None = None
    silences: tuple[Silence, ...] = ()
    lines: tuple[str, ...] = tuple(line.key for line in LINES)
    sample_period_s: int = 600
    seed: int = 7

    @property
    def last(self) -> date:
        """The last production day."""
        return self.first + (self.days - 1) * DAY

    @property
    def until(self) -> datetime:
        """The instant after its end at which all of its values are final."""
        return datetime.fromisoformat(f"{self.last + 3 * DAY}T00:00:00+07:00")


def begin_ms(day: date) -> int:
    """The beginning of a production day, 06:00 local, in ms since 1970."""
    return milliseconds(datetime.fromisoformat(f"{day}T00:00:00+00:00")) - OFFSET_MS + 6 * _HOUR_MS


def fill(url: str, past: Past) -> Plant:
    """Register the site and let ingest store its past; gives the plant, which knows the truth of it.

    Args:
        url: the owner's address of a migrated database.
        past: what happened.
    """
    with connect(url, "maturity plant", autocommit=True) as connection:
        apply_site(connection, SiteFile.model_validate(document(past)))
    improvement = Improvement(begin_ms(past.improved_from)) if past.improved_from else None
    plant = Plant(
        seed=past.seed,
        start_ms=begin_ms(past.first),
        sample_period_ms=past.sample_period_s * 1000,
        lines=[line for line in LINES if line.key in past.lines],
        improvement=improvement,
        silences=past.silences,
    )
    writer = Writer(with_user(url, "haidang_ingest"))
    messages = _messages(plant, begin_ms(past.first) + past.days * DAY_MS)
    while batch := list(islice(messages, BATCH)):
        writer.write(batch)
    writer.close()
    return plant


def compute(url: str, past: Past) -> int:
    """Run the KPI job over the past until everything is final; gives the number of values."""
    return run_once(with_user(url, "haidang_kpi"), site=SITE, now=past.until).values_new


def multiply(url: str, past: Past, times: int) -> None:
    """Give the site so many times its assets, the new ones with the values, intervals and quality of the first."""
    first = document(past)
    copies = {name: [_renamed(part, number) for number in range(2, times + 1) for part in first[name] if _place(part)]
              for name in ("assets", "routings", "calendars")}  # fmt: skip
    whole = first | {name: [*first[name], *copies[name]] for name in copies}
    with connect(url, "maturity plant", autocommit=True) as connection:
        apply_site(connection, SiteFile.model_validate(whole))
        for name in ("multiply_values", "multiply_intervals", "multiply_quality"):
            connection.execute(_SQL[name], {"site": SITE})
        connection.execute(_SQL["after_multiplying"])


def _place(part: dict[str, Any]) -> str:
    return str(part.get("key" if "level" in part else "asset", ""))


def _renamed(part: dict[str, Any], number: int) -> dict[str, Any]:
    """The same of another hall: area `filling` becomes `filling-2`."""
    places = {name: "-".join((area, str(number))) + slash + rest
              for name in ("key" if "level" in part else "asset", "constraint") if part.get(name)
              for area, slash, rest in [part[name].partition("/")]}  # fmt: skip
    return {**part, **places}


def document(past: Past) -> dict[str, Any]:
    """The site file of the virtual plant, cut to some lines, with the sample period of the past."""
    found: dict[str, Any] = yaml.safe_load(SITE_FILE.read_text("utf-8"))
    keys = {f"{line.area}/{line.key}" for line in LINES if line.key in past.lines}
    areas = {key.partition("/")[0] for key in keys}

    def is_ours(key: str) -> bool:
        return key in areas or any(key == line or key.startswith(f"{line}/") for line in keys)

    assets = [each for each in found["assets"] if is_ours(each["key"])]
    for series in (each for asset in assets for each in asset.get("series", ())):
        if "expected_period_s" in series:
            series |= {"expected_period_s": past.sample_period_s, "max_gap_s": 3 * past.sample_period_s}
    routings = [each for each in found["routings"] if is_ours(each["asset"])]
    calendars = [each for each in found["calendars"] if is_ours(each.get("asset", next(iter(areas))))]
    return {**found, "assets": assets, "routings": routings, "calendars": calendars}


def _messages(plant: Plant, until_ms: int) -> Iterator[Message]:
    router = Router([])
    for sent in plant.history(until_ms - 1, batch=SAMPLES_PER_MESSAGE):
        source = router.source(sent.topic)
        yield Message(source, sent.payload, time.time_ns() // 1000, source.decode(sent.payload), False, 1)  # noqa: FBT003
