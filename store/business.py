"""Business records from tables of others (CSV): read, checked row by row, kept beside what was said before."""

import csv
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb

from model.instants import instant, micros
from model.record_sets import RECORD_SETS
from store.errors import InvalidConfigurationError
from store.pool import Connection
from store.queries import load

KINDS = tuple(RECORD_SETS)
MOST_ROWS = 1_000_000
_SQL = load("business")
_LEADING_ZERO = re.compile(r"[+-]?0[0-9]")
_OWN = frozenset({"key", "from", "to"})
_OVER_TIME = frozenset({"fuel", "refrigerant"})  # counted over their time; all others when they end
_LONGEST_DAYS = 400  # of what is counted over its time: every day of it is computed
Said = Mapping[str, Any]
Check = Callable[[Said, bool], dict[str, Any]]


@dataclass(frozen=True)
class BusinessRecord:
    """One statement: what its key names, from when to when (µs UTC; no end = still open), what it says."""

    key: str
    from_us: int
    to_us: int | None
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Rejected:
    """A row that was not taken, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class Imported:
    """What an import brought."""

    new: int
    changed: int
    equal: int


def read_csv(
    path: Path, zone: str, assets: frozenset[str], check: Check | None = None
) -> tuple[list[BusinessRecord], list[Rejected]]:
    """Read a table with the columns key, asset, from, to and any others.

    Args:
        path: CSV with a header; times RFC 3339, without an offset wall times of the zone.
        zone: IANA zone of the site.
        assets: paths of the site's assets; an empty asset is the site itself.
        check: takes what a row says and whether it has an end; gives what is kept or raises ValueError.

    Raises:
        InvalidConfigurationError: the file cannot be read, or has not these columns.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            return read_lines(lines, str(path), Rules(zone, assets, check))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfigurationError(f"{path} cannot be read: {error}") from error


@dataclass(frozen=True)
class Rules:
    """What rows are judged by: the site's zone, its assets ('' is the site itself), and what the kind asks for."""

    zone: str
    assets: frozenset[str]
    check: Check | None = None


def read_lines(lines: Iterable[str], name: str, rules: Rules) -> tuple[list[BusinessRecord], list[Rejected]]:
    """Read the lines of a table as `read_csv` does; `name` is how the table is called in a refusal."""
    try:
        reader = csv.DictReader(lines)
        missing = {"key", "from"} - set(reader.fieldnames or ())
        if missing:
            raise InvalidConfigurationError(f"{name} has no column {', '.join(sorted(missing))}.")
        return _sorted_out(_read_rows(((reader.line_num, row) for row in reader), rules))
    except csv.Error as error:
        raise InvalidConfigurationError(f"{name} cannot be read: {error}") from error


def read_objects(rows: Iterable[Said], rules: Rules) -> tuple[list[BusinessRecord], list[Rejected]]:
    """Read rows that come as objects instead of cells: the same names, the same refusals; lines are counted from 1."""
    cells = ((line, {name: _as_cell(value) for name, value in row.items()}) for line, row in enumerate(rows, 1))
    return _sorted_out(_read_rows(cells, rules))


def keep(connection: Connection, site_id: int, kind: str, records: Sequence[BusinessRecord], source: str) -> Imported:
    """Keep records whose statement is new; of kinds that KPIs are made of, ask for their days to be computed again."""
    _check_lengths(kind, records)
    known = {
        row[0]: (row[1], row[2], row[3])
        for row in connection.execute(
            _SQL["standing"], {"site_id": site_id, "kind": kind, "keys": [each.key for each in records]}
        )
    }
    new = changed = 0
    for record in records:
        before = known.get(record.key)
        if before == (record.from_us, record.to_us, dict(record.payload)):
            continue
        _add(connection, site_id, kind, record, source)
        if RECORD_SETS[kind].in_kpis:
            _mark(connection, site_id, kind, record.from_us, record.to_us)
        if RECORD_SETS[kind].in_kpis and before and before[:2] != (record.from_us, record.to_us):
            _mark(connection, site_id, kind, *before[:2])
        known[record.key] = (record.from_us, record.to_us, dict(record.payload))
        new, changed = new + (before is None), changed + (before is not None)
    return Imported(new, changed, len(records) - new - changed)


def _check_lengths(kind: str, records: Sequence[BusinessRecord]) -> None:
    """Refuse what is spread over more days than anybody means: a year typed wrong."""
    for record in records if kind in _OVER_TIME else ():
        days = ((record.to_us or record.from_us) - record.from_us) / 86.4e9
        if days > _LONGEST_DAYS:
            raise InvalidConfigurationError(
                f"{kind} {record.key!r} lasts {days:,.0f} days; at most {_LONGEST_DAYS} are taken: state it in parts."
            )


