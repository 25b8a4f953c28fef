"""Worked examples of bills, baselines and energy performance, answered by the product's own functions."""

import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from kpi.catalogue import CATALOGUE
from kpi.catalogue.columns import wide
from kpi.catalogue.cost import surcharge_percent
from kpi.compute.business import media_mj
from kpi.energy import performance
from kpi.energy.baselines import MEASURES, with_baselines
from kpi.rollup.evaluate import evaluate
from kpi.worked.result import Answers, Inputs, UnsupportedError
from model.registry import Baseline, Site
from model.tariffs import UnknownTariffError, prices

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_UPPER = re.compile(r"\s*(?:<(?!=)|lt|below|under|less|up to|dưới|duoi)", re.IGNORECASE)
_LIST = "evn-1279"
_CUSTOMERS = {
    **dict.fromkeys(("industrial", "industry", "production", "manufacture", "manufacturer"), "manufacturing"),
    "commercial": "business",
}


def tou_bill(given: Inputs) -> Answers:
    """Bill of three periods; with the VAT of the price list where none is given."""
    try:
        listed = prices(_LIST, _customer(given["customer"]), _voltage_kv(given["voltage"]))
    except UnknownTariffError as error:
        raise UnsupportedError(str(error)) from error
    cost = sum(kwh * listed.of_period[period] for period, kwh in sorted(given["kwh"].items()))
    frame = wide(cost=cost, cost_vat=cost * given.get("vat", listed.vat_rate))
    names = {"net_vnd": "energy_cost", "total_vnd": "energy_cost_with_vat"}
    return {name: evaluate(CATALOGUE[kpi], frame) for name, kpi in names.items()}


def power_factor_surcharge(given: Inputs) -> Answers:
    """Surcharge of power factors in percent."""
    factors = pl.DataFrame({"cos_phi": given["cos_phi"]}, {"cos_phi": pl.Float64})
    known = pl.col("cos_phi").is_not_null()
    percent = pl.when(known).then(surcharge_percent(pl.col("cos_phi")))
    return {"k_percent": factors.select(k=percent)["k"].to_list()}


def energy_baseline(given: Inputs) -> Answers:
    """Baseline in primary energy of two carriers, and the consumption per tonne at the mean week."""
    lines = (given[carrier] for carrier in ("gas", "electricity"))
    gas, electricity = (performance.Line(each["slope"], each["intercept"]) for each in lines)
    line = gas.plus(electricity, given["electricity_to_primary"])
    found: Answers = {"slope": line.slope, "intercept": line.intercept}
    if "annual_tonnes" in given:
        tonnes = given["annual_tonnes"] / given["weeks"]
        per_tonne = evaluate(CATALOGUE["specific_energy"], wide(energy_kwh=line.at(tonnes), good=tonnes))
        found |= {"sec": per_tonne, "sec_target_minus_2pct": None if per_tonne is None else per_tonne * 0.98}
    return found


def linear_regression(given: Inputs) -> Answers:
    """A fitted line."""
    found = performance.fit(given["x"], given["y"])
    if found is None:
        return {"n": len(given["x"]), **dict.fromkeys(("slope", "intercept", "r_squared", "se_slope", "se_intercept"))}
    line = {"slope": found.line.slope, "intercept": found.line.intercept}
    return {**line, **{name: getattr(found, name) for name in ("n", "r_squared", "se_slope", "se_intercept")}}


def enpi_cusum(given: Inputs) -> Answers:
    """Actual against expected consumption: every point is a day under a frozen baseline."""
    points = list(zip(map(float, given["driver"]), map(float, given["actual"]), strict=True))
    days = _under_baseline(given["slope"], given["intercept"], points)
    frames = [wide(**row) for row in days.select(CATALOGUE["energy_performance"].inputs).to_dicts()]
    expected = [evaluate(CATALOGUE["energy_expected"], frame) for frame in frames]
    saved = [evaluate(CATALOGUE["energy_saving"], frame) for frame in frames]
    difference = [-each for each in saved if each is not None]
    return {"expected": expected, "difference": difference, "cusum": list(performance.running_sum(difference))}


def _under_baseline(slope: float, intercept: float, points: Sequence[tuple[float, float]]) -> pl.DataFrame:
    """Base sums of days with so much of the driver (good pieces) and so many kWh each, as the KPI job makes them."""
    first = date(2026, 1, 1)
    frozen = Baseline(
        asset="m",
        kpi="energy",
        driver="good",
        slope=slope,
        intercept=intercept,
        version=1,
        valid_from=first.isoformat(),
        digest="",
    )
    none = dict.fromkeys(("good_outside", "unattributed_good", "energy_received", *MEASURES), 0.0)
    days = pl.DataFrame(
        [(first + timedelta(days=n), *point) for n, point in enumerate(points)],
        schema={"production_day": pl.Date, "good": pl.Float64, "energy_kwh": pl.Float64},
        orient="row",
    ).with_columns(scope=pl.lit("m"), energy_rows=pl.lit(1), **{name: pl.lit(zero) for name, zero in none.items()})
    return with_baselines(days, Site(key="example", timezone="UTC", baselines=(frozen,)))


def comprehensive_energy(given: Inputs) -> Answers:
    """Energy of all media per item."""
    media = sum(media_mj(each["amount"], each["to_mj"]) for each in given["media"])
    frame = wide(energy_records=1, media_mj=media, exchanged_mj=given.get("exchanged_mj", 0.0), good=given["PQ"])
    return {"e_mj_per_unit": evaluate(CATALOGUE["comprehensive_energy_consumption"], frame)}


def compressed_air(given: Inputs) -> Answers:
    """Flow per power, and the share of leaks."""
    flow, power = given.get("flow_cfm"), given.get("power_kw")
    loaded, unloaded = given.get("load_time"), given.get("unload_time")
    whole = None if loaded is None or unloaded is None else loaded + unloaded
    return {
        "cfm_per_kw": None if flow is None or not power else flow / power,
        "leak_share": loaded / whole if whole else None,
    }


def percent_change(given: Inputs) -> Answers:
    """Change against an earlier value, as a fraction of it."""
    before = given["previous"]
    return {"change": (given["current"] - before) / before if before else None}


def _customer(text: str) -> str:
    """The kind of customer as the price lists name it."""
    name = text.strip().lower()
    return _CUSTOMERS.get(name, name)


def _voltage_kv(text: Any) -> float:
    """The lowest voltage of a class such as `>=110kV`, `22-110kV` or `<6kV`."""
    numbers = [float(number) for number in _NUMBER.findall(str(text))]
    if not numbers:
        raise UnsupportedError(f"voltage {text!r}")
    return 0.0 if len(numbers) == 1 and _UPPER.match(str(text)) else min(numbers)


ADAPTORS: dict[str, Callable[[Inputs], dict[str, Any]]] = {
    "tou_bill": tou_bill,
    "power_factor_surcharge": power_factor_surcharge,
    "energy_baseline": energy_baseline,
    "linear_regression": linear_regression,
    "enpi_cusum": enpi_cusum,
    "comprehensive_energy": comprehensive_energy,
    "compressed_air": compressed_air,
    "percent_change": percent_change,
}
