"""State readings to what they mean: a layer (a, ts, state) with the class, sub-class and reason of the state."""

from typing import Any

import polars as pl

from kpi.compute.plan import Plan
from kpi.compute.signals import of_series, usable
from model.calendar import chain
from model.data import state_models
from model.registry import Site, StateRule
from model.vocabulary import Origin, TimeClass

SOURCE = pl.Schema(
    {
        "a": pl.Int32,
        "ts": pl.Int64,
        "state": pl.String,
        "time_class": pl.String,
        "sub_class": pl.String,
        "reason": pl.String,
        "needs_parts": pl.Boolean,
        "origin": pl.String,
    }
)
_MEANING = pl.Schema(
    [("a", pl.Int32), ("_name", pl.String), *((n, SOURCE[n]) for n in SOURCE if n not in ("a", "ts", "state"))]
)
UNAVAILABLE = "UNAVAILABLE"


def state_series(series: pl.DataFrame) -> pl.DataFrame:
    """Choose the one series that tells the state of each unit: of several, the first by name."""
    return series.filter(pl.col("quantity") == "state").unique("a", keep="first", maintain_order=True)


def state_layer(
    site: Site, plan: Plan, readings: pl.DataFrame, series: pl.DataFrame, symbols: pl.DataFrame
) -> pl.DataFrame:
    """Say what the machine states mean from reading to reading; a state nobody mapped is unknown (`reason` null)."""
    rows = of_series(readings, series, ["a"]).with_columns(usable().alias("_usable"))
    changed = (pl.col("a") != pl.col("a").shift()) | pl.col("value").ne_missing(pl.col("value").shift())
    changed |= pl.col("_usable") != pl.col("_usable").shift()
    rows = rows.filter(changed.fill_null(value=True))
    number = pl.when(pl.col("_usable")).then(pl.col("value")).cast(pl.Int64, strict=False)
    rows = rows.select("a", "ts", number.alias("symbol_id")).join(
        symbols, on="symbol_id", how="left", maintain_order="left"
    )
    text = pl.coalesce("text", "#" + pl.col("symbol_id").cast(pl.String)).fill_null("")
    rows = rows.select("a", "ts", text.alias("state")).with_columns(
        pl.col("state").str.strip_chars().str.to_uppercase().alias("_name")
    )
    meaning = _meanings(site, plan, rows.select("a", "_name").unique())
    return (
        rows.join(meaning, on=["a", "_name"], how="left", maintain_order="left").sort("a", "ts").select(SOURCE.names())
    )


def _meanings(site: Site, plan: Plan, names: pl.DataFrame) -> pl.DataFrame:
    assets = {each.key: each for each in site.assets}
    rules = {(rule.asset, rule.state.strip().upper()): rule for rule in site.state_rules}
    keys = dict(zip(plan.assets["a"], plan.assets["asset"], strict=True))
    rows = []
    for a, name in names.iter_rows():
        key = keys[a]
        own = (rules.get((each, name)) for each in chain(site, key))
        rule = next((each for each in own if each is not None), None) or _shipped(assets[key].state_model, name)
        rows.append((a, name, *_meaning(name, rule)))
    return pl.DataFrame(rows, _MEANING, orient="row")


def _shipped(model: str, name: str) -> StateRule | None:
    found: dict[str, Any] | None = state_models().get(model, {}).get(name)
    return None if found is None else StateRule(state=name, **found)


def _meaning(name: str, rule: StateRule | None) -> tuple[str, str, str | None, bool, str]:
    if rule is not None:
        return rule.time_class, rule.sub_class, rule.reason, rule.needs_parts, Origin.SIGNAL.value
    known = name in ("", UNAVAILABLE)
    origin = Origin.NONE if name == "" else Origin.SIGNAL
    return TimeClass.UNKNOWN.value, "", "" if known else None, False, origin.value
