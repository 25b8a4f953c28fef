"""`haidang bench maturity`: a plant with a past of 120 days, assessed against Lighthouse OS.

A baseline, a machine that falls silent, a stretch as before, then an improvement over two windows: what was planted is
looked for in the assessments of three periods, its size beside the plant's own truth, and each assessment is timed from
stored values to the result; at last that of a plant of several times the machines.
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

from maturity.evaluate import CriterionResult, Outcome
from maturity.loading import framework
from maturity.site_assessment import assess_site
from pilot.embedded import embedded_database
from pilot.maturity_plant import Past, compute, fill, multiply
from simulators.changes import Silence
from simulators.layout import SITE
from simulators.plant import Plant
from store.migrate import migrate
from store.pool import connect, with_user

FIRST = date(2025, 9, 3)  # no public holiday until the new year: the virtual plant works on them, its calendar does not
DAY = timedelta(days=1)
# Days of the plant from 0: the baseline is 0 to 29, then the filler, its critical machine, says nothing for two days.
GAP, WITH_GAP = (30, 31), 59
BEFORE, IMPROVED_FROM = 61, 62  # the last day as it was, the first one of the improvement
# Against the baseline, in two windows: unplanned downtime of critical machines, changeovers, energy while idle.
PLANTED = ("ARP-2.2", "ARP-2.3", "EMS-2.3")
SILENT = "filling/bottling-1/filler"  # the only critical machine; the other criteria speak of all machines
SHORTER_SETUP = 0.6  # as the improvement makes them
SAME = 0.02  # between what was assessed and the truth


@dataclass(frozen=True)
class Stretch:
    """An assessed period: what is expected of the planted criteria, and what came."""

    what: str
    last: str
    expected: dict[str, str]
    found: dict[str, str]
    sizes: dict[str, float]
    completeness: float
    counts: dict[str, int]
    levels: dict[str, int]
    seconds: float
    processor_s: float

    @property
    def is_right(self) -> bool:
        """Whether every planted criterion came out as expected."""
        return {name: self.found[name] for name in self.expected} == self.expected


@dataclass(frozen=True)
class Options:
    """What to run, and on which database; an embedded one of its own without an address."""

    days: int = 120
    sample_period_s: int = 600
    database_url: str = ""
    halls: int = 4


def past(options: Options) -> Past:
    """What happened at the plant."""
    silence = Silence(SILENT, FIRST + GAP[0] * DAY, FIRST + GAP[1] * DAY)
    return Past(
        first=FIRST,
        days=options.days,
        improved_from=FIRST + IMPROVED_FROM * DAY,
        silences=(silence,),
        sample_period_s=options.sample_period_s,
    )


def main(options: Options, *, as_json: bool) -> int:
    """Make the plant, assess it, print; 0 where everything planted was found, at about its size."""
    with _database(options) as url:
        done = past(options)
        began = time.monotonic()
        plant = fill(url, done)
        filled = time.monotonic()
        compute(url, done)
        computed = time.monotonic()
        stretches = list(assessed(url, done))
        if options.halls > 1:
            multiply(url, done, options.halls)
            stretches.append(_assessed(url, f"{options.halls} times the machines", done.last, {}))
    wanted = {"ARP-2.2": _true_downtime(plant, done), "ARP-2.3": SHORTER_SETUP}
    sizes = {name: (stretches[0].sizes[name], size) for name, size in wanted.items()}
    if as_json:
        plain = {"periods": [asdict(each) for each in stretches], "sizes": sizes}
        sys.stdout.write(json.dumps(plain, indent=2) + "\n")
    else:
        _print(stretches, sizes, filled - began, computed - filled)
    is_right = all(abs(found - true) <= SAME for found, true in sizes.values())
    return 0 if is_right and all(each.is_right for each in stretches) else 1


def assessed(url: str, done: Past) -> Iterator[Stretch]:
    """Assess the three periods that the past was made for."""
    good, bad, unknown = Outcome.SUPPORTED, Outcome.CONTRADICTED, Outcome.NOT_ASSESSABLE
    periods = [
        ("two windows after the improvement", done.last, dict.fromkeys(PLANTED, good)),
        ("before the improvement", done.first + BEFORE * DAY, dict.fromkeys(PLANTED, bad)),
        ("with the silent machine", done.first + WITH_GAP * DAY, {"ARP-2.2": unknown, "ARP-2.3": bad}),
    ]
    for what, last, expected in periods:
        yield _assessed(url, what, last, {name: outcome.value for name, outcome in expected.items()})


def _assessed(url: str, what: str, last: date, expected: dict[str, str]) -> Stretch:
    catalogue = framework("lighthouse-os")
    with connect(with_user(url, "haidang_evidence"), "bench maturity", autocommit=True) as connection:
        began, used = time.monotonic(), time.process_time()
        found = assess_site(connection, catalogue, SITE, (last - 29 * DAY, last))
        spent = (time.monotonic() - began, time.process_time() - used)
    return Stretch(
        what,
        last.isoformat(),
        expected,
        {name: found.results[name].outcome.value for name in PLANTED},
        {name: size for name in PLANTED if (size := _to_baseline(found.results[name])) is not None},
        found.results["ADD-2.2"].newest.conditions[0].value or 0.0,
        found.counts(),
        {each.key: found.stands[each.key].level for each in catalogue.principles},
        *spent,
    )


def _to_baseline(result: CriterionResult) -> float | None:
    """What was measured in the newest window, over its baseline."""
    pairs = [(each.value, each.baseline.value) for each in result.newest.conditions if each.baseline is not None]
    return next((value / base for value, base in pairs if value is not None and base), None)


def _true_downtime(plant: Plant, done: Past) -> float:
    """Unplanned downtime of the critical machine in the last 30 days over that of the baseline, by its own history."""
    rows = [each for each in plant.truth() if each["asset"] == SILENT]
    first = [done.first.isoformat(), (done.first + 29 * DAY).isoformat()]
    last = [(done.last - 29 * DAY).isoformat(), done.last.isoformat()]
    after, before = (_downtime([row["time_us"] for row in rows if low <= row["production_date"] <= high])
                     for low, high in (last, first))  # fmt: skip
    return after / before


def _downtime(windows: list[dict[str, int]]) -> float:
    total = {name: sum(each[name] for each in windows) for name in windows[0]}
    delay = sum(lasts for name, lasts in total.items() if name.startswith("delay"))
    return delay / (delay + total["production"] + total["setup"])


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


def _print(stretches: list[Stretch], sizes: dict[str, tuple[float, float]], filled_s: float, computed_s: float) -> None:
    console = Console(highlight=False, width=200)
    console.print(f"Made in {filled_s:.0f} s, KPIs in {computed_s:.0f} s")
    table = Table("period", "ends", *PLANTED, "as planted", "data there", "criteria", "levels", "s", "CPU s", box=None)
    for each in stretches:
        counts = ", ".join(f"{count} {name}" for name, count in each.counts.items())
        levels = " ".join(str(level) for level in each.levels.values())
        right = ("yes" if each.is_right else "NO") if each.expected else ""
        told = (f"{each.completeness:.1%}", counts, levels, f"{each.seconds:.2f}", f"{each.processor_s:.2f}")
        table.add_row(each.what, each.last, *each.found.values(), right, *told)
    console.print(table)
    for name, (found, true) in sizes.items():
        console.print(f"{name}: {found:.3f} of the baseline; {true:.3f} was planted")
