"""Metrics of the data themselves: what is connected, complete, on time, in the dictionary, secured, joined."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from maturity.facts import Facts
from maturity.metrics.coverage import share_of_series
from maturity.metrics.measured import Measured, Metrics, Parameters
from maturity.reasons import because
from model.ledger import LATENCY_BOUNDS_MS, SKEW_BOUNDS_MS, quantile

METRICS = Metrics()
_HOUR_US = 3_600_000_000
_MINUTE_US = 60_000_000
_FILE_NAME = r"(?i)\.(csv|txt|tsv|xlsx?)$"
_CONNECTED_DAYS = 0.8  # of the window's scheduled days, for a machine to count as delivering
_CONDITION = ("temperature", "pressure", "speed", "current", "voltage", "flow", "feed", "active_power", "power_factor")


@METRICS.add(
    "data.completeness",
    "1",
    "Mean over series and days of received over expected readings, of time without gaps where no period is stated.",
)
def completeness(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Each production day of each registered series of the scope's assets counts alike.

    A day of a periodic series that is not stored counts as nothing; a series without a stated period may be silent.
    """
    del parameters
    rows = facts.quality.filter(pl.col("asset").is_in(list(facts.assets_of(scope))))
    if rows.is_empty():
        return Measured.nothing(because("no_quality"))
    series = rows.group_by("asset", "name").agg(
        share_of_series().sum().alias("got"), pl.len().alias("days"), (pl.col("expected") > 0).any().alias("periodic")
    )
    due = series.select(pl.when("periodic").then(facts.days).otherwise("days").sum()).item()
    value = min(1.0, float(series["got"].sum()) / due)
    return Measured(value, None, tuple(rows["asset"].unique().sort()), detail={"series": series.height})


@METRICS.add(
    "data.machines_connected_share",
    "1",
    "Share of the scope's machines that delivered readings on 80 % of the days on which they were scheduled.",
)
def machines_connected_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Readings on a day off do not count; a machine of which no schedule is stored is due on every day."""
    del parameters
    machines = facts.assets_of(scope)
    if not machines:
        return Measured.nothing(because("no_machines"))
    connected = [machine for machine in machines if _delivers(facts, machine)]
    return Measured(len(connected) / len(machines), None, machines, detail={"connected": connected})


def _delivers(facts: Facts, machine: str) -> bool:
    came = set(facts.quality.filter(pl.col("asset") == machine, pl.col("rows") > 0)["production_day"].unique())
    days = {facts.first + timedelta(days=number) for number in range(facts.days)}
    of_machine = facts.intervals.filter(pl.col("asset") == machine)
    scheduled = of_machine.filter(pl.col("time_class") != "not_scheduled")["production_day"].unique()
    off = set(of_machine["production_day"].unique()) - set(scheduled)
    due = (days - off) or days
    return bool(came) and len(came & due) >= _CONNECTED_DAYS * len(due)


@METRICS.add(
    "data.latency_p95",
    "s",
    "From the source's clock to the store: 95th percentile to the receiver plus that from there, as bounds of buckets.",
)
def latency_p95(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """From the ledger's histograms of all messages received in the window, those of the whole site."""
    del scope, parameters
    skew = quantile(_added(facts.ledger["skew"]), SKEW_BOUNDS_MS, 0.95)
    store = quantile(_added(facts.ledger["latency"]), LATENCY_BOUNDS_MS, 0.95)
    if skew is None or store is None:
        return Measured.nothing(because("no_messages"))
    value = (max(skew, 0.0) + store) / 1000
    return Measured(value, None, (), detail={"to_receiver_s": skew / 1000, "to_store_s": store / 1000})


@METRICS.add(
    "data.clock_good_share",
    "1",
    "Share of devices whose median clock difference is within the limit.",
    ("max_error_s",),
)
def clock_good_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """A device counts when all of the bucket that holds the median lies within; the way of the message is in it."""
    del scope
    limit = float(parameters.get("max_error_s", 1)) * 1000
    devices = facts.ledger["device"].unique().sort().to_list()
    errors = {each: _median_error(facts.ledger.filter(pl.col("device") == each)["skew"]) for each in devices}
    told = {each: error for each, error in errors.items() if error is not None}
    if not told:
        return Measured.nothing(because("no_device_times"))
    good = [each for each, error in told.items() if error <= limit]
    return Measured(
        len(good) / len(told), None, (), detail={"sources": len(told), "bad": sorted(set(told) - set(good))}
    )


