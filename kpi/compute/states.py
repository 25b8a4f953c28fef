"""State and mode readings to what they mean: a layer (a, ts, state) with the state's class, sub-class and reason."""

from typing import Any

import polars as pl

from kpi.compute.layers import attach
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
    [
        ("a", pl.Int32),
        ("_name", pl.String),
        ("_mode", pl.String),
        *((n, SOURCE[n]) for n in SOURCE if n not in ("a", "ts", "state")),
    ]
)
UNAVAILABLE = "UNAVAILABLE"


def state_series(series: pl.DataFrame) -> pl.DataFrame:
    """Choose the one series that tells the state of each unit: of several, the first by name."""
    return series.filter(pl.col("quantity") == "state").unique("a", keep="first", maintain_order=True)


def mode_series(series: pl.DataFrame, state: pl.DataFrame) -> pl.DataFrame:
    """Choose the one series that tells the operation mode of each unit that has a state: the first by name."""
    modes = series.filter(pl.col("quantity") == "mode").unique("a", keep="first", maintain_order=True)
    return modes.join(state, on="a", how="semi", maintain_order="left")


def state_layer(
    site: Site, plan: Plan, readings: pl.DataFrame, series: pl.DataFrame, symbols: pl.DataFrame
) -> pl.DataFrame:
    """Say what states mean in their mode, reading by reading; one that nobody mapped is unknown (`reason` null)."""
    state = state_series(series)
    rows = _texts(readings, state, symbols, "state")
    rows = _in_modes(rows, _texts(readings, mode_series(series, state), symbols, "mode"))
    rows = rows.with_columns(_plain("state").alias("_name"), _plain("mode").alias("_mode"))
    meaning = _meanings(site, plan, rows.select("a", "_name", "_mode").unique())
    found = rows.join(meaning, on=["a", "_name", "_mode"], how="left", maintain_order="left")
    return found.sort("a", "ts").select(SOURCE.names())


def _plain(name: str) -> pl.Expr:
    return pl.col(name).str.strip_chars().str.to_uppercase()


def _texts(readings: pl.DataFrame, series: pl.DataFrame, symbols: pl.DataFrame, name: str) -> pl.DataFrame:
    """Texts of a state series from change to change (a, ts, name), empty where there is no signal."""
    rows = of_series(readings, series, ["a"]).with_columns(usable().alias("_usable"))
    changed = (pl.col("a") != pl.col("a").shift()) | pl.col("value").ne_missing(pl.col("value").shift())
    changed |= pl.col("_usable") != pl.col("_usable").shift()
    rows = rows.filter(changed.fill_null(value=True))
    number = pl.when(pl.col("_usable")).then(pl.col("value")).cast(pl.Int64, strict=False)
    rows = rows.select("a", "ts", number.alias("symbol_id")).join(
        symbols, on="symbol_id", how="left", maintain_order="left"
    )
    text = pl.coalesce("text", "#" + pl.col("symbol_id").cast(pl.String)).fill_null("")
    return rows.select("a", "ts", text.alias(name))


def _in_modes(states: pl.DataFrame, modes: pl.DataFrame) -> pl.DataFrame:
    """Put the mode beside each state, and begin anew where the mode changes; before its first state a unit has none."""
    if modes.is_empty():
        return states.with_columns(pl.lit("").alias("mode"))
    steps = pl.concat([states.select("a", "ts"), modes.select("a", "ts")]).unique().sort("a", "ts")
    at = steps.rename({"ts": "from_us"})
    for layer in (states, modes):
        at = attach(at, layer.sort("a", "ts"))
    return at.rename({"from_us": "ts"}).drop_nulls("state").with_columns(pl.col("mode").fill_null(""))


def _meanings(site: Site, plan: Plan, names: pl.DataFrame) -> pl.DataFrame:
    assets = {each.key: each for each in site.assets}
    rules = {(rule.asset, rule.state.strip().upper(), rule.mode.strip().upper()): rule for rule in site.state_rules}
    keys = dict(zip(plan.assets["a"], plan.assets["asset"], strict=True))
    rows = []
    for a, name, mode in names.iter_rows():
        key = keys[a]
        own = (rules.get((each, *which)) for each in chain(site, key) for which in _wanted(name, mode))
        rule = next((each for each in own if each is not None), None) or shipped(assets[key].state_model, name, mode)
        rows.append((a, name, mode, *_meaning(name, rule)))
    return pl.DataFrame(rows, _MEANING, orient="row")


def _wanted(name: str, mode: str) -> list[tuple[str, str]]:
    """Rules that may speak of a state in a mode, the most exact first; no signal is nobody's state."""
    if not mode or name in ("", UNAVAILABLE):
        return [(name, "")]
    return [(name, mode), ("*", mode), (name, "")]


def shipped(model: str, name: str, mode: str = "") -> StateRule | None:
    """What a shipped state model makes of a state (in upper case) in a mode; one it calls unknown stays so in any."""
    known: dict[str, dict[str, Any]] = state_models().get(model, {})
    lost = known.get(name, {}).get("time_class") == TimeClass.UNKNOWN.value
    for state, in_mode in _wanted(name, "" if lost else mode):
        found = known.get(f"{state}@{in_mode}" if in_mode else state)
        if found is not None:
            return StateRule(state=state, mode=in_mode, **found)
    return None


def _meaning(name: str, rule: StateRule | None) -> tuple[str, str, str | None, bool, str]:
    if rule is not None:
        return _until_parts(rule), rule.sub_class, rule.reason, rule.needs_parts, Origin.SIGNAL.value
    known = name in ("", UNAVAILABLE)
    origin = Origin.NONE if name == "" else Origin.SIGNAL
    return TimeClass.UNKNOWN.value, "", "" if known else None, False, origin.value


def _until_parts(rule: StateRule) -> str:
    """Class of a state before anything was counted in it: production that needs parts is a delay without them."""
    waits = rule.needs_parts and rule.time_class == TimeClass.PRODUCTION.value
    return TimeClass.DELAY.value if waits else rule.time_class
