"""Metrics of counts and orders: what of the output is known well enough to be judged."""

import json

import polars as pl

from maturity.facts import Facts
from maturity.metrics.measured import Measured, Metrics, Parameters
from maturity.metrics.of_kpis import completeness_of, values_of
from maturity.reasons import because

METRICS = Metrics()
_ENOUGH_SHIFTS = 0.95  # of a machine's shifts, for the machine to count
_FACTORS = ("availability", "effectiveness", "quality_ratio")


def _total(rows: pl.DataFrame) -> float:
    return float(rows["numerator"].sum())


@METRICS.add("data.ideal_cycle_share", "1", "Share of the output of shifts that lies in shifts with an effectiveness.")
def ideal_cycle_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Effectiveness has a value only where every piece of the shift has an ideal cycle time."""
    del parameters
    made = values_of(facts, "produced_quantity", scope, "shift")
    if not _total(made):
        return Measured.nothing(because("nothing_counted"))
    known = values_of(facts, "effectiveness", scope, "shift").filter(pl.col("value").is_not_null())
    keys = ["scope", "production_day", "shift"]
    return Measured(
        _total(made.join(known.select(keys).unique(), on=keys, how="semi")) / _total(made),
        completeness_of(values_of(facts, "produced_quantity", scope), facts),
        tuple(made["scope"].unique().sort()),
    )


@METRICS.add(
    "data.machines_with_kpi",
    "1",
    "Share of machines with a KPI, OEE with its factors, in 95 % of their shifts.",
    ("kpi", "grain"),
)
def machines_with_kpi(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Of the windows of the grain that are stored, and on 95 % of the days on which the site has values."""
    kpi, grain = str(parameters.get("kpi", "oee")), str(parameters.get("grain", "shift"))
    machines = facts.assets_of(scope)
    if not machines:
        return Measured.nothing(because("no_machines"))
    wanted = (kpi, *_FACTORS) if kpi == "oee" else (kpi,)
    good = [
        machine
        for machine in machines
        if all(_is_there(facts, name, machine, grain) for name in wanted)
    ]  # fmt: skip
    return Measured(len(good) / len(machines), None, machines, detail={"with": good})


def _is_there(facts: Facts, kpi: str, machine: str, grain: str) -> bool:
    of_kpi = facts.values.filter(pl.col("kpi") == kpi, pl.col("grain") == grain, pl.col("variant") == "")
    rows, days = of_kpi.filter(pl.col("scope") == machine), of_kpi["production_day"].n_unique()
    if rows.is_empty() or rows["production_day"].n_unique() < _ENOUGH_SHIFTS * days:
        return False
    return rows["value"].is_not_null().sum() >= _ENOUGH_SHIFTS * rows.height


