"""Metrics of the data themselves: what is connected, complete, on time, in the dictionary, secured, joined."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import polars as pl

from maturity.facts import Facts
from maturity.metrics.measured import Measured, Metrics, Parameters
from model.ledger import LATENCY_BOUNDS_MS, SKEW_BOUNDS_MS, quantile

METRICS = Metrics()
_HOUR_US = 3_600_000_000
_MINUTE_US = 60_000_000
_CONNECTED_DAYS = 0.8  # of the window's scheduled days, for a machine to count as delivering
_CONDITION = ("temperature", "pressure", "speed", "current", "flow", "feed", "number", "active_power")


@METRICS.add(
    "data.completeness", "1", "Received over expected readings of periodic series; covered over all time else."
)
def completeness(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Mean over the series of the scope's machines, each weighted by its window."""
    del parameters
    rows = facts.quality.filter(pl.col("asset").is_in(list(facts.assets_of(scope))))
    if rows.is_empty():
        return Measured.nothing("No quality of series is stored for the window: let the KPI job compute its days.")
    span = pl.col("to_us") - pl.col("from_us")
    share = (
        pl.when(pl.col("expected") > 0)
        .then(pl.min_horizontal(pl.col("received") / pl.col("expected"), 1.0))
        .otherwise(1 - pl.col("gap_us") / span)
    )
    weighed = rows.select((share * span).alias("good"), span.alias("all"))
    value = float(weighed["good"].sum()) / float(weighed["all"].sum())
    series = rows.select("asset", "name").n_unique()
    return Measured(value, None, tuple(rows["asset"].unique().sort()), detail={"series": series})


@METRICS.add(
    "data.machines_connected_share", "1", "Share of machines that deliver data on most of their scheduled days."
)
def machines_connected_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """A machine counts when data came on at least 80 % of the days on which it was scheduled."""
    del parameters
    machines = facts.assets_of(scope)
    if not machines:
        return Measured.nothing("The scope has no machines: register them in the site file.")
    connected = [machine for machine in machines if _delivers(facts, machine)]
    return Measured(len(connected) / len(machines), None, machines, detail={"connected": connected})


def _delivers(facts: Facts, machine: str) -> bool:
    came = facts.quality.filter(pl.col("asset") == machine, pl.col("rows") > 0)["production_day"].unique()
    of_machine = facts.intervals.filter(pl.col("asset") == machine)
    scheduled = of_machine.filter(pl.col("time_class") != "not_scheduled")["production_day"].unique()
    due = len(scheduled) or facts.days
    return len(came) > 0 and len(came) >= _CONNECTED_DAYS * due


