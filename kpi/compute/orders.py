"""Jobs and products in force: the registry's jobs and change events in, one layer (a, ts, job, product) out."""

import json
from typing import Any

import polars as pl

from kpi.compute.layers import newest
from kpi.compute.plan import Plan
from model.registry import Job, Site
from model.vocabulary import EventKind

_LAYER = pl.Schema({"a": pl.Int32, "ts": pl.Int64, "job": pl.String, "product": pl.String})
_END, _BEGIN, _JOB_CHANGE, _PRODUCT_CHANGE = range(4)
_CHANGES = {EventKind.JOB_CHANGE.value: _JOB_CHANGE, EventKind.PRODUCT_CHANGE.value: _PRODUCT_CHANGE}


def payload_of(text: str | None) -> dict[str, Any]:
    """Read an event's payload; anything but a JSON object counts as empty."""
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def order_layer(site: Site, events: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Tell which job and product each asset works on; the newest change wins; a job takes its product along."""
    ranks = plan.rank()
    changes: dict[str, list[tuple[int, int, str, Any]]] = {}
    for job in (each for each in site.jobs if each.to_us is None or each.from_us < each.to_us):
        changes.setdefault(job.asset, []).append((job.from_us, _BEGIN, job.key, job))
        if job.to_us is not None:
            changes.setdefault(job.asset, []).append((job.to_us, _END, job.key, job))
    columns = ["asset", "ts", "kind", "key", "payload"]
    for asset, ts, kind, key, payload in (
        events.filter(pl.col("kind").is_in(list(_CHANGES))).select(columns).sort(columns).iter_rows()
    ):
        changes.setdefault(asset, []).append((ts, _CHANGES[kind], key, payload_of(payload)))
    rows = [
        (ranks[asset], *row)
        for asset, each in changes.items()
        if asset in ranks
        for row in _sweep(sorted(each, key=lambda change: change[:3]))
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


def _sweep(changes: list[tuple[int, int, str, Any]]) -> list[tuple[int, str, str]]:
    job, product = "", ""
    owner: Job | None = None  # the registry's job in force, and whether the product came with it
    own_product = False
    running: list[Job] = []
    rows = []
    products = {key: what.product for _, how, key, what in changes if how == _BEGIN}
    for ts, how, key, what in changes:
        if how == _END:
            running.remove(what)
            if owner is what:
                owner = running[-1] if running else None
                job = owner.key if owner else ""
                product = (owner.product if owner else None) or ("" if own_product else product)
                own_product = owner is not None and owner.product is not None
        elif how == _BEGIN:
            running.append(what)
            job, owner, own_product = key, what, what.product is not None
            product = what.product or product
        elif how == _JOB_CHANGE:
            job, owner, own_product = str(what.get("job", key) or ""), None, False
            product = str(what.get("product") or products.get(job) or product)
        elif how == _PRODUCT_CHANGE:
            product, own_product = str(what.get("product", key) or ""), False
        rows.append((ts, job, product))
    return rows