@METRICS.add(
    "data.station_count_difference",
    "1",
    "Differences between good pieces of a station and pieces of the next one, of all shifts, over those good pieces.",
)
def station_count_difference(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Good pieces of a station against pieces made by the next one, in the order that `feeds` relations give.

    The absolute differences of all shifts are added up, and divided by what the first stations of the pairs passed on.
    """
    del parameters
    pairs = [(each.from_asset, each.to_asset) for each in facts.site.relations if each.kind == "feeds"]
    lines = facts.assets_of(scope)
    pairs = [pair for pair in pairs if any(pair[0].startswith(f"{line}/") for line in lines)]
    if not pairs:
        return Measured.nothing(because("no_feeds"))
    good = _by_shift(facts, "good_quantity")
    made = _by_shift(facts, "produced_quantity")
    passed = off = 0.0
    for before, after in pairs:
        for (asset, *shift), count in good.items():
            if asset == before and (after, *shift) in made:
                passed, off = passed + count, off + abs(count - made[after, *shift])
    if not passed:
        return Measured.nothing(because("no_shared_shift"))
    stations = tuple(sorted({asset for pair in pairs for asset in pair}))
    counts = facts.values.filter(
        pl.col("kpi") == "produced_quantity", pl.col("grain") == "day", pl.col("scope").is_in(list(stations))
    )
    return Measured(off / passed, completeness_of(counts, facts), stations)


def _by_shift(facts: Facts, kpi: str) -> dict[tuple[object, ...], float]:
    rows = facts.values.filter(pl.col("kpi") == kpi, pl.col("grain") == "shift", pl.col("value").is_not_null())
    return {tuple(row[:3]): row[3] for row in rows.select("scope", "production_day", "shift", "value").iter_rows()}


@METRICS.add(
    "data.takt_attainment",
    "1",
    "Share of the whole hours inside plans whose output is within the tolerance of the plan's rate.",
    ("tolerance",),
    ("plan",),
)
def takt_attainment(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Plans are records with `planned_quantity`; an hour in which nothing was counted is one without output."""
    tolerance = float(parameters.get("tolerance", 0.10))
    machines = set(facts.assets_of(scope)) | set(facts.assets_of("lines"))
    hours = facts.values.filter(pl.col("kpi") == "produced_quantity", pl.col("grain") == "hour")
    made = {(row[0], row[1]): row[2] for row in hours.select("scope", "from_us", "value").iter_rows()}
    attained = planned = 0
    hour, (low, high) = 3_600_000_000, facts.bounds_us
    named: set[str] = set()
    rows = facts.records.filter(pl.col("kind") == "plan", pl.col("to_us").is_not_null())
    for asset, start, end, payload in rows.select("asset", "from_us", "to_us", "payload").iter_rows():
        quantity = json.loads(payload).get("planned_quantity")
        if asset not in machines or quantity is None or end <= start:
            continue
        named.add(asset)
        rate = float(quantity) * hour / (end - start)
        for begin in range(-(-max(start, low) // hour) * hour, min(end, high) - hour + 1, hour):
            planned += 1
            attained += abs(made.get((asset, begin), 0.0) - rate) <= tolerance * rate
    if not planned:
        return Measured.nothing(because("no_plan"))
    counted = facts.values.filter(
        pl.col("kpi") == "produced_quantity", pl.col("grain") == "day", pl.col("scope").is_in(list(named))
    )
    complete = completeness_of(counted, facts)
    return Measured(attained / planned, complete, tuple(sorted(named)), detail={"hours": planned})


@METRICS.add(
    "data.order_identity_share", "1", "Production time by order, or by product if less, over all production time."
)
def order_identity_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Jobs count with the production day on which they began."""
    del parameters
    whole = values_of(facts, "production_time", scope)
    if not _total(whole):
        return Measured.nothing(because("no_production_time"))
    split = [_total(values_of(facts, "production_time", scope, grain)) for grain in ("job", "product")]
    detail = {"by_job": split[0] / _total(whole), "by_product": split[1] / _total(whole)}
    assets = tuple(whole["scope"].unique().sort())
    return Measured(min(1.0, min(split) / _total(whole)), completeness_of(whole, facts), assets, detail=detail)


@METRICS.add("data.scrap_by_product_share", "1", "Scrap by product over all scrap of the window.")
def scrap_by_product_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Scrap by product over all scrap."""
    del parameters
    whole = values_of(facts, "scrap_quantity", scope)
    if whole.is_empty() or not whole["value"].is_not_null().any():
        return Measured.nothing(because("no_scrap_counter"))
    if not _total(whole):
        return Measured.nothing(
            because("no_scrap"),
            tuple(whole["scope"].unique().sort()),
        )
    by_product = _total(values_of(facts, "scrap_quantity", scope, "product"))
    share = min(1.0, by_product / _total(whole))
    return Measured(share, completeness_of(whole, facts), tuple(whole["scope"].unique().sort()))


@METRICS.add(
    "data.order_carbon_share", "1", "Good pieces of jobs whose emissions are known, over good pieces of all jobs."
)
def order_carbon_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Good pieces of jobs with emissions, over good pieces of all jobs."""
    del parameters
    made = values_of(facts, "good_quantity", scope, "job")
    if not _total(made):
        return Measured.nothing(because("no_order_pieces"))
    carbon = values_of(facts, "co2e_location", scope, "job").filter(pl.col("value").is_not_null())
    if carbon.is_empty():
        return Measured.nothing(because("no_emissions"))
    keys = ["scope", "job"]
    known = _total(made.join(carbon.select(keys).unique(), on=keys, how="semi"))
    return Measured(known / _total(made), None, tuple(made["scope"].unique().sort()))