def _median_error(histograms: pl.Series) -> float | None:
    """Greatest difference (ms) that the bucket of the median allows."""
    counts = _added(histograms)
    upper = quantile(counts, SKEW_BOUNDS_MS, 0.5)
    if upper is None:
        return None
    place = next((n for n, bound in enumerate(SKEW_BOUNDS_MS) if bound == upper), len(SKEW_BOUNDS_MS))
    lower = SKEW_BOUNDS_MS[place - 1] if place else float("-inf")
    return max(abs(upper), abs(lower))


@METRICS.add(
    "data.tag_dictionary_share", "1", "Share of the series that ever delivered and are accepted, not proposed."
)
def tag_dictionary_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Active series over active and proposed ones, of those that delivered readings; as the registry is now."""
    del scope, parameters
    received = facts.series.filter(pl.col("has_readings"), pl.col("status") != "retired")
    if received.is_empty():
        return Measured.nothing(because("no_series"))
    active = received.filter(pl.col("status") == "active")
    proposed = received.filter(pl.col("status") == "proposed").select("asset", "name")
    detail = {"received": received.height, "proposed": [f"{asset}/{name}" for asset, name in proposed.iter_rows()][:20]}
    return Measured(active.height / received.height, None, (), detail=detail)


@METRICS.add("data.quality_days_share", "1", "Share of the window's days of which quality of some series is stored.")
def quality_days_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Days with stored quality of series over all days."""
    del scope, parameters
    days = facts.quality["production_day"].n_unique()
    if not days:
        return Measured.nothing(because("no_quality"))
    return Measured(days / facts.days, None, ())


