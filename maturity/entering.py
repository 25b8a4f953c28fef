"""What enters the evidence log at day close: final KPI values, window by window, and the digests of the day's raw rows
and of all else that the values were computed from.

In: rows of the store. Out: records whose content is canonical JSON data: keys instead of database numbers, times as
RFC 3339 texts in UTC, ratios as fractions, durations in seconds.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from importlib.metadata import version
from operator import attrgetter
from typing import Any

from maturity.log import Record
from model.canonical import Number, Prepared, number
from store.evidence import FinalValue

KPI_KIND = "kpi"
RAW_KIND = "raw_day"
_Window = tuple[str, str, datetime, str, str, str]  # scope, grain, start, shift, job, product
_NAME = attrgetter("kpi", "variant")


class _Value(Prepared):
    """What a record says of a value, in the order in which it is written."""

    cause: list[str]
    completeness: Number
    config_digest: str
    coverage: Number
    definition_version: int
    denominator: Number
    factor_set: str | None
    flags: list[str]
    inputs_digest: str
    kpi: str
    numerator: Number
    revision: int
    status: str
    value: Number
    variant: str


def code_version() -> str:
    """Name and version of the product that computed and entered."""
    return f"haidang {version('haidang')}"


def kpi_records(site: str, day: date, rows: Iterable[FinalValue], code: str) -> Iterator[Record]:
    """Make one record per window and scope of a production day.

    Args:
        site: key of the site.
        day: the production day on which the windows begin.
        rows: final values, in any order (`store.evidence.final_values`).
        code: what computed them.
    """
    production_day = day.isoformat()
    windows: defaultdict[_Window, list[FinalValue]] = defaultdict(list)
    for row in rows:
        windows[row[:6]].append(row)
    for window in sorted(windows):
        scope, grain, begin, shift, job, product = window
        values = sorted(windows.pop(window), key=_NAME)
        start = instant(begin)
        yield Record(
            KPI_KIND,
            canonical_object(KPI_KIND, scope, grain, start, shift, job, product),
            {
                "kind": KPI_KIND,
                "version": 1,
                "site": site,
                "scope": scope,
                "grain": grain,
                "production_day": production_day,
                "from": start,
                "to": instant(values[0].window_end),
                "shift": shift,
                "job": job,
                "product": product,
                "computed_at": instant(max([value.computed_at for value in values])),
                "code": code,
                "values": [_value(value) for value in values],
            },
        )


def _value(row: FinalValue) -> _Value:
    """Write what a record says of a value, its floats as JSON has them."""
    return _Value(
        row.cause,
        number(row.completeness),
        row.config_digest,
        number(row.coverage),
        row.definition_version,
        number(row.denominator),
        row.factor_set,
        row.flags,
        row.inputs_digest,
        row.kpi,
        number(row.numerator),
        row.revision,
        row.status,
        number(row.value),
        row.variant,
    )


def raw_record(
    site: str, day: date, rows: Iterable[Mapping[str, Any]], context: Mapping[str, Any] | None = None
) -> Iterator[Record]:
    """Make the record of what a production day was computed from.

    Args:
        site: key of the site.
        day: the production day.
        rows: per series the number of its rows and their SHA-256 (`store.evidence.raw_digests`).
        context: digests of events, corrections, business records and carry (`day_context.Context.digests`); null
            where the day is still open.
    """
    series = [
        {
            "key": row["series_key"],
            "from": instant(row["from_ts"]),
            "to": instant(row["to_ts"]),
            "rows": row["rows"],
            "sha256": bytes(row["sha256"]).hex(),
        }
        for row in rows
    ]
    if series or context:
        named = {"kind": RAW_KIND, "site": site, "production_day": day.isoformat()}
        content = {"version": 2, "context": context} if context else {"version": 1}
        yield Record(RAW_KIND, canonical_object(RAW_KIND, day.isoformat()), {**named, **content, "series": series})


def canonical_object(kind: str, *parts: str) -> str:
    """Name what a record is about; a slash inside a part stays, an empty part is a dash."""
    return "|".join((kind, *(part or "-" for part in parts)))


def instant(at: datetime) -> str:
    """An instant as RFC 3339 text in UTC with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
