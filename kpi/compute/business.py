"""Business records (orders, maintenance, inspection, attendance, inventory): amounts of the piece in which they close.

A record belongs whole to the window in which it ends; one without an end is not counted yet. What a record's payload
may hold is listed in FIELDS; anything else in it is kept and not read here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from kpi.compute.atoms import ROWS
from kpi.compute.numerals import amount as amount_of
from kpi.compute.numerals import number
from kpi.compute.orders import payload_of
from kpi.compute.plan import Plan
from kpi.compute.spread import Pieces, at_instants

# Kind of record -> number in its payload -> quantity of the atom. Durations in s, pieces, or any one unit of mass.
FIELDS: dict[str, dict[str, str]] = {
    "attendance": {"work_s": "order_work_time", "attendance_s": "attendance_time"},
    "order": {
        "transport_s": "transport_time",
        "queuing_s": "queuing_time",
        "planned_scrap": "planned_scrap",
        "first_operation_quantity": "first_operation_quantity",
        "capacity": "production_capacity",
    },
    "inspection": {
        "inspected": "inspected",
        "first_pass_good": "first_pass_good",
        "reworked_good": "reworked_good",
        "rework": "rework",
        "failed": "failed_final",
        "defects": "defects",
        "opportunities": "defect_opportunities",
    },
    "inventory": {
        "throughput": "inventory_throughput",
        "consumed": "consumed_material",
        "integrated_good": "integrated_good",
        "production_loss": "production_loss",
        "storage_transport_loss": "storage_transport_loss",
        "other_loss": "other_loss",
    },
}
PRECURSOR = {"see_direct": "precursor_direct_t", "see_indirect": "precursor_indirect_t"}
# How many records of a kind closed: a ratio without any of them has no value.
QUANTITIES = (
    *(quantity for fields in FIELDS.values() for quantity in fields.values()),
    *("orders", "inspections", "corrective_maintenance_time", "preventive_maintenance_time"),
    *("inventory_stock_time", "inventory_span"),
    *("media_mj", "exchanged_mj", "energy_records"),
    *PRECURSOR.values(),
)
COUNTED = {"order": "orders", "inspection": "inspections", "energy": "energy_records"}
MAINTENANCE = {"corrective": "corrective_maintenance_time", "preventive": "preventive_maintenance_time"}
_COLUMNS = ["asset", "from_us", "to_us", "kind", "key", "payload"]
_OUT = pl.Schema({"a": pl.Int32, "t1": pl.Int64, "quantity": pl.String, "amount": pl.Float64, "job": pl.String})
US_PER_S = 1e6

Finding = dict[str, Any]


def business_rows(
    records: pl.DataFrame, plan: Plan, pieces: pl.DataFrame, index: Pieces
) -> tuple[pl.DataFrame, list[Finding]]:
    """Give the amounts of the records (frames.RECORDS) that close in the computed days, and those that say nonsense."""
    ranks = plan.rank()
    rows: list[tuple[int, int, str, float, str | None]] = []
    findings: list[Finding] = []
    for asset, from_us, to_us, kind, key, text in records.select(_COLUMNS).sort(_COLUMNS).iter_rows():
        if asset not in ranks or to_us is None:
            continue
        payload = payload_of(text)
        job = str(payload.get("job") or (key if kind == "order" else "")) or None
        found = list(_amounts(kind, from_us, to_us, payload))
        wrong = [name for name, amount in found if amount is None]
        if wrong:
            findings.append({"kind": "bad_record", "asset": asset, "record": f"{kind} {key}", "fields": wrong})
        rows += [(ranks[asset], to_us, name, amount, job) for name, amount in found if amount is not None]
    placed = at_instants(pl.DataFrame(rows, _OUT, orient="row").sort("a", "t1", maintain_order=True), index)
    at_work = pieces.select(pl.col("job").alias("_job"))[placed["p"]]
    named = pl.concat([placed, at_work], how="horizontal").with_columns(pl.coalesce("job", "_job").alias("job"))
    return named.with_columns(pl.lit("").alias("qualifier")).select(*ROWS, "job"), findings


def _amounts(kind: str, from_us: int, to_us: int, payload: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    """Quantities of a record; None stands for a field that is no amount, under the field's name."""
    for name, quantity in FIELDS.get(kind, {}).items():
        if payload.get(name) is not None:
            amount = amount_of(payload[name])
            yield (name, None) if amount is None else (quantity, amount)
    if kind in COUNTED and (kind != "inspection" or any(payload.get(name) is not None for name in FIELDS[kind])):
        yield COUNTED[kind], 1.0
    span_s = (to_us - from_us) / US_PER_S
    if kind == "maintenance":
        given = payload.get("duration_s")
        of_type = MAINTENANCE.get(str(payload.get("type")))
        amount = span_s if given is None else amount_of(given)
        if of_type is None or amount is None:
            yield ("type" if of_type is None else "duration_s"), None
        else:
            yield of_type, amount
    if kind == "precursor":
        yield from _embedded(payload)
    if kind == "energy":
        yield from _energy(payload)
    if kind == "inventory" and payload.get("average_stock") is not None:
        stock = amount_of(payload["average_stock"])
        yield ("average_stock", None) if stock is None else ("inventory_stock_time", stock * span_s)
        yield "inventory_span", span_s


def _embedded(payload: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    """Emissions embedded in a precursor (t CO2e): its mass times its specific ones, direct and indirect apart."""
    mass = amount_of(payload.get("mass_t"))
    if mass is None:
        yield "mass_t", None
        return
    for name, quantity in PRECURSOR.items():
        specific = amount_of(payload.get(name, 0.0))
        yield (name, None) if specific is None else (quantity, mass * specific)


def _energy(payload: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    """Energy of a medium in MJ by the conversion that the record states with its source; what was exchanged beside it.

    Electricity comes from meters and fuels from records of their own: here they would be counted twice.
    """
    exchanged = payload.get("exchanged_mj")
    if exchanged is not None:  # taken from outside, negative = given away
        yield "exchanged_mj", number(exchanged)
    if payload.get("amount") is None and exchanged is not None:
        return
    amount, each = amount_of(payload.get("amount")), amount_of(payload.get("mj_per_unit"))
    medium = str(payload.get("medium") or "")
    if medium in {"", "electricity"}:
        yield "medium", None
    elif not payload.get("source"):
        yield "source", None
    elif amount is None or each is None:
        yield ("amount" if amount is None else "mj_per_unit"), None
    else:
        yield "media_mj", media_mj(amount, each)


def media_mj(amount: float, mj_per_unit: float) -> float:
    """Energy of an amount of a medium in MJ."""
    return amount * mj_per_unit
