"""Jobs and products in force: orders, change events and series in, one layer (a, ts, job, product) out."""

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from kpi.compute.layers import newest
from kpi.compute.plan import Plan
from kpi.compute.signals import of_series, usable
from model.registry import Job, Site
from model.vocabulary import EventKind

_LAYER = pl.Schema({"a": pl.Int32, "ts": pl.Int64, "job": pl.String, "product": pl.String})
_END, _BEGIN, _JOB_CHANGE, _PRODUCT_CHANGE = range(4)
_CHANGES = {EventKind.JOB_CHANGE.value: _JOB_CHANGE, EventKind.PRODUCT_CHANGE.value: _PRODUCT_CHANGE}
JOB, PRODUCT = "job", "product"  # quantities of series in which a unit tells them itself
_TOLD_AS = {EventKind.JOB_CHANGE.value: JOB, EventKind.PRODUCT_CHANGE.value: PRODUCT}
_EVER = 2**62
_Change = tuple[int, int, str, Any]


def payload_of(text: str | None) -> dict[str, Any]:
    """Read an event's payload; anything but a JSON object counts as empty."""
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def told_orders(readings: pl.DataFrame, series: pl.DataFrame, symbols: pl.DataFrame) -> pl.DataFrame:
    """Read jobs and products that units tell by a series of that quantity (a, ts, quantity, key).

    A text is the key; so is a number as a controller keeps it in a register, 0 being none. No signal tells none.
    """
    chosen = series.filter(pl.col("quantity").is_in([JOB, PRODUCT])).unique(
        ["a", "quantity"], keep="first", maintain_order=True
    )
    rows = of_series(readings, chosen, ["a", "quantity", "kind"]).with_columns(
        pl.when(usable()).then("value").alias("value")
    )
    known = pl.col("series_id") == pl.col("series_id").shift()
    rows = rows.filter((~known | pl.col("value").ne_missing(pl.col("value").shift())).fill_null(value=True))
    number = pl.col("value").cast(pl.Int64, strict=False)
    rows = rows.with_columns(number.alias("symbol_id")).join(symbols, on="symbol_id", how="left", maintain_order="left")
    told = pl.when(pl.col("kind") == "state").then("text").when(number != 0).then(number.cast(pl.String))
    return rows.select("a", "ts", "quantity", told.fill_null("").str.strip_chars().alias("key"))


def order_layer(site: Site, events: pl.DataFrame, plan: Plan, told: pl.DataFrame | None = None) -> pl.DataFrame:
    """Tell which job and product each asset works on; the newest change wins; a job takes its product along.

    From when on a unit tells its job (or product) itself, as `told_orders` reads it, orders and events do not count for
    that; a job that it tells makes the product of its order, if that has one.
    """
    keys = dict(zip(plan.assets["a"], plan.assets["asset"], strict=True))
    own = [] if told is None else [(keys[a], *row) for a, *row in told.iter_rows()]
    tells: dict[tuple[str, str], int] = {}  # since when
    for asset, ts, quantity, _ in own:
        tells[asset, quantity] = min(ts, tells.get((asset, quantity), ts))
    changes: dict[str, list[_Change]] = {}
    for job in (each for each in site.jobs if each.to_us is None or each.from_us < each.to_us):
        until = tells.get((job.asset, JOB), _EVER)
        if job.from_us < until:
            changes.setdefault(job.asset, []).append((job.from_us, _BEGIN, job.key, job))
            if job.to_us is not None and job.to_us < until:
                changes.setdefault(job.asset, []).append((job.to_us, _END, job.key, job))
    columns = ["asset", "ts", "kind", "key", "payload"]
    for asset, ts, kind, key, payload in (
        events.filter(pl.col("kind").is_in(list(_CHANGES))).select(columns).sort(columns).iter_rows()
    ):
        if ts < tells.get((asset, _TOLD_AS[kind]), _EVER):
            changes.setdefault(asset, []).append((ts, _CHANGES[kind], key, payload_of(payload)))
    for asset, ts, quantity, key in own:
        how = _JOB_CHANGE if quantity == JOB else _PRODUCT_CHANGE
        changes.setdefault(asset, []).append((ts, how, key, {}))
    ranks = plan.rank()
    rows = [
        (ranks[asset], *row)
        for asset, each in changes.items()
        if asset in ranks
        for row in _sweep(
            sorted(each, key=lambda change: change[:3]),
            {job.key: job.product for job in site.jobs if job.asset == asset},
            product_from=tells.get((asset, PRODUCT), _EVER),
            job_from=tells.get((asset, JOB), _EVER),
        )
    ]
    layer = pl.DataFrame(rows, _LAYER, orient="row").sort("a", "ts", maintain_order=True)
    return layer.unique(["a", "ts"], keep="last", maintain_order=True)


def product_notes(annotations: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Give the layer (a, ts, product) of annotations that correct the product, the newest on top."""
    return _notes(annotations, plan, "product")


def reason_notes(annotations: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Give the layer (a, ts, reason) of annotations that give a reason, the newest on top."""
    return _notes(annotations, plan, "reason")


def _notes(annotations: pl.DataFrame, plan: Plan, column: str) -> pl.DataFrame:
    spans = annotations.filter(pl.col(column).fill_null("") != "").join(plan.assets, on="asset")
    return newest(spans, [column], ["created_us", "annotation_id"])


def _sweep(
    changes: list[_Change], products: Mapping[str, str | None], *, product_from: int, job_from: int
) -> list[tuple[int, str, str]]:
    """Follow the changes of one asset; a job without a product leaves the last one that a product change told.

    So the last job change and the last product change before a day are all that it needs of the time before.
    """
    job, product, stated = "", "", ""
    owner: Job | None = None  # the registry's job in force
    running: list[Job] = []
    rows = []
    told: str | None = None  # what the unit said last, where it tells its product itself
    for ts, how, key, what in changes:
        if how == _END:
            running.remove(what)
            if owner is what:
                owner = running[-1] if running else None
                job = owner.key if owner else ""
                product = (owner.product if owner else None) or stated
        elif how == _BEGIN:
            running.append(what)
            job, owner = key, what
            product = what.product or stated
        elif how == _JOB_CHANGE:
            job, owner = str(what.get("job", key) or ""), None
            product = str(what.get("product") or products.get(job) or stated)
        elif how == _PRODUCT_CHANGE:
            product = stated = str(what.get("product", key) or "")
            told = product if ts >= product_from else None
            # A unit says its job again and again: what its order makes must not depend on which time was the last.
            product = (products.get(job) if ts >= job_from else None) or product
        if told is not None:
            product = told  # which may be none: a job does not change what the unit says
        rows.append((ts, job, product))
    return rows
