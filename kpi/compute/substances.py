"""Fuels burned and refrigerants topped up: what their records state, spread evenly over the time that they are of.

A record states mass, volume or energy (already in kg, l, TJ: see kpi/carbon/substances.py). Density and calorific value
come from the record, else from the site's factor set; where neither has them the record counts for nothing and is a
finding.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from kpi.compute.atoms import ROWS
from kpi.compute.numerals import amount as amount_of
from kpi.compute.orders import payload_of
from kpi.compute.plan import Plan
from kpi.compute.spread import Pieces, over_time
from model.registry import FuelFactor, Site

SPREAD = ("fuel", "refrigerant")  # kinds of record that count over their time, not at its end
QUANTITIES = ("fuel_tj", "refrigerant_kg")
_SPANS = pl.Schema({"a": pl.Int32, "t0": pl.Int64, "t1": pl.Int64, "amount": pl.Float64})
_COLUMNS = ["asset", "from_us", "to_us", "kind", "key", "payload"]

Finding = dict[str, Any]
Row = tuple[int, int, int, float, str, str]  # rank, from, to, amount, quantity, qualifier


def substance_rows(records: pl.DataFrame, site: Site, plan: Plan, index: Pieces) -> tuple[pl.DataFrame, list[Finding]]:
    """Give TJ of each fuel and kg of each gas by piece, and the records (frames.RECORDS) that cannot be counted."""
    ranks, fuels = plan.rank(), {each.fuel: each for each in site.fuel_factors}
    rows: list[Row] = []
    findings: list[Finding] = []
    wanted = records.filter(pl.col("kind").is_in(SPREAD)).select(_COLUMNS).sort(_COLUMNS)
    for asset, from_us, to_us, kind, key, text in wanted.iter_rows():
        if asset not in ranks or to_us is None:
            continue
        payload = payload_of(text)
        amount = fuel_tj(payload, fuels) if kind == "fuel" else amount_of(payload.get("mass_kg"))
        if amount is None:
            wrong = ["density or calorific value" if kind == "fuel" else "mass_kg"]
            findings.append({"kind": "bad_record", "asset": asset, "record": f"{kind} {key}", "fields": wrong})
            continue
        quantity = QUANTITIES[SPREAD.index(kind)]
        name = str(payload.get("fuel" if kind == "fuel" else "gas") or "")
        rows.append((ranks[asset], min(from_us, to_us - 1), to_us, amount, quantity, name))
    return _spread(sorted(rows), index), findings


def counts_from() -> pl.Expr:
    """Give the first instant in which a record (frames.RECORDS) counts: what is spread from its begin on."""
    return pl.when(pl.col("kind").is_in(SPREAD)).then(pl.col("from_us")).otherwise(pl.col("to_us") - 1)


def fuel_tj(payload: Mapping[str, Any], fuels: Mapping[str, FuelFactor]) -> float | None:
    """Energy in TJ on net calorific value that a fuel record states; None where something for it is not known."""
    energy = amount_of(payload.get("energy_tj"))
    if energy is not None:
        return energy
    mass, ncv = fuel_mass_kg(payload, fuels), _of(payload, fuels, "ncv_tj_per_gg")
    return None if mass is None or ncv is None else mass * ncv / 1e6


def fuel_mass_kg(payload: Mapping[str, Any], fuels: Mapping[str, FuelFactor]) -> float | None:
    """Mass of a fuel record in kg, from its volume by density where it states no mass."""
    mass, volume = amount_of(payload.get("mass_kg")), amount_of(payload.get("volume_l"))
    density = _of(payload, fuels, "density_kg_per_l")
    return mass if mass is not None else None if volume is None or density is None else volume * density


def _of(payload: Mapping[str, Any], fuels: Mapping[str, FuelFactor], name: str) -> float | None:
    known = fuels.get(str(payload.get("fuel")))
    own = amount_of(payload.get(name))
    return own if own is not None else getattr(known, name, None)


def _spread(rows: list[Row], index: Pieces) -> pl.DataFrame:
    spans = pl.DataFrame([row[:4] for row in rows], _SPANS, orient="row")
    spans = spans.with_columns(pl.int_range(pl.len(), dtype=pl.Int32).alias("series_id"))
    names = pl.DataFrame([row[4:] for row in rows], {"quantity": pl.String, "qualifier": pl.String}, orient="row")
    shares = over_time(spans, index)
    named = pl.concat([shares, names[shares["series_id"]]], how="horizontal")
    return named.filter(pl.col("amount") != 0).select(list(ROWS))
