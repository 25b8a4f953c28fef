"""What an engineer should look at: everything the computation noticed, as plain data in a fixed order."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from kpi.compute.line import place_stop_reasons, reasons, stop_reason_events
from kpi.compute.plan import Plan
from kpi.sums import total
from model.canonical import canonical_json
from model.registry import Site

Findings = list[dict[str, Any]]


@dataclass(frozen=True)
class Noticed:
    """What findings are read from: all with the asset rank `a`."""

    site: Site
    plan: Plan
    series: pl.DataFrame
    line: pl.DataFrame
    events: pl.DataFrame
    made: pl.DataFrame  # increments of counters
    valid: pl.DataFrame  # valid readings of counters


def all_findings(seen: Noticed, *others: Findings) -> Findings:
    """Collect and sort the findings of one computation."""
    line = seen.line.join(seen.plan.assets, on="a", maintain_order="left")
    names = seen.series.select("series_id", "asset", "name")
    odd = seen.made.filter(pl.col("fell") | (pl.col("kind") != "counted")).join(names, on="series_id")
    made = odd.join(seen.plan.bounds, on="a").filter(pl.col("t1") > pl.col("lo"), pl.col("t1") <= pl.col("hi"))
    found = [*_unmapped(line), *_unknown_reasons(seen.site, line), *_outside_stops(line, seen.events)]
    found += [*_falls(made), *_apart(made), *_partial_starts(seen), *_series(seen.series)]
    return sorted((*found, *(each for part in others for each in part)), key=canonical_json)


def _listed(kind: str, rows: pl.DataFrame) -> Findings:
    return [{"kind": kind, **row} for row in rows.iter_rows(named=True)]


def _unmapped(line: pl.DataFrame) -> Findings:
    length = (pl.col("to_us") - pl.col("from_us")).sum().alias("duration_us")
    return _listed("unmapped_state", line.filter("is_unmapped").group_by("asset", "state").agg(length))


def _unknown_reasons(site: Site, line: pl.DataFrame) -> Findings:
    told = pl.concat([line.select("asset", pl.col(name).alias("reason")) for name in ("stop_reason", "note")])
    known = reasons(site).select(pl.col("_reason").alias("reason"))
    return _listed("unknown_reason", told.drop_nulls().unique().join(known, on="reason", how="anti"))


def _outside_stops(line: pl.DataFrame, events: pl.DataFrame) -> Findings:
    placed = place_stop_reasons(line, stop_reason_events(events)).filter(~pl.col("is_stop"))
    named = placed.join(line.select("a", "asset").unique(), on="a")
    return _listed("stop_reason_outside_stop", named.select("asset", "ts", pl.col("given").alias("reason")))


def _falls(made: pl.DataFrame) -> Findings:
    fell = made.filter("fell").group_by("asset", pl.col("name").alias("series")).agg(pl.len().alias("times"))
    return _listed("counter_reset", fell)


def _apart(made: pl.DataFrame) -> Findings:
    """List rises that were impossible, and those that nobody watched."""
    found: Findings = []
    for kind, name in (("anomaly", "counter_anomaly"), ("gap", "counter_gap")):
        rows = made.filter(pl.col("kind") == kind, pl.col("amount") != 0)
        for (asset, series), each in rows.group_by("asset", "name"):
            found.append(
                {"kind": name, "asset": asset, "series": series, "times": each.height, "amount": total(each["amount"])}
            )
    return found


def _partial_starts(seen: Noticed) -> Findings:
    """List counters first seen inside the days: what they counted before their first reading is not known."""
    begins = (pl.col("series_id") != pl.col("series_id").shift()).fill_null(value=True)
    names = seen.series.select("series_id", "asset", pl.col("name").alias("series"))
    first = seen.valid.filter(begins).join(names, on="series_id")
    inside = first.join(seen.plan.bounds.select("a", "lo", "hi"), on="a", suffix="_of").filter(
        pl.col("ts") > pl.col("lo"), pl.col("ts") <= pl.col("hi")
    )
    return _listed("partial_start", inside.select("asset", "series", "ts"))


def _series(series: pl.DataFrame) -> Findings:
    states = series.filter(pl.col("quantity") == "state").group_by("asset").agg(pl.col("name").sort())
    several = states.filter(pl.col("name").list.len() > 1).select("asset", pl.col("name").list.first().alias("used"))
    counters = series.filter(pl.col("kind") == "counter").group_by("asset").agg(pl.col("quantity").unique())
    only_total = counters.filter(
        pl.col("quantity").list.contains("total_count"),
        ~pl.col("quantity").list.contains("good_count"),
        ~pl.col("quantity").list.contains("reject_count"),
    )
    return _listed("several_state_series", several) + _listed("quality_not_measured", only_total.select("asset"))
