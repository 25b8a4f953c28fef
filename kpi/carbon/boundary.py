"""What a carbon or baseline value is about, in words: scope, meters or records, factors, warming potentials. Pure."""

from collections.abc import Sequence
from datetime import date, timedelta

from kpi.carbon.factors import FactorInForce, factor_on
from kpi.carbon.market import is_qualified
from kpi.catalogue import Basis, Kpi
from model.registry import Site

_ELECTRICITY = "Bought electricity only (scope 2, {method}), as metered at {meters}; no steam, heat or cooling."
_GATE = "Gate to gate of this scope: nothing upstream, transport or use."
_MONTH = (
    "Contracts of a share cover it of every kWh; contracts of an amount lie evenly over their period and cover the rest"
    " of each calendar month as far as they reach."
)


def factor_basis(site: Site, kpi: Kpi) -> str | None:
    """Name the factors that a value is made with, with their version; None where it has none."""
    match kpi.basis:
        case Basis.CARBON | Basis.MARKET:
            return site.factor_set
        case Basis.SCOPE1 | Basis.CBAM:
            return f"{site.fuel_set}, {site.gwp_set}"
        case Basis.CBAM_ENERGY:
            return site.factor_set
        case _:
            return None


def boundary(
    site: Site, kpi: Kpi, scope: str, contributing: Sequence[str], days: tuple[date, date] | None = None
) -> str | None:
    """Say what a value covers, None for a KPI that needs no such words.

    Args:
        site: registry that the value was made with.
        kpi: entry of the catalogue.
        scope: path of its asset, '' = the site.
        contributing: assets whose data are in it; of bought electricity the meters that count.
        days: first and last production day of the value, to name the grid's factors of these days.
    """
    names = ", ".join(asset or "the site itself" for asset in contributing) or "no asset"
    match kpi.basis:
        case Basis.CARBON:
            return " ".join((_ELECTRICITY.format(method="location-based", meters=names), _grid(site, days), _GATE))
        case Basis.MARKET:
            parts = (_ELECTRICITY.format(method="market-based", meters=names), _contracts(site), _residual(site, days))
            return " ".join((*parts, _GATE))
        case Basis.SCOPE1:
            return f"Fuels and refrigerants by records at {names} (scope 1, no process). {_fuels(site)} {_GATE}"
        case Basis.CBAM | Basis.CBAM_ENERGY:
            used = ("Records", _fuels(site)) if kpi.basis is Basis.CBAM else ("Meters and records", _grid(site, days))
            return f"{used[0]} at {names}; precursors as their records say. {used[1]}"
        case Basis.BASELINE:
            return _baseline(site, scope)
        case _:
            return None


def _grid(site: Site, days: tuple[date, date] | None) -> str:
    if site.factor_set is None:
        return "No factor set is chosen."
    used = _in_force(site, days, "location")
    return f"Factors: {site.factor_set}, zone {site.grid_zone or 'not set'}, by the local date of use{used}."


def _in_force(site: Site, days: tuple[date, date] | None, basis: str) -> str:
    """The factors of a stretch of days, each once; nothing where the days are not said."""
    if days is None:
        return ""
    each_day = (days[0] + timedelta(days=number) for number in range((days[1] - days[0]).days + 1))
    found = dict.fromkeys(factor_on(site.emission_factors, site.grid_zone, day, basis) for day in each_day)
    return f": {', '.join(map(_factor, found))}"


def _factor(found: FactorInForce | None) -> str:
    if found is None:
        return "none for these days"
    return f"{found.kg_per_kwh:g} kg/kWh{' (the newest published, of an earlier year)' if found.lags else ''}"


def _fuels(site: Site) -> str:
    return (
        f"Factors: {site.fuel_set} on net calorific value; CH4 and N2O by the 100-year potentials of {site.gwp_set};"
        " biogenic CO2 stands apart."
    )


def _contracts(site: Site) -> str:
    if not site.energy_contracts:
        return "No contracts."
    listed = "; ".join(
        f"{each.key} ({each.kind}, {each.kg_per_kwh:g} kg/kWh{'' if is_qualified(each) else ', not used: criteria'})"
        for each in site.energy_contracts
    )
    return f"Contracts: {listed}. {_MONTH}"


def _residual(site: Site, days: tuple[date, date] | None) -> str:
    has = any(each.basis == "residual" and each.zone == site.grid_zone for each in site.emission_factors)
    rest = "the residual mix" if has else "the grid average, since no residual mix is published for it"
    used = _in_force(site, days, "residual" if has else "location")
    return f"What is not covered: {rest} ({site.factor_set}, zone {site.grid_zone or 'not set'}{used})."


def _baseline(site: Site, scope: str) -> str:
    held = [each for each in site.baselines if each.asset == scope]
    listed = "; ".join(
        f"version {each.version} from {each.valid_from}: {each.intercept:.6g} kWh a {each.grain} + "
        + " + ".join(
            f"{term.slope:.6g} kWh per {term.driver}, fitted for {term.driver_from:.6g} to {term.driver_to:.6g} a "
            f"{each.grain}"
            for term in each.terms
        )
        + f" ({each.digest[:12]})"
        for each in held
    )
    return f"Frozen baselines of {scope or 'the site'}: {listed}."
