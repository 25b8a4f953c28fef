"""The numbers of the benchmark plant from pandas, as one writes them without us: whole columns, no loop over rows.

In: all readings with `read_sql`. Time is cut at every hour, change of state and reading of power; what holds there
comes from `merge_asof`; everything is summed by machine and hour first, then the hours are added up. The plant has no
resets, corrections, records or calendar but its two shifts, and this knows none.
"""

import hashlib
import time
from dataclasses import dataclass
from math import nan

import pandas as pd  # type: ignore[import-untyped]
import psycopg
import sqlalchemy
from sqlalchemy.engine import URL

from pilot.bench_kpi_plant import IDEAL_CYCLE_S, START, Size
from tests.benchmarks.kpi_numbers import CLASSES, NAMES, Found, Numbers, SeriesDays

ZONE = "Asia/Ho_Chi_Minh"
HOUR, DAY = pd.Timedelta(hours=1), pd.Timedelta(days=1)
MICROSECOND = pd.Timedelta(microseconds=1)
HOLD = pd.Timedelta(seconds=60)
FLAT = HOUR
USABLE = (0, 1, 4)
RULES = ("expected_period_us", "max_gap_us", "valid_low", "valid_high")
SERIES = """
SELECT s.series_id, s.asset_id, a.key AS asset, s.name, s.expected_period_us, s.max_gap_us, s.valid_low, s.valid_high
FROM series s JOIN asset a USING (asset_id) ORDER BY s.series_id
"""


@dataclass(frozen=True)
class Data:
    """Everything read: readings in the order of series and time."""

    readings: pd.DataFrame
    series: pd.DataFrame
    symbols: pd.DataFrame
    start: pd.Timestamp
    until: pd.Timestamp

    @property
    def hours(self) -> pd.DatetimeIndex:
        """The beginnings of all hours."""
        return pd.date_range(self.start, self.until, freq=HOUR, inclusive="left", unit="us")

    def of(self, *names: str) -> pd.DataFrame:
        """Readings of the series so named, with their asset."""
        wanted = self.series[self.series["name"].isin(names)]
        rows = self.readings[self.readings["series_id"].isin(wanted["series_id"])]
        return rows.merge(wanted[["series_id", "asset_id", "name"]], on="series_id")


def in_pandas(url: str, size: Size) -> tuple[Found, float]:
    """Give all numbers, and the seconds that reading alone took."""
    began = time.perf_counter()
    data = _read(url, size)
    read_s = time.perf_counter() - began
    return Found(_windows(data), _series_days(data)), read_s


def _read(url: str, size: Size) -> Data:
    with psycopg.connect(url) as connection:
        info = connection.info
        where = {"host": info.host, "port": str(info.port)}
        address = URL.create("postgresql+psycopg", username=info.user, database=info.dbname, query=where)
    engine = sqlalchemy.create_engine(address)
    readings = pd.read_sql("SELECT series_id, ts, value, quality FROM reading", engine)
    readings["ts"] = readings["ts"].dt.as_unit("us")
    return Data(
        readings.sort_values(["series_id", "ts"], ignore_index=True),
        pd.read_sql(SERIES, engine).astype(dict.fromkeys(RULES, "float64")),
        pd.read_sql("SELECT symbol_id::float8 AS value, text FROM symbol", engine),
        pd.Timestamp(START).as_unit("us"),
        pd.Timestamp(size.until).as_unit("us"),
    )


def _windows(data: Data) -> Numbers:
    units = _unit_hours(data)
    line = units["asset"].str.split("/").str[0]
    rows = pd.concat([units.assign(scope=units["asset"]), units.assign(scope=line), units.assign(scope="")])
    found: Numbers = {}
    for grain, keys in (("hour", ["hour"]), ("shift", ["day", "shift"]), ("day", ["day"])):
        inside = rows[rows["shift"] != ""] if grain == "shift" else rows
        groups = inside.groupby(["scope", *keys])
        sums = groups.sum(numeric_only=True).assign(start=groups["hour"].min()).reset_index()
        sums["oee"] = (sums["good_planned"] * IDEAL_CYCLE_S / sums["planned"]).where(sums["planned"] > 0)
        sums["completeness"] = (sums["received"] / sums["due"]).clip(upper=1.0)
        if grain == "hour":
            sums[[f"energy_{name}" for name in CLASSES]] = nan
        for scope, start, *values in sums[["scope", "start", *NAMES]].itertuples(index=False):
            found[scope, grain, start.to_pydatetime()] = values
    return found


def _unit_hours(data: Data) -> pd.DataFrame:
    """A row for each machine and hour with everything that adds up."""
    assets = data.series.drop_duplicates("asset_id")[["asset_id", "asset"]]
    calendar = _calendar(data)
    units = assets.merge(calendar, how="cross")
    parts = (_times_and_energy(data, calendar), _pieces(data, calendar), _periodic(data))
    for part in parts:
        units = units.merge(part, on=["asset_id", "hour"], how="left")
    units = units.fillna(0.0)
    planned = sum(units[name] for name in ("production", "delay", "unknown"))
    energy = sum(units[f"energy_{name}"] for name in CLASSES)
    return units.assign(planned=planned, energy=energy)


