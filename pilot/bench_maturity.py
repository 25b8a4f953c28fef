"""`haidang bench maturity`: a plant with a past of 120 days, assessed against Lighthouse OS.

A baseline, a machine that falls silent, a stretch as before, then an improvement over two windows: what was planted is
looked for in the assessments of three periods, and each is timed from stored values to the result.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from maturity.assessing import Assessment
from maturity.evaluate import Outcome
from maturity.framework import Framework
from maturity.loading import framework
from maturity.site_assessment import assess_site
from pilot.embedded import embedded_database
from pilot.maturity_plant import Past, compute, fill
from simulators.changes import Silence
from simulators.layout import SITE
from store.migrate import migrate
from store.pool import connect, with_user

FIRST = date(2026, 7, 4)
DAY = timedelta(days=1)
# Days of the plant from 0: the baseline is 0 to 29, then the filler, its critical machine, says nothing for two days.
GAP, WITH_GAP = (30, 31), 59
BEFORE, IMPROVED_FROM = 61, 62  # the last day as it was, the first one of the improvement
PLANTED = ("ARP-2.2",)  # unplanned downtime of critical machines against the baseline, in two windows


@dataclass(frozen=True)
class Stretch:
    """An assessed period: what is expected of the planted criteria, and what came."""

    what: str
    last: str
    expected: str
    found: dict[str, str]
    counts: dict[str, int]
    levels: dict[str, int]
    seconds: float
    processor_s: float

    @property
    def is_right(self) -> bool:
        """Whether every planted criterion came out as expected."""
        return set(self.found.values()) == {self.expected}


@dataclass(frozen=True)
class Options:
    """What to run, and on which database; an embedded one of its own without an address."""

    days: int = 120
    sample_period_s: int = 600
    database_url: str = ""


def past(options: Options) -> Past:
    """What happened at the plant."""
    silence = Silence("filling/bottling-1/filler", FIRST + GAP[0] * DAY, FIRST + GAP[1] * DAY)
    return Past(
        first=FIRST,
        days=options.days,
        improved_from=FIRST + IMPROVED_FROM * DAY,
        silences=(silence,),
        sample_period_s=options.sample_period_s,
    )


def main(options: Options, *, as_json: bool) -> int:
    """Make the plant, assess it, print; 0 where everything planted was found."""
    with _database(options) as url:
        done = past(options)
        began = time.monotonic()
        fill(url, done)
        filled = time.monotonic()
        compute(url, done)
        computed = time.monotonic()
        stretches = list(assessed(url, done))
    if as_json:
        sys.stdout.write(json.dumps([asdict(each) for each in stretches], indent=2) + "\n")
    else:
        _print(stretches, filled - began, computed - filled)
    return 0 if all(each.is_right for each in stretches) else 1


def assessed(url: str, done: Past) -> Iterator[Stretch]:
    """Assess the three periods that the past was made for."""
    catalogue = framework("lighthouse-os")
    periods = [
        ("two windows after the improvement", done.last, Outcome.SUPPORTED),
        ("before the improvement", done.first + BEFORE * DAY, Outcome.CONTRADICTED),
        ("with the silent machine", done.first + WITH_GAP * DAY, Outcome.NOT_ASSESSABLE),
    ]
    with connect(with_user(url, "haidang_evidence"), "bench maturity", autocommit=True) as connection:
        for what, last, expected in periods:
            began, used = time.monotonic(), time.process_time()
            found = assess_site(connection, catalogue, SITE, (last - 29 * DAY, last))
            spent = (time.monotonic() - began, time.process_time() - used)
            yield _stretch(found, catalogue, what, expected, spent)


def _stretch(
    found: Assessment, catalogue: Framework, what: str, expected: Outcome, spent: tuple[float, float]
) -> Stretch:
    outcomes = {name: found.results[name].outcome.value for name in PLANTED}
    levels = {each.key: found.stands[each.key].level for each in catalogue.principles}
    return Stretch(what, found.last.isoformat(), expected.value, outcomes, found.counts(), levels, *spent)


@contextmanager
def _database(options: Options) -> Iterator[str]:
    if options.database_url:
        yield options.database_url
        return
    with tempfile.TemporaryDirectory(prefix="haidang-bench-") as folder:
        Path(folder).chmod(0o755)  # the database server runs as another user where we are root
        with embedded_database(Path(folder) / "database", keep=False) as url:
            migrate(url)
            yield url


def _print(stretches: list[Stretch], filled_s: float, computed_s: float) -> None:
    console = Console(highlight=False, width=150)
    console.print(f"Made in {filled_s:.0f} s, KPIs in {computed_s:.0f} s")
    table = Table("period", "ends", *PLANTED, "expected", "criteria", "levels", "s", "CPU s", box=None)
    for each in stretches:
        counts = ", ".join(f"{count} {name}" for name, count in each.counts.items())
        levels = " ".join(str(level) for level in each.levels.values())
        times = (f"{each.seconds:.2f}", f"{each.processor_s:.2f}")
        table.add_row(each.what, each.last, *each.found.values(), each.expected, counts, levels, *times)
    console.print(table)
