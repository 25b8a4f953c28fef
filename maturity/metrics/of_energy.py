"""Metrics of energy and carbon data: meters, factors, baselines, alerts."""

from datetime import date, timedelta

import polars as pl

from maturity.facts import Facts
from maturity.metrics.measured import Measured, Metrics, Parameters
from maturity.metrics.of_kpis import completeness_of, values_of
from maturity.reasons import because

METRICS = Metrics()
_METERED = ("active_energy", "active_power")


@METRICS.add("data.energy_completeness", "1", "Mean over days and assets of received over expected energy readings.")
def energy_completeness(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """A day without energy counts as nothing; assets are those of the scope that are metered."""
    del parameters
    rows = values_of(facts, "energy", scope)
    if rows.is_empty():
        return Measured.nothing(because("not_metered"))
    got = rows.filter(pl.col("value").is_not_null())["completeness"].fill_null(0.0).sum()
    expected = rows["scope"].n_unique() * facts.days
    return Measured(min(1.0, float(got) / expected), None, tuple(rows["scope"].unique().sort()))


@METRICS.add(
    "data.submetered_energy_share", "1", "Energy that sub-meters measure over all energy of the scope, of whole days."
)
def submetered_energy_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """The whole is all energy of the scope, also of main meters that have no sub-meter below them."""
    del parameters
    whole, below = (values_of(facts, kpi, scope) for kpi in ("energy", "energy_submetered"))
    total = float(whole["numerator"].sum())
    if not total:
        return Measured.nothing(because("not_metered"))
    if not below["numerator"].is_not_null().any():
        return Measured.nothing(because("no_sub_meters"))
    part = float(below["numerator"].sum())
    complete = min(completeness_of(rows, facts) for rows in (whole, below))
    detail = {"energy_kwh": round(total, 1), "of_them_kwh": round(part, 1)}
    return Measured(part / total, complete, tuple(whole["scope"].unique().sort()), detail=detail)


@METRICS.add("data.factor_year_lag", "year", "Years from the emission factor in use to the reporting year.")
def factor_year_lag(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Reporting year minus the last year of the newest sourced factor of the site's grid zone that began by then."""
    del scope, parameters
    mine = [
        each
        for each in facts.site.emission_factors
        if each.zone == facts.site.grid_zone and each.source and each.valid_from <= facts.last.isoformat()
    ]
    if not mine:
        return Measured.nothing(because("no_emission_factor"))
    newest = max(mine, key=lambda each: each.valid_to)
    year = (date.fromisoformat(newest.valid_to) - timedelta(days=1)).year
    detail = {"factor_kg_per_kwh": newest.kg_per_kwh, "year": year, "source": newest.source}
    return Measured(float(max(0, facts.last.year - year)), None, (), detail=detail)


@METRICS.add(
    "data.fine_metered_share",
    "1",
    "Share of the energy of significant users that has a meter reading in every so many minutes.",
    ("max_interval_min", "of_energy"),
)
def fine_metered_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Significant users: the metered machines that, largest first, use a share (80 %) of all their energy.

    Fine is a meter at the machine, below it or measuring it whose readings have a mean interval within the limit.
    """
    limit_us = float(parameters.get("max_interval_min", 15)) * 60e6
    rows = values_of(facts, "energy", scope).group_by("scope").agg(pl.col("numerator").sum())
    rows = rows.filter(pl.col("numerator") > 0).sort("numerator", "scope", descending=[True, False])
    total = float(rows["numerator"].sum())
    if not total:
        return Measured.nothing(because("no_metered_machine"))
    before = pl.col("numerator").cum_sum() - pl.col("numerator")
    users = rows.filter(before < float(parameters.get("of_energy", 0.8)) * total)
    fine = _finely_metered(facts, limit_us)
    known = users.filter(pl.col("scope").map_elements(lambda asset: _is_metered(asset, fine), pl.Boolean))
    value = float(known["numerator"].sum()) / float(users["numerator"].sum())
    return Measured(value, None, tuple(users["scope"].sort()))


def _finely_metered(facts: Facts, limit_us: float) -> set[str]:
    """Assets with a series of energy that is read often enough, and what they measure by the registry's relations."""
    low, high = facts.bounds_us
    read = facts.quality.group_by("asset", "name").agg(pl.col("rows").sum())
    often = read.filter(pl.col("rows") > 0, (high - low) / pl.col("rows") <= limit_us)
    meters = facts.series.filter(pl.col("quantity").is_in(_METERED))
    fine = set(meters.join(often, on=["asset", "name"], how="semi")["asset"])
    return fine | {each.to_asset for each in facts.site.relations if each.kind == "meters" and each.from_asset in fine}


def _is_metered(asset: str, metered: set[str]) -> bool:
    return any(each == asset or each.startswith(f"{asset}/") for each in metered)


@METRICS.add(
    "data.carbon_days_share", "1", "Share of days with good output that have emissions both in all and per good unit."
)
def carbon_days_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """A day counts once, when any asset of the scope has values of co2e_location and of specific_co2e."""
    del parameters
    total, per_unit = (
        set(values_of(facts, kpi, scope).filter(pl.col("value").is_not_null())["production_day"])
        for kpi in ("co2e_location", "specific_co2e")
    )
    made = values_of(facts, "good_quantity", scope).filter(pl.col("value") > 0)
    days = set(made["production_day"])
    if not days:
        return Measured.nothing(because("nothing_good_counted"))
    if not total:
        return Measured.nothing(because("no_emissions"))
    return Measured(len(total & per_unit & days) / len(days), None, facts.assets_of(scope), detail={"days": len(days)})


@METRICS.add("data.energy_baseline_fit", "1", "Highest R² of the baselines of energy that are in force.")
def energy_baseline_fit(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Of each asset the newest version in force; 0.6 only shows that one exists, normalised saving has its own gate."""
    del scope, parameters
    newest = {
        each.asset: each.r_squared
        for each in sorted(facts.site.baselines, key=lambda each: (each.asset, each.version))
        if each.kpi == "energy" and each.valid_from <= facts.last.isoformat()
    }
    fits = {asset: fit for asset, fit in newest.items() if fit is not None}
    if not fits:
        return Measured.nothing(because("no_energy_baseline"))
    return Measured(max(fits.values()), None, tuple(sorted(fits)), detail={"fits": fits})


@METRICS.add(
    "data.energy_deviation_alert_share",
    "1",
    "Share of the days that were off their expected energy on which an alert of energy was raised in time.",
    ("deviation", "within_min"),
)
def energy_deviation_alert_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Days whose energy performance is off 1 by more than the deviation, and an alert of a rule `energy…` that day."""
    off = float(parameters.get("deviation", 0.10))
    within_us = float(parameters.get("within_min", 30)) * 60e6
    rows = values_of(facts, "energy_performance", scope).filter(pl.col("value").is_not_null())
    if rows.is_empty():
        return Measured.nothing(because("no_expected_energy"))
    days = rows.filter((pl.col("value") - 1).abs() > off)
    alerts = facts.alerts.filter(pl.col("rule").str.starts_with("energy"))["from_us"].to_list()
    if days.is_empty():
        return Measured.nothing(because("no_day_off"))
    spans = list(days.select("from_us", "to_us").iter_rows())
    raised = sum(any(start <= at <= end + within_us for at in alerts) for start, end in spans)
    return Measured(raised / len(spans), None, facts.assets_of(scope), detail={"days_off": len(spans)})