def _calendar(data: Data) -> pd.DataFrame:
    """Production days begin at 06:00, shifts A and B at 06:00 and 14:00; B ends at 22:00."""
    local = data.hours.tz_convert(ZONE)
    shift = pd.cut(local.hour, [0, 6, 14, 22, 24], right=False, labels=["", "A", "B", ""], ordered=False)
    day = (local - pd.Timedelta(hours=6)).date
    return pd.DataFrame({"hour": data.hours, "day": day, "shift": shift.astype(str)})


def _times_and_energy(data: Data, calendar: pd.DataFrame) -> pd.DataFrame:
    """Seconds and kWh of each time class by machine and hour."""
    state = data.of("state").merge(data.symbols, on="value")
    state["time_class"] = state["text"].map({"EXECUTE": "production"}).fillna("delay")
    power = data.of("power_kw").rename(columns={"value": "kw"})
    rows = _stretches(data, state[["asset_id", "ts", "time_class"]], power[["asset_id", "ts", "kw"]])
    rows = rows.merge(calendar[["hour", "shift"]], on="hour")
    rows["time_class"] = rows["time_class"].fillna("unknown").mask(rows["shift"] == "", "not_scheduled")
    length = rows["end"] - rows["ts"]
    rows["us"] = length // MICROSECOND
    rows["kwh"] = rows["kw"] * length.dt.total_seconds() / 3600
    sums = rows.pivot_table(["us", "kwh"], ["asset_id", "hour"], "time_class", aggfunc="sum", fill_value=0)
    seconds = (sums["us"] / 1e6).reindex(columns=CLASSES, fill_value=0.0)
    kwh = sums["kwh"].reindex(columns=CLASSES, fill_value=0.0).add_prefix("energy_")
    return seconds.join(kwh).reset_index()


def _stretches(data: Data, state: pd.DataFrame, power: pd.DataFrame) -> pd.DataFrame:
    """Cut the time of each machine where anything changes; a reading of power holds for at most a minute."""
    following = power.groupby("asset_id")["ts"].shift(-1).fillna(data.until)
    silent = power[following - power["ts"] > HOLD]
    hours = state[["asset_id"]].drop_duplicates().merge(pd.DataFrame({"ts": data.hours}), how="cross")
    parts = [state, power, silent.assign(ts=silent["ts"] + HOLD), hours]
    points = pd.concat([part[["asset_id", "ts"]] for part in parts]).drop_duplicates().sort_values("ts")
    points = points[(points["ts"] >= data.start) & (points["ts"] < data.until)]
    points = pd.merge_asof(points, state.sort_values("ts"), on="ts", by="asset_id")
    points = pd.merge_asof(points, power.sort_values("ts"), on="ts", by="asset_id", tolerance=HOLD - MICROSECOND)
    points = points.sort_values(["asset_id", "ts"])
    end = points.groupby("asset_id")["ts"].shift(-1).fillna(data.until)
    return points.assign(end=end, hour=points["ts"].dt.floor("h"))


def _pieces(data: Data, calendar: pd.DataFrame) -> pd.DataFrame:
    """Good and rejected pieces by machine and hour: a reading counts what was made until then."""
    rows = data.of("good_count", "reject_count")
    rows["made"] = rows.groupby("series_id")["value"].diff()
    rows["hour"] = (rows["ts"] - MICROSECOND).dt.floor("h")
    made = rows.pivot_table(values="made", index=["asset_id", "hour"], columns="name", aggfunc="sum", fill_value=0)
    made = made.rename(columns={"good_count": "good", "reject_count": "reject"}).reset_index()
    made = made.merge(calendar[["hour", "shift"]], on="hour")
    return made.assign(good_planned=made["good"].where(made["shift"] != "", 0.0)).drop(columns="shift")


def _periodic(data: Data) -> pd.DataFrame:
    """Readings that came and were due of the periodic signals by machine and hour."""
    periodic = data.series.dropna(subset="expected_period_us")[["series_id", "asset_id", "expected_period_us"]]
    due = periodic.merge(pd.DataFrame({"hour": data.hours}), how="cross")
    due["due"] = _due(due["hour"], due["hour"] + HOUR, due["expected_period_us"])
    rows = data.readings.loc[data.readings["series_id"].isin(periodic["series_id"]), ["series_id", "ts"]]
    rows["hour"] = (rows["ts"] - MICROSECOND).dt.floor("h")
    received = rows.groupby(["series_id", "hour"]).size().rename("received").reset_index()
    both = due.merge(received, on=["series_id", "hour"], how="left")
    return both.groupby(["asset_id", "hour"])[["received", "due"]].sum().reset_index()