@METRICS.add("data.pipeline_availability", "1", "Share of the hours with scheduled work in which values were stored.")
def pipeline_availability(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Hours of receipt with stored values, over hours in which some machine was scheduled; what came later is late."""
    del scope, parameters
    machines = list(facts.assets_of("machines"))
    planned = facts.intervals.filter(pl.col("asset").is_in(machines), pl.col("time_class") != "not_scheduled")
    hours = _hours(planned.select("from_us", "to_us").unique().iter_rows())
    if not hours:
        return Measured.nothing(because("no_schedule"))
    if facts.ledger.is_empty():
        return Measured.nothing(because("no_messages"))
    stored = set(facts.ledger.filter(pl.col("stored") > 0)["hour_us"])
    return Measured(len(hours & stored) / len(hours), None, (), detail={"hours": len(hours)})


def _hours(spans: Iterable[tuple[int, ...]]) -> set[int]:
    """Hours that lie wholly or partly in some span."""
    return {hour for start, end in spans for hour in range(start // _HOUR_US * _HOUR_US, end, _HOUR_US)}


@METRICS.add("data.secure_connection_share", "1", "Share of publishers that connect encrypted and authenticated.")
def secure_connection_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Devices seen in the window with both, over all of them; one of which it is not known makes it not known."""
    del scope, parameters
    low, high = facts.bounds_us
    seen = facts.devices.filter(pl.col("last_seen_us") >= low, pl.col("first_seen_us") < high)
    if seen.is_empty():
        return Measured.nothing(because("no_devices"))
    unknown = seen.filter(pl.col("encrypted").is_null())["device"].sort().to_list()
    if unknown:
        return Measured.nothing(because("unknown_connections", n=len(unknown), listed=", ".join(unknown[:5])))
    good = seen.filter(pl.col("encrypted") & pl.col("authenticated").fill_null(value=False))
    return Measured(good.height / seen.height, None, (), detail={"devices": seen.height})


@METRICS.add(
    "data.kpi_timeliness_share",
    "1",
    "Share of shifts with an OEE after whose end a run of the KPI job over their day was done within so many minutes.",
    ("within_min",),
)
def kpi_timeliness_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Shifts of the scope's machines, each name, day and end once."""
    within = float(parameters.get("within_min", 15)) * _MINUTE_US
    machines = list(facts.assets_of(scope))
    shifts = facts.values.filter(pl.col("grain") == "shift", pl.col("kpi") == "oee", pl.col("scope").is_in(machines))
    ends = shifts.select("production_day", "shift", "to_us").unique()
    if ends.is_empty():
        return Measured.nothing(because("no_shift"))
    runs = list(facts.runs.select("first", "last", "finished_us").iter_rows())
    soon = sum(
        any(first <= day <= last and 0 <= finished - end <= within for first, last, finished in runs)
        for day, _, end in ends.iter_rows()
    )
    return Measured(soon / ends.height, None, tuple(sorted(machines)), detail={"shifts": ends.height})


@METRICS.add(
    "data.condition_monitored_share",
    "1",
    "Share of machines with a sampled signal of temperature, pressure, current, flow, speed, power or the like.",
    ("max_period_s",),
)
def condition_monitored_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """A signal counts when over the window's days it has a reading in every so many seconds in the mean."""
    machines = facts.assets_of(scope)
    if not machines:
        return Measured.nothing(because("no_machines"))
    longest = float(parameters.get("max_period_s", 60))
    low, high = facts.bounds_us
    rows = facts.quality.group_by("asset", "name").agg(pl.col("rows").sum())
    sampled = rows.filter(pl.col("rows") > 0, (high - low) / 1e6 / pl.col("rows") <= longest)
    wanted = facts.series.filter(pl.col("quantity").is_in(_CONDITION), pl.col("kind") == "gauge")
    watched = set(wanted.join(sampled, on=["asset", "name"], how="semi")["asset"]) & set(machines)
    return Measured(len(watched) / len(machines), None, machines, detail={"watched": sorted(watched)})


@METRICS.add(
    "data.control_limit_share",
    "1",
    "Share of the characteristics with specification limits whose capability (Cpk) was computed in the window.",
)
def control_limit_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """A characteristic counts when any asset has a Cpk of it on any day; the variant of a value is its name."""
    del scope, parameters
    listed = {each.characteristic for each in facts.site.spec_limits}
    if not listed:
        return Measured.nothing(because("no_spec_limits"))
    rows = facts.values.filter(pl.col("kpi") == "cpk", pl.col("grain") == "day", pl.col("value").is_not_null())
    watched = listed & set(rows["variant"])
    return Measured(len(watched) / len(listed), None, (), detail={"listed": len(listed), "watched": sorted(watched)})


@METRICS.add("data.pareto_opened_share", "1", "Share of days with scheduled work on which someone opened the losses.")
def pareto_opened_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Local dates with a view of the losses in the audit log, over production days with a scheduled machine."""
    del scope, parameters
    machines = list(facts.assets_of("machines"))
    planned = facts.intervals.filter(pl.col("asset").is_in(machines), pl.col("time_class") != "not_scheduled")
    days = set(planned["production_day"])
    views = facts.opened.filter(pl.col("action") == "view.losses")["ts_us"].to_list()
    if not days or not views:
        return Measured.nothing(because("losses_not_opened"))
    zone = ZoneInfo(facts.site.timezone)
    opened = {datetime.fromtimestamp(at / 1e6, zone).date() for at in views}
    return Measured(len(days & opened) / len(days), None, (), detail={"days": len(days)})


@METRICS.add("data.joined_systems", "1", "Number of sources that records of the window name; a file name is none.")
def joined_systems(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Sources are named when records are imported; a record without one has the name of its file."""
    del scope, parameters
    named = facts.records.filter(~pl.col("source").str.contains(_FILE_NAME))["source"]
    sources = sorted(named.unique())
    if not sources:
        return Measured.nothing(because("no_sources"))
    return Measured(float(len(sources)), None, (), detail={"sources": sources})


@METRICS.add("data.join_rate", "1", "Share of the records of the window that name an asset of ours below the site.")
def join_rate(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Records with a known asset below the site, over all records."""
    del scope, parameters
    if facts.records.is_empty():
        return Measured.nothing(because("no_records_at_all"))
    known = [each.key for each in facts.site.assets if each.key]
    joined = facts.records.filter(pl.col("asset").is_in(known))
    return Measured(joined.height / facts.records.height, None, (), detail={"records": facts.records.height})


def _added(histograms: pl.Series) -> Sequence[int]:
    """Sum of histograms of equal buckets."""
    rows = [row for row in histograms.to_list() if row]
    longest = max((len(row) for row in rows), default=0)
    return [sum(row[place] for row in rows if place < len(row)) for place in range(longest)]
