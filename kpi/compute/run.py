"""The computation: inputs of contiguous production days in, intervals, atoms and demand out; no database, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from kpi.compute.atoms import assemble, keyed, time_rows
from kpi.compute.business import business_rows
from kpi.compute.carry import carry_frame, day_ends, failure_ends, line_ends
from kpi.compute.counters import bases, counted, increments, last_values
from kpi.compute.counts import COUNTERS, counter_rows, ideal_rows
from kpi.compute.energy import FLOWS, demand, energy_rows, flow_spans, meters
from kpi.compute.failures import count_rows, duration_rows, failure_layer, follow_failures
from kpi.compute.findings import Noticed, all_findings
from kpi.compute.ideal import Routings
from kpi.compute.line import Evidence, signal_line
from kpi.compute.metering import Metered, hosts, shares, with_shares
from kpi.compute.orders import order_layer, product_notes, reason_notes, told_orders
from kpi.compute.periodic import periodic_rows
from kpi.compute.pieces import Layers, intervals, make_pieces
from kpi.compute.plan import Plan, look_ahead_us, make_plan, open_layer
from kpi.compute.quality import Observed, series_quality
from kpi.compute.record_counts import Slots, record_rows
from kpi.compute.records import Records, read_records
from kpi.compute.samples import sample_rows
from kpi.compute.series_samples import series_samples
from kpi.compute.signals import among, in_order, ranked_series, silences
from kpi.compute.spread import Pieces
from kpi.compute.states import state_layer, state_series
from kpi.compute.substances import substance_rows
from kpi.frames import ATOMS, Inputs, Tables


@dataclass(frozen=True)
class Prepared:
    """Inputs with the asset rank `a`, in order."""

    inputs: Inputs
    plan: Plan
    series: pl.DataFrame
    readings: pl.DataFrame
    events: pl.DataFrame
    orders: pl.DataFrame
    routings: Routings
    records: Records
    carry: Mapping[int, Mapping[str, Any]]
    cumulative: pl.DataFrame  # the counters among the series
    valid: pl.DataFrame  # their valid readings
    made: pl.DataFrame  # and increments


def compute(inputs: Inputs) -> Tables:
    """Compute the production days of a site: the same inputs, in any order of rows, give the same bytes."""
    given = _prepare(inputs)
    own = _line(given).filter(~pl.col("is_before"))
    pieces = make_pieces(
        Layers(
            given.plan,
            _used(given, own),
            own,
            given.orders,
            given.records.layer,
            product_notes(inputs.annotations, given.plan),
            given.routings.eras(given.plan),
            inputs.site.timezone,
        )
    )
    index = Pieces.of(pieces)
    metered = meters(given.series)
    flows = flow_spans(given.readings, given.made, metered)
    power = with_shares(flows, metered, shares(inputs.site), given.plan.assets)
    busy = follow_failures(pieces, given.carry)
    missing, amounts = _amounts(given, pieces, index, power)
    amounts.append(keyed(count_rows(busy), pieces))
    ends = day_ends(given.plan.days, given.plan.bounds, given.plan.assets)
    return Tables(
        intervals=intervals(pieces),
        atoms=assemble([time_rows(pieces), keyed(duration_rows(busy), pieces)], amounts),
        interval_series=demand(power.spans, power.meters, inputs.site, given.plan),
        windows=given.plan.windows,
        carry=carry_frame(
            [
                ("line", line_ends(own, ends)),
                ("failure", failure_ends(failure_layer(busy, given.carry, given.plan.bounds), ends)),
                (
                    "counters",
                    last_values(given.valid, given.cumulative, ends).select(
                        "asset", "production_day", "name", "ts", "value"
                    ),
                ),
                ("records", _recorded(own, given, ends)),
            ]
        ),
        findings=all_findings(
            Noticed(inputs.site, given.plan, given.series, own, given.events, given.made, given.valid),
            missing,
            given.records.findings,
        ),
        quality=series_quality(
            Observed(
                inputs.site, given.plan, given.series, given.readings, given.made, pieces, until_us=inputs.until_us
            )
        ),
    )


def _prepare(inputs: Inputs) -> Prepared:
    plan = make_plan(inputs.site, inputs.days, inputs.until_us, inputs.assets)
    ranks = plan.rank()
    series = ranked_series(inputs.series, plan)
    readings = in_order(inputs.readings)
    routings = Routings(inputs.site)
    cumulative = series.filter(pl.col("kind") == "counter", pl.col("quantity").is_in([*COUNTERS, *FLOWS]))
    valid = counted(readings, cumulative, plan.bounds, bases(inputs.carry, cumulative))
    return Prepared(
        inputs=inputs,
        plan=plan,
        series=series,
        readings=readings,
        events=plan.assets.join(inputs.events, on="asset").sort("a", "ts", "kind", "key", "payload"),
        orders=order_layer(inputs.site, inputs.events, plan, told_orders(readings, series, inputs.symbols)),
        routings=routings,
        records=read_records(inputs.events, plan, routings),
        carry={ranks[asset]: payload for asset, payload in inputs.carry.items() if asset in ranks},
        cumulative=cumulative,
        valid=valid,
        made=increments(valid),
    )


def _line(given: Prepared) -> pl.DataFrame:
    inputs, plan = given.inputs, given.plan
    state = state_series(given.series)
    source = state_layer(inputs.site, plan, given.readings, given.series, inputs.symbols)
    rows = [(each.key, each.assume_order, each.micro_stop_limit_us, each.max_silence_us) for each in inputs.site.assets]
    schema = {
        "asset": pl.String,
        "assume_order": pl.Boolean,
        "micro_stop_limit_us": pl.Int64,
        "max_silence_us": pl.Int64,
    }
    settings = plan.assets.join(pl.DataFrame(rows, schema, orient="row"), on="asset").drop("asset")
    limits = settings.drop_nulls("max_silence_us").join(state, on="a", how="semi")
    ahead = look_ahead_us(inputs.site)
    until = inputs.until_us
    late = (
        pl.col("hi") + ahead
        if until is None
        else pl.min_horizontal(pl.col("hi") + ahead, pl.max_horizontal("hi", pl.lit(until)))
    )
    bounds = pl.concat(
        [plan.bounds.join(state, on="a", how="semi"), _record_bounds(given).join(state, on="a", how="anti")]
    )
    made = among(given.made, given.cumulative.filter(pl.col("quantity").is_in(COUNTERS)))
    made = made.filter(pl.col("kind") != "anomaly", pl.col("amount") > 0)
    return signal_line(
        Evidence(
            site=inputs.site,
            bounds=bounds.with_columns(pl.col("lo") - 1, late.alias("hi")).sort("a"),
            source=pl.concat([source, given.records.source.join(state, on="a", how="anti")]).sort("a", "ts"),
            silence=silences(given.readings, given.series, limits.select("a", "max_silence_us")),
            days=plan.days,
            orders=given.orders,
            notes=reason_notes(inputs.annotations, plan),
            made=made.select("a", "t1"),
            events=given.events,
            settings=settings.select("a", "assume_order", "micro_stop_limit_us"),
            carry=given.carry,
        )
    )


def _record_bounds(given: Prepared) -> pl.DataFrame:
    """A unit that is known by records has a time model from the production day of its first record on."""
    ranks, bounds = given.plan.rank(), given.plan.bounds
    first: dict[int, int] = {}
    for run in given.records.runs:
        first[ranks[run.asset]] = min(run.from_us, first.get(ranks[run.asset], run.from_us))
    first.update({a: 0 for a, payload in given.carry.items() if payload.get("records")})
    begun = pl.DataFrame(sorted(first.items()), {"a": pl.Int32, "from_us": pl.Int64}, orient="row")
    days = given.plan.days.select("a", "ts", pl.col("ts").alias("day_us"))
    begun = begun.join_asof(days, left_on="from_us", right_on="ts", by="a", coalesce=False, check_sortedness=False)
    found = bounds.join(begun.select("a", "day_us"), on="a")
    found = found.with_columns(pl.max_horizontal("lo", "day_us").alias("lo"))
    return found.filter(pl.col("lo") < pl.col("hi")).select(bounds.columns)


def _used(given: Prepared, line: pl.DataFrame) -> pl.DataFrame:
    """Only assets of which anything is known are cut into pieces."""
    ranks = given.plan.rank()
    recorded = [ranks[asset] for asset in given.inputs.records["asset"].unique() if asset in ranks]
    shared = (ranks[asset] for asset in shares(given.inputs.site)["asset"] if asset in ranks)
    runs = (ranks[run.asset] for run in given.records.runs)
    ids = [*given.series["a"], *line["a"].unique(), *shared, *runs, *recorded]
    return given.plan.bounds.filter(pl.col("a").is_in(sorted(set(ids))))


def _amounts(
    given: Prepared, pieces: pl.DataFrame, index: Pieces, power: Metered
) -> tuple[list[dict[str, Any]], list[pl.DataFrame]]:
    counters = given.series.filter(pl.col("quantity").is_in(COUNTERS), pl.col("kind") == "counter")
    rows = counter_rows(given.made, counters, index)
    ideal = ideal_rows(rows, pieces, given.routings)
    measured, unlimited = series_samples(given.readings, given.series, given.inputs.site, pieces, index)
    hosted = power.hosted(hosts(given.inputs.site), given.plan.assets)
    energy = energy_rows(hosted, power.meters, index)
    classless = pl.DataFrame({name: [""] for name in ("time_class", "sub_class", "reason")})
    lost = energy.filter("is_gap").drop("is_gap").join(classless, how="cross")
    told, findings = _of_records(given, pieces, index, set(counters["asset"]))
    frames = [rows, ideal.rows, energy.filter(~pl.col("is_gap")).drop("is_gap"), lost, *told]
    frames += [periodic_rows(given.readings, given.series, pieces, index), measured]
    return ideal.findings + findings + unlimited, [
        keyed(each, pieces).select(name for name in ATOMS if name != "duration_us") for each in frames if len(each)
    ]


def _of_records(
    given: Prepared, pieces: pl.DataFrame, index: Pieces, counted: set[str]
) -> tuple[list[pl.DataFrame], list[dict[str, Any]]]:
    """Amounts of production records, where counters do not count (`counted`), and of business records."""
    frames, findings = list[pl.DataFrame](), list[dict[str, Any]]()
    records, runs, plan = given.inputs.records, given.records.runs, given.plan
    if runs:
        made = record_rows(runs, counted, Slots(open_layer(plan), pieces, index, plan.rank()))
        frames, findings = [made.rows], [*made.findings]
    if not records.is_empty():
        business, odd = business_rows(records, plan, pieces, index)
        samples, unusable = sample_rows(records, given.inputs.site, plan, pieces, index)
        burned, uncounted = substance_rows(records, given.inputs.site, plan, index)
        frames, findings = [*frames, business, samples, burned], [*findings, *unusable, *odd, *uncounted]
    return frames, findings


def _recorded(line: pl.DataFrame, given: Prepared, ends: pl.DataFrame) -> pl.DataFrame:
    state = state_series(given.series)
    began = line.join(state, on="a", how="anti").group_by("a").agg(pl.col("from_us").min())
    return ends.join(began, on="a").filter(pl.col("day_end") > pl.col("from_us")).select("asset", "production_day")