def standing(connection: Connection, site_id: int, kind: str | None, limit: int) -> list[dict[str, Any]]:
    """Records that stand, the newest first."""
    names = ("kind", "key", "from", "to", "payload", "source")
    rows = connection.execute(_SQL["list"], {"site_id": site_id, "kind": kind, "limit": limit})
    return [dict(zip(names, row, strict=True)) for row in rows]


def page(connection: Connection, site_id: int, wanted: "Wanted", limit: int) -> list[dict[str, Any]]:
    """Records that stand, by kind and key, one page after the place that is named."""
    names = ("kind", "key", "from_ts", "to_ts", "payload", "source", "recorded_at")
    rows = connection.execute(_SQL["page"], {"site_id": site_id, "limit": limit, **vars(wanted)})
    return [dict(zip(names, row, strict=True)) for row in rows]


@dataclass(frozen=True)
class Wanted:
    """Which standing records are listed: of a kind, that end in a range, after a place; null = any."""

    kind: str | None = None
    from_ts: datetime | None = None
    to_ts: datetime | None = None
    after_kind: str | None = None
    after_key: str | None = None


def _add(connection: Connection, site_id: int, kind: str, record: BusinessRecord, source: str) -> None:
    parameters = {
        "site_id": site_id,
        "kind": kind,
        "key": record.key,
        "from_ts": instant(record.from_us),
        "to_ts": None if record.to_us is None else instant(record.to_us),
        "payload": Jsonb(dict(record.payload)),
        "source": source,
    }
    connection.execute(_SQL["add"], parameters)


def _mark(connection: Connection, site_id: int, kind: str, from_us: int, end_us: int | None) -> None:
    """A record belongs to the piece of time that ends with it or holds its end; an open one to none yet."""
    if end_us is None:
        return
    begin_us = min(from_us, end_us - 1) if kind in _OVER_TIME else end_us - 1
    bounds = {"from_ts": instant(begin_us), "to_ts": instant(end_us)}
    connection.execute(_SQL["mark"], {"site_id": site_id, **bounds})


def _sorted_out(
    rows: Iterator[tuple[int, BusinessRecord | Rejected]],
) -> tuple[list[BusinessRecord], list[Rejected]]:
    found: dict[str, BusinessRecord] = {}
    rejected: list[Rejected] = []
    for number, (line, row) in enumerate(rows, 1):
        if number > MOST_ROWS:
            raise InvalidConfigurationError(f"More than {MOST_ROWS:,} rows: split the table.")
        if isinstance(row, Rejected):
            rejected.append(row)
        elif row.key in found:
            rejected.append(Rejected(line, f"key {row.key!r} comes twice"))
        else:
            found[row.key] = row
    return list(found.values()), rejected


def _read_rows(rows: Iterable[tuple[int, Said]], rules: Rules) -> Iterator[tuple[int, BusinessRecord | Rejected]]:
    for line, row in rows:
        try:
            yield line, _record(row, rules)
        except ValueError as error:
            yield line, Rejected(line, str(error))


def _record(row: Said, rules: Rules) -> BusinessRecord:
    cells = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
    if None in row:
        raise ValueError("has more cells than the header")
    for name in ("key", "from"):
        if not cells.get(name):
            raise ValueError(f"has no {name}")
    if any("\0" in text for text in cells.values()):
        raise ValueError("has a zero byte")
    asset = cells.get("asset", "")
    if asset not in rules.assets:
        raise ValueError(f"asset {asset!r} is not registered")
    zone = ZoneInfo(rules.zone)
    from_us = _time(cells["from"], zone)
    to_us = _time(cells["to"], zone) if cells.get("to") else None
    if to_us is not None and to_us < from_us:
        raise ValueError("ends before it begins")
    said = {name: _value(text) for name, text in cells.items() if name not in _OWN and text}
    kept = rules.check(said, to_us is not None) if rules.check else said
    return BusinessRecord(cells["key"], from_us, to_us, {**kept, "asset": asset})


def _as_cell(value: Any) -> str:
    """What a table would hold; a list or an object stays recognisably wrong as the text that it is."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _time(text: str, zone: ZoneInfo) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no time such as 2026-11-22T14:00 or 2026-11-22T14:00+07:00") from error
    return micros(at if at.tzinfo else at.replace(tzinfo=zone))


def _value(text: str) -> str | float:
    if _LEADING_ZERO.match(text):  # a key of another system, not a number
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text