def _series_days(data: Data) -> SeriesDays:
    days = pd.DataFrame({"low": pd.date_range(data.start, data.until, freq=DAY, inclusive="left", unit="us")})
    table = data.series.merge(days, how="cross")
    table["due"] = _due(table["low"], table["low"] + DAY, table["expected_period_us"]).fillna(0)
    readings = data.readings.assign(
        usable=data.readings["quality"].isin(USABLE) & data.readings["value"].notna(),
        next_ts=data.readings.groupby("series_id")["ts"].shift(-1),
    )
    for part in (_digests(data), _came(data, readings), _gaps(data, readings, days), _flat_lines(data, readings, days)):
        table = table.merge(part, on=["series_id", "low"], how="left")
    numbers = ["rows", "received", "due", "gaps", "gap_us", "longest_gap_us", "flat_spans", "out_of_range"]
    table[numbers] = table[numbers].fillna(0).astype("int64")
    columns = ["series_id", "low", "rows", "sha256", *numbers[1:]]
    return {
        (int(series_id), low.to_pydatetime()): values
        for series_id, low, *values in table[columns].itertuples(index=False)
    }


def _digests(data: Data) -> pd.DataFrame:
    """Readings of each series in [begin, end) of each day, and the SHA-256 of their packed bytes."""
    rows = data.readings.assign(low=_day_of(data.readings["ts"], data.start))
    packed = rows[["ts", "value", "quality"]].astype({"ts": "int64", "quality": "int16"}).to_records(index=False)
    found = [
        (*key, len(places), hashlib.sha256(packed[places].tobytes()).hexdigest())
        for key, places in rows.groupby(["series_id", "low"]).indices.items()
    ]
    return pd.DataFrame(found, columns=["series_id", "low", "rows", "sha256"])


def _came(data: Data, readings: pd.DataFrame) -> pd.DataFrame:
    """Usable readings of each series in (begin, end] of each day, and those outside their range."""
    rows = readings[readings["usable"]].merge(data.series[["series_id", "valid_low", "valid_high"]], on="series_id")
    rows["out_of_range"] = (rows["value"] < rows["valid_low"]) | (rows["value"] > rows["valid_high"])
    rows["low"] = _day_of(rows["ts"] - MICROSECOND, data.start)
    return rows.groupby(["series_id", "low"])["out_of_range"].agg(received="size", out_of_range="sum").reset_index()


def _gaps(data: Data, readings: pd.DataFrame, days: pd.DataFrame) -> pd.DataFrame:
    """Gaps that begin in each day, all time of gaps in it, the longest: before the first reading, after bad or late."""
    limit = data.series.set_index("series_id")
    limit = limit["max_gap_us"].fillna(3 * limit["expected_period_us"]).where(limit["expected_period_us"].notna())
    length = (readings["next_ts"].fillna(data.until + DAY) - readings["ts"]) // MICROSECOND
    holes = readings[~readings["usable"] | (length > readings["series_id"].map(limit))]
    holes = pd.DataFrame({"series_id": holes["series_id"], "begin": holes["ts"], "end": holes["next_ts"]})
    firsts = readings.drop_duplicates("series_id")
    before = pd.DataFrame({"series_id": firsts["series_id"], "begin": data.start - DAY, "end": firsts["ts"]})
    rows = _in_days(pd.concat([before, holes.fillna({"end": data.until + DAY})]), days)
    rows["begins"] = rows["begin"] >= rows["low"]
    inside = rows["end"].clip(upper=rows["low"] + DAY) - rows["begin"].clip(lower=rows["low"])
    rows["us"] = inside // MICROSECOND
    groups = rows.groupby(["series_id", "low"])
    return groups.agg(gaps=("begins", "sum"), gap_us=("us", "sum"), longest_gap_us=("us", "max")).reset_index()


def _flat_lines(data: Data, readings: pd.DataFrame, days: pd.DataFrame) -> pd.DataFrame:
    """Stretches longer than an hour in which a periodic signal did not change."""
    periodic = data.series.dropna(subset="expected_period_us")["series_id"]
    rows = readings[readings["series_id"].isin(periodic)]
    changes = rows[rows.groupby("series_id")["value"].diff() != 0]
    lines = pd.DataFrame({"series_id": changes["series_id"], "begin": changes["ts"]})
    lines["end"] = changes.groupby("series_id")["ts"].shift(-1)
    inside = _in_days(lines[lines["end"] - lines["begin"] > FLAT], days)
    return inside.groupby(["series_id", "low"]).size().rename("flat_spans").reset_index()


def _in_days(stretches: pd.DataFrame, days: pd.DataFrame) -> pd.DataFrame:
    rows = stretches.merge(days, how="cross")
    return rows[(rows["begin"] < rows["low"] + DAY) & (rows["end"] > rows["low"])]


def _day_of(instants: pd.Series, start: pd.Timestamp) -> pd.Series:
    return (instants - start).dt.floor("D") + start


def _due(begin: pd.Series, end: pd.Series, period_us: pd.Series) -> pd.Series:
    """Readings due in (begin, end]."""
    return end.astype("int64") // period_us - begin.astype("int64") // period_us
