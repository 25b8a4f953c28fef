"""Production records (`production_run` events): what a unit made in a slot of time, without any signal of its state.

A slot with cycles is production, one without is delay. Records of the same slot share it in the order of their keys, in
proportion to their ideal time (cycles where an ideal is missing); a record without cycles gets no time but is kept.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import polars as pl

from kpi.compute.ideal import Routings
from kpi.compute.layers import steps
from kpi.compute.numerals import number
from kpi.compute.orders import payload_of
from kpi.compute.plan import Plan
from kpi.compute.states import SOURCE
from model.vocabulary import EventKind, Origin, SubClass, TimeClass


@dataclass(frozen=True)
class Run:
    """One record, with the part [s0, s1) of its slot that is its own."""

    asset: str
    from_us: int
    to_us: int
    product: str
    job: str
    tool: str
    cycles: float | None
    good: float
    rejects: dict[str, float]
    stated_total: float | None
    cycle_us: float | None = None  # ideal time of a cycle, or of a piece where no cycles are stated
    s0: int = 0
    s1: int = 0

    @property
    def total(self) -> float:
        """Pieces made."""
        return self.good + sum(self.rejects[kind] for kind in sorted(self.rejects))

    @property
    def activity(self) -> float:
        """Cycles, or pieces where no cycles are stated."""
        return self.total if self.cycles is None else self.cycles


@dataclass(frozen=True)
class Records:
    """All records of a computation: `runs` by number `run`, their layers and what is odd about them."""

    runs: list[Run]
    source: pl.DataFrame  # as kpi.compute.states.SOURCE
    layer: pl.DataFrame  # a, ts, run, run_product, run_job; null outside slots
    findings: list[dict[str, Any]] = field(default_factory=list)


def read_records(events: pl.DataFrame, plan: Plan, routings: Routings) -> Records:
    """Read the records of all known assets."""
    known = set(plan.assets["asset"])
    columns = ["asset", "from_us", "to_us", "ts", "key", "payload"]
    rows = events.filter(pl.col("kind") == EventKind.PRODUCTION_RUN.value).select(columns).sort(columns)
    findings: list[dict[str, Any]] = []
    read: list[Run] = []
    for asset, begin, end, _, key, text in rows.iter_rows():
        if asset not in known or begin is None or end is None or end <= begin:
            continue
        payload = payload_of(text)
        wrong = _wrong(payload)
        if wrong:
            findings.append({"kind": "bad_record", "asset": asset, "record": f"production_run {key}", "fields": wrong})
        else:
            read.append(_read(asset, begin, end, payload, routings))
    runs = [run for _, of_asset in groupby(read, key=lambda run: run.asset) for run in _share(list(of_asset), findings)]
    findings += (
        {
            "kind": "count_mismatch",
            "asset": run.asset,
            "from_us": run.from_us,
            "product": run.product,
            "total": run.stated_total,
            "good": run.good,
            "reject": run.total - run.good,
        }
        for run in runs
        if run.stated_total is not None and run.stated_total != run.total
    )
    return Records(runs, *_layers(runs, plan), findings)


def _wrong(payload: Mapping[str, Any]) -> list[str]:
    """Name the counts of a record that are no numbers: one such record must not keep its site from being computed."""
    stated = payload.get("reject")
    parts = stated.values() if isinstance(stated, dict) else [stated]
    given = {name: payload.get(name) for name in ("total", "good", "cycles")}
    wrong = [name for name, value in given.items() if value is not None and _count(value) is None]
    return wrong + ["reject"] * any(part and _count(part) is None for part in parts)


def _count(value: Any) -> float | None:
    """Give a count, which tables of others may hold as a text."""
    try:
        return number(float(value)) if isinstance(value, str) else number(value)
    except ValueError:
        return None


def _read(asset: str, from_us: int, to_us: int, payload: dict[str, Any], routings: Routings) -> Run:
    stated = payload.get("reject")
    rejects = stated if isinstance(stated, dict) else {"": stated or 0}
    rejects = {str(kind): float(count) for kind, count in rejects.items() if count}
    total = None if payload.get("total") is None else float(payload["total"])
    good = payload.get("good")
    good = (total or 0.0) - sum(rejects[kind] for kind in sorted(rejects)) if good is None else float(good)
    cycles = None if payload.get("cycles") is None else float(payload["cycles"])
    product, job, tool = (str(payload.get(name) or "") for name in ("product", "job", "tool"))
    routing = routings.find(asset, product, tool, from_us)
    per_piece = 1 if routing is None or cycles is not None else routing.pieces_per_cycle
    cycle_us = None if routing is None else routing.ideal_cycle_us / per_piece
    return Run(asset, from_us, to_us, product, job, tool, cycles, good, rejects, total, cycle_us)


def _share(runs: list[Run], findings: list[dict[str, Any]]) -> Iterator[Run]:
    """Give each run of one asset its part of its slot; a slot ends where the next one begins."""
    slots = [list(slot) for _, slot in groupby(runs, key=lambda run: (run.from_us, run.to_us))]
    starts = [slot[0].from_us for slot in slots[1:]]
    for slot, following in zip(slots, [*starts, None], strict=True):
        begin, end = slot[0].from_us, slot[0].to_us
        if following is not None and following < end:
            findings.append({"kind": "overlapping_runs", "asset": slot[0].asset, "from_us": begin, "cut_us": following})
            end = following
        yield from _divide(slot, begin, end)


def _divide(slot: list[Run], begin: int, end: int) -> Iterator[Run]:
    ideal = all(run.cycle_us is not None for run in slot if run.activity > 0)
    weights = [run.activity * ((run.cycle_us or 0.0) if ideal else 1.0) for run in slot]
    if not any(weights):
        weights[0] = 1.0
    done, whole, at = 0.0, sum(weights), begin
    last = max(index for index, weight in enumerate(weights) if weight)
    for index, (run, weight) in enumerate(zip(slot, weights, strict=True)):
        done += weight
        until = end if index >= last else begin + round((end - begin) * (done / whole))
        yield Run(**{**run.__dict__, "s0": at, "s1": until})
        at = until


def _layers(runs: list[Run], plan: Plan) -> tuple[pl.DataFrame, pl.DataFrame]:
    ranks = plan.rank()
    schema = pl.Schema(
        {
            "a": pl.Int32,
            "from_us": pl.Int64,
            "to_us": pl.Int64,
            "run": pl.Int64,
            "run_product": pl.String,
            "run_job": pl.String,
            "made": pl.Boolean,
        }
    )
    rows = [
        (ranks[run.asset], run.s0, run.s1, number, run.product, run.job, run.activity > 0)
        for number, run in enumerate(runs)
        if run.s0 < run.s1
    ]
    layer = steps(
        pl.DataFrame(rows, schema, orient="row").sort("a", "from_us"), ["run", "run_product", "run_job", "made"]
    )
    made = pl.col("made")
    source = layer.select(
        "a",
        "ts",
        pl.lit("").alias("state"),
        pl.when(made)
        .then(pl.lit(TimeClass.PRODUCTION.value))
        .when(~made)
        .then(pl.lit(TimeClass.DELAY.value))
        .otherwise(pl.lit(TimeClass.UNKNOWN.value))
        .alias("time_class"),
        pl.when(~made).then(pl.lit(SubClass.OTHER.value)).otherwise(pl.lit("")).alias("sub_class"),
        pl.lit("").alias("reason"),
        pl.lit(value=False).alias("needs_parts"),
        pl.when(made.is_null()).then(pl.lit(Origin.NONE.value)).otherwise(pl.lit(Origin.RECORD.value)).alias("origin"),
    )
    return source.select(SOURCE.names()), layer.drop("made")