@METRICS.add("data.latency_p95", "s", "95th percentile of the time from the source's clock to the store.")
def latency_p95(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """From the ledger's histograms: way to the receiver plus way to the store; exact to the bounds of the buckets."""
    del scope, parameters
    skew = quantile(_added(facts.ledger["skew"]), SKEW_BOUNDS_MS, 0.95)
    store = quantile(_added(facts.ledger["latency"]), LATENCY_BOUNDS_MS, 0.95)
    if skew is None or store is None:
        return Measured.nothing("The ledger has no messages of the window.")
    value = (max(skew, 0.0) + store) / 1000
    return Measured(value, None, (), detail={"to_receiver_s": skew / 1000, "to_store_s": store / 1000})


@METRICS.add("data.clock_good_share", "1", "Share of sources whose clock is right to the second.", ("max_error_s",))
def clock_good_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """A source counts when the median difference of its clock to ours lies in the buckets within the limit."""
    del scope
    limit = float(parameters.get("max_error_s", 1)) * 1000
    devices = facts.ledger["device"].unique().sort().to_list()
    errors = {each: _median_error(facts.ledger.filter(pl.col("device") == each)["skew"]) for each in devices}
    told = {each: error for each, error in errors.items() if error is not None}
    if not told:
        return Measured.nothing("The ledger has no times of devices in the window.")
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


@METRICS.add("data.tag_dictionary_share", "1", "Share of the received series that are registered and accepted.")
def tag_dictionary_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Active series over active and proposed ones, of those that delivered readings."""
    del scope, parameters
    received = facts.series.filter(pl.col("has_readings"), pl.col("status") != "retired")
    if received.is_empty():
        return Measured.nothing("No series has delivered readings.")
    active = received.filter(pl.col("status") == "active")
    proposed = received.filter(pl.col("status") == "proposed").select("asset", "name")
    detail = {"received": received.height, "proposed": [f"{asset}/{name}" for asset, name in proposed.iter_rows()][:20]}
    return Measured(active.height / received.height, None, (), detail=detail)


@METRICS.add("data.quality_days_share", "1", "Share of days for which the rules of data quality were run and kept.")
def quality_days_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Days with stored quality of series over all days."""
    del scope, parameters
    days = facts.quality["production_day"].n_unique()
    if not days:
        return Measured.nothing("No quality of series is stored for the window: let the KPI job compute its days.")
    return Measured(days / facts.days, None, ())


@METRICS.add("data.pipeline_availability", "1", "Share of the hours with scheduled work in which data were stored.")
def pipeline_availability(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Hours of receipt with stored values, over hours in which some machine was scheduled."""
    del scope, parameters
    machines = list(facts.assets_of("machines"))
    planned = facts.intervals.filter(pl.col("asset").is_in(machines), pl.col("time_class") != "not_scheduled")
    hours = _hours(planned.select("from_us", "to_us").unique().iter_rows())
    if not hours:
        return Measured.nothing("No machine was scheduled in the window.")
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
        return Measured.nothing("No device was seen in the window.")
    unknown = seen.filter(pl.col("encrypted").is_null())["device"].sort().to_list()
    if unknown:
        listed = ", ".join(unknown[:5])
        return Measured.nothing(
            f"How {len(unknown)} devices connect is not known ({listed}): set tls in the site file."
        )
    good = seen.filter(pl.col("encrypted") & pl.col("authenticated").fill_null(value=False))
    return Measured(good.height / seen.height, None, (), detail={"devices": seen.height})


@METRICS.add(
    "data.kpi_timeliness_share", "1", "Share of shifts whose KPIs were computed soon after their end.", ("within_min",)
)
def kpi_timeliness_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """A shift counts when a run of the job over its day ended within so many minutes after the shift."""
    within = float(parameters.get("within_min", 15)) * _MINUTE_US
    machines = list(facts.assets_of(scope))
    shifts = facts.values.filter(pl.col("grain") == "shift", pl.col("kpi") == "oee", pl.col("scope").is_in(machines))
    ends = shifts.select("production_day", "shift", "to_us").unique()
    if ends.is_empty():
        return Measured.nothing("No shift ended in the window.")
    runs = list(facts.runs.select("first", "last", "finished_us").iter_rows())
    soon = sum(
        any(first <= day <= last and 0 <= finished - end <= within for first, last, finished in runs)
        for day, _, end in ends.iter_rows()
    )
    return Measured(soon / ends.height, None, tuple(sorted(machines)), detail={"shifts": ends.height})


@METRICS.add(
    "data.condition_monitored_share", "1", "Share of machines with a signal of their condition.", ("max_period_s",)
)
def condition_monitored_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Machines with a sampled signal (temperature, pressure, current, ...) at least as often as asked for."""
    machines = facts.assets_of(scope)
    if not machines:
        return Measured.nothing("The scope has no machines: register them in the site file.")
    longest = float(parameters.get("max_period_s", 60))
    days = facts.quality.group_by("asset", "name").agg(
        pl.col("rows").sum(), ((pl.col("to_us") - pl.col("from_us")).sum() / 1e6).alias("span_s")
    )
    sampled = days.filter(pl.col("rows") > 0, pl.col("span_s") / pl.col("rows") <= longest)
    wanted = facts.series.filter(pl.col("quantity").is_in(_CONDITION), pl.col("kind") == "gauge")
    watched = set(wanted.join(sampled, on=["asset", "name"], how="semi")["asset"]) & set(machines)
    return Measured(len(watched) / len(machines), None, machines, detail={"watched": sorted(watched)})


@METRICS.add(
    "data.control_limit_share", "1", "Share of listed quality parameters that are watched against their limits."
)
def control_limit_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Characteristics of the registry's limits that have a capability (cpk) in the window, over all of them."""
    del scope, parameters
    listed = {each.characteristic for each in facts.site.spec_limits}
    if not listed:
        return Measured.nothing("No critical-to-quality parameter is listed: give the site file specification limits.")
    rows = facts.values.filter(pl.col("kpi") == "cpk", pl.col("value").is_not_null())
    watched = listed & set(rows["variant"])
    return Measured(len(watched) / len(listed), None, (), detail={"listed": len(listed), "watched": sorted(watched)})


@METRICS.add("data.pareto_opened_share", "1", "Share of production days on which the ranking of losses was opened.")
def pareto_opened_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Days with a view of the losses in the audit log, over days on which some machine was scheduled."""
    del scope, parameters
    machines = list(facts.assets_of("machines"))
    planned = facts.intervals.filter(pl.col("asset").is_in(machines), pl.col("time_class") != "not_scheduled")
    days = set(planned["production_day"])
    views = facts.opened.filter(pl.col("action") == "view.losses")["ts_us"].to_list()
    if not days or not views:
        return Measured.nothing("Nobody opened the ranking of losses in the console in the window.")
    zone = ZoneInfo(facts.site.timezone)
    opened = {datetime.fromtimestamp(at / 1e6, zone).date() for at in views}
    return Measured(len(days & opened) / len(days), None, (), detail={"days": len(days)})


@METRICS.add("data.joined_systems", "1", "Number of other systems whose records are joined with machine data.")
def joined_systems(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Sources of the business records of the window."""
    del scope, parameters
    sources = sorted(facts.records["source"].unique())
    if not sources:
        return Measured.nothing("There are no records of other systems: `haidang records import`.")
    return Measured(float(len(sources)), None, (), detail={"sources": sources})


@METRICS.add("data.join_rate", "1", "Share of the records of other systems that name a machine or line of ours.")
def join_rate(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Records with a known asset below the site, over all records."""
    del scope, parameters
    if facts.records.is_empty():
        return Measured.nothing("There are no records of other systems: `haidang records import`.")
    known = [each.key for each in facts.site.assets if each.key]
    joined = facts.records.filter(pl.col("asset").is_in(known))
    return Measured(joined.height / facts.records.height, None, (), detail={"records": facts.records.height})


def _added(histograms: pl.Series) -> Sequence[int]:
    """Sum of histograms of equal buckets."""
    rows = [row for row in histograms.to_list() if row]
    longest = max((len(row) for row in rows), default=0)
    return [sum(row[place] for row in rows if place < len(row)) for place in range(longest)]
