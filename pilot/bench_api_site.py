"""What `haidang bench api` reads: a year of a site as the KPI job and ingest leave it, made in the database by SQL."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from psycopg import Connection

from store.access import create_key
from store.pool import connect
from store.queries import load
from store.registry import apply_site, site_id
from store.site_file import SiteFile

SITE = "bench"
FIRST_DAY = date(2025, 1, 1)
UNITS_PER_LINE = 10
# What the panels of the board show.
KPIS = (
    *("oee", "oee_availability", "effectiveness", "quality_ratio", "produced_quantity", "good_quantity"),
    *("energy", "specific_energy", "demand_peak", "co2e_location"),
)
STEPS = {"day": "1 day", "week": "1 week", "month": "1 month"}
WEEK_OFFSET = timedelta(days=2)  # FIRST_DAY is a Wednesday, weeks begin on Mondays
_SQL = load("bench_api")


@dataclass(frozen=True)
class Size:
    """How much is stored; `intervals` = state intervals of a unit a day, half of them stops."""

    assets: int = 100
    days: int = 365
    intervals: int = 40

    @property
    def last_day(self) -> date:
        return FIRST_DAY + timedelta(days=self.days - 1)

    @property
    def months(self) -> int:
        """Months of which a day is stored."""
        return (self.last_day.year - FIRST_DAY.year) * 12 + self.last_day.month

    @property
    def lines(self) -> list[str]:
        """Keys of the lines: one of eleven assets below the site is a line."""
        count = -(-(self.assets - 1) // (UNITS_PER_LINE + 1))
        return [f"line{number:02d}" for number in range(count)]

    @property
    def units(self) -> list[str]:
        """Keys of the units, spread over the lines."""
        lines = self.lines
        return [f"{lines[n % len(lines)]}/m{n:03d}" for n in range(self.assets - 1 - len(lines))]

    @property
    def keys(self) -> list[str]:
        """Keys of all assets, the site's own first."""
        return ["", *self.lines, *self.units]


def fill(url: str, size: Size) -> str:
    """Make the site and its year in an empty database; gives a viewer's key to it."""
    with connect(url, "bench", autocommit=True) as connection:
        apply_site(connection, SiteFile.model_validate(document(size)))
        number = site_id(connection, SITE)
        with connection.transaction():
            for grain, step in STEPS.items():
                first = FIRST_DAY - WEEK_OFFSET if grain == "week" else FIRST_DAY
                _add(connection, "add_values", number, first, size.last_day, kpis=list(KPIS), grain=grain, step=step)
            _add(connection, "add_intervals", number, FIRST_DAY, size.last_day, per_day=size.intervals)
            _add(connection, "add_ledger", number, *_instants(size))
            _add(connection, "add_rejected", number, *_instants(size))
        connection.execute(load("raw")["fold_ledger"])
        connection.execute(_SQL["look"])
        return create_key(connection, "bench", role="viewer", sites=[SITE])


def document(size: Size) -> dict[str, Any]:
    """The site file."""
    return {
        "site": {"key": SITE, "name": "Benchmark", "timezone": "Asia/Ho_Chi_Minh"},
        "assets": [
            *({"key": key, "level": "line"} for key in size.lines),
            *({"key": key, "level": "unit"} for key in size.units),
        ],
        "reasons": [{"key": key, "name_en": key, "time_class": "delay"} for key in ("tool_change", "no_caps", "jam")],
    }


def _instants(size: Size) -> tuple[datetime, datetime]:
    first = datetime.combine(FIRST_DAY, datetime.min.time(), UTC)
    return first, first + timedelta(days=size.days)


def _add(connection: Connection[Any], query: str, number: int, first: date, last: date, **more: Any) -> None:
    connection.execute(_SQL[query], {"site_id": number, "first": first, "last": last, **more})
