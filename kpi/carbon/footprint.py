"""Partial footprint of a product, gate to gate, as the PACT data exchange carries it (version 3). Pure.

In: stored pieces of a period. Out: kg CO2e per good piece of the energy and fuels used while the product was made, and
the document with what is missing of its required fields. Decimals are texts.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from kpi.errors import KpiError
from kpi.rollup.rolling import RollupInputs, scopes_of, wide_rows
from model.calendar import production_day_windows
from model.canonical import digest
from model.registry import Product, Site
from model.vocabulary import Grain

SPEC = "3.0.0"
STANDARDS = ("ISO14067",)
_SUMS = (
    *("energy_kwh", "co2e_kg", "fuel_co2_kg", "fuel_ch4_co2e_kg", "fuel_n2o_co2e_kg", "refrigerant_co2e_kg"),
    *("biogenic_co2_kg", "good", "good_outside", "unattributed_good", "without_factor", "scope1_without_factor"),
    "lagging_rows",
)
_SCOPE1 = ("fuel_co2_kg", "fuel_ch4_co2e_kg", "fuel_n2o_co2e_kg", "refrigerant_co2e_kg")
_BOUNDARY = (
    "PARTIAL, gate to gate: electricity (location-based) and the fuels recorded at the machines that made the product,"
    " at this site only; nothing of materials, transport, packaging, use or end of life"
)


@dataclass(frozen=True)
class Share:
    """What was used for a product in a period: kWh, kg CO2e, good pieces; `site_kwh` is all energy of the site."""

    product: Product
    first: date
    last: date
    kwh: float
    electricity_kg: float
    scope1_kg: float
    biogenic_kg: float
    pieces: float
    site_kwh: float
    lags: bool

    def per_piece(self, kg: float) -> float:
        """Give kg per declared unit."""
        return kg / self.pieces


def share_of(inputs: RollupInputs, product: str, first: date, last: date) -> Share:
    """Add up what was used while the product was made.

    Raises:
        KpiError: the product is not known, was not made, or an emission factor is missing.
    """
    known = {each.key: each for each in inputs.site.products}
    if product not in known:
        raise KpiError(f"There is no product {product!r}; known: {', '.join(sorted(known)) or 'none'}.")
    wide = wide_rows(inputs, scopes_of(inputs), frozenset({Grain.PRODUCT, Grain.DAY})).filter(pl.col("scope") == "")
    made = wide.filter(pl.col("grain") == Grain.PRODUCT.value, pl.col("product") == product)
    sums = made.select(pl.col(name).sum() for name in _SUMS).row(0, named=True)
    pieces = sums["good"] + sums["good_outside"] + sums["unattributed_good"]
    if pieces <= 0:
        raise KpiError(f"No good piece of {product} was counted from {first} to {last}.")
    if sums["without_factor"] or sums["scope1_without_factor"]:
        raise KpiError("An emission factor is missing for a part of the period: no footprint without it.")
    return Share(
        known[product],
        first,
        last,
        sums["energy_kwh"],
        sums["co2e_kg"],
        sum(sums[name] for name in _SCOPE1),
        sums["biogenic_co2_kg"],
        pieces,
        float(wide.filter(pl.col("grain") == Grain.DAY.value)["energy_kwh"].sum()),
        sums["lagging_rows"] > 0,
    )


def document(share: Share, site: Site, owner: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Make the ProductFootprint object.

    Args:
        share: what was used.
        site: registry of the site.
        owner: what only the owner knows: companyName, companyIds, productIds, productDescription, fossilCarbonContent.
        now: when it is made.
    """
    body = {
        "specVersion": SPEC,
        "status": "Active",
        "companyName": owner.get("companyName"),
        "companyIds": owner.get("companyIds"),
        "productDescription": owner.get("productDescription") or share.product.name,
        "productIds": owner.get("productIds"),
        "productNameCompany": share.product.name or share.product.key,
        "comment": _comment(share, site),
        "pcf": _pcf(share, site, owner.get("fossilCarbonContent")),
    }
    identity = str(uuid.uuid5(uuid.NAMESPACE_URL, f"haidang:{site.key}:{digest(body)}"))
    return {"id": identity, "created": now.isoformat(timespec="seconds"), **body}


def _pcf(share: Share, site: Site, carbon_content: float | None) -> dict[str, Any]:
    fossil = share.per_piece(share.electricity_kg + share.scope1_kg)
    whole = fossil + share.per_piece(share.biogenic_kg)
    days = production_day_windows(site, "", share.first, share.last + timedelta(days=1))
    start, end = (_clock(instant, site.timezone) for instant in (days[0].from_us, days[-1].to_us))
    return {
        "declaredUnitOfMeasurement": "piece",
        "declaredUnitAmount": "1",
        "productMassPerDeclaredUnit": _decimal(share.product.mass_kg),
        "referencePeriodStart": start,
        "referencePeriodEnd": end,
        "geographyCountry": site.country,
        "boundaryProcessesDescription": _BOUNDARY,
        "pcfExcludingBiogenicUptake": _decimal(whole),
        "pcfIncludingBiogenicUptake": _decimal(whole),
        "fossilGhgEmissions": _decimal(fossil),
        "fossilCarbonContent": _decimal(carbon_content),
        "packagingEmissionsIncluded": False,
        "ipccCharacterizationFactors": [site.gwp_set],
        "crossSectoralStandards": list(STANDARDS),
        "exemptedEmissionsPercent": "0",
        "exemptedEmissionsDescription": "Nothing is exempted inside the stated partial boundary.",
        "allocationRulesDescription": "Energy of each machine while the product was on it, by intervals.",
        "secondaryEmissionFactorSources": _sources(site),
    }


def _sources(site: Site) -> list[dict[str, str]]:
    sets = [each.partition("/") for each in (site.factor_set, site.fuel_set) if each]
    return [{"name": key, "version": version or "1"} for key, _, version in sets]


def _comment(share: Share, site: Site) -> str:
    rest = 0.0 if share.site_kwh <= 0 else 1 - share.kwh / share.site_kwh
    lag = " The grid factor is of an earlier year: none is published for the period yet." if share.lags else ""
    return (
        f"{_BOUNDARY}. {share.kwh:.6g} kWh for {share.pieces:.6g} good pieces; {rest:.1%} of the site's electricity was"
        f" used for other products or for none and is not in it. Factors {site.factor_set}, zone {site.grid_zone}."
        f"{lag}"
    )


def _clock(instant_us: int, zone: str) -> str:
    return datetime.fromtimestamp(instant_us // 1_000_000, ZoneInfo(zone)).isoformat()


def _decimal(value: float | None) -> str | None:
    """A decimal as a text without an exponent."""
    return None if value is None else format(Decimal(repr(float(value))).normalize(), "f")
