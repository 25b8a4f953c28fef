"""Names to series: what an unknown name is proposed as, how values fit a series, how many there may be. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping

from ingest.decode.result import Rejection, shown
from ingest.mapping import ValueRule
from ingest.route import SeriesRef
from model.units import (
    IDENTITY,
    Conversion,
    DimensionError,
    Guess,
    UnitError,
    conversion,
    guess,
    quantity_of_unit,
    require_known,
)
from model.vocabulary import QUANTITIES, SeriesKind
from store.raw_registry import NewSeries, SeriesKey, SeriesRow, SiteRow

LONGEST_NAME = 100
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-")


def name_problem(name: str) -> Rejection | None:
    """Why no series can be made of a name, if so."""
    if not name or len(name) > LONGEST_NAME or not set(name) <= _NAME_CHARACTERS:
        return Rejection("bad_name", f"{shown(name)} cannot be a name: letters, digits and _ . : - up to 100 of them")
    return None


def admit(
    rows: Mapping[SeriesKey, NewSeries],
    of_asset: Mapping[int, int],
    of_site: Mapping[int, int],
    sites: Iterable[SiteRow],
    most_of_asset: int,
) -> tuple[list[NewSeries], dict[SeriesKey, Rejection]]:
    """The series that may be registered beside those that are there, and why the others may not.

    Args:
        rows: wanted series by key.
        of_asset: registered series by asset.
        of_site: registered series by site.
        sites: with their quotas.
        most_of_asset: registered series that any asset may have.
    """
    quotas = {site.site_id: site for site in sites if site.most_series is not None}
    assets, by_site = Counter(of_asset), Counter(of_site)
    admitted: list[NewSeries] = []
    refused: dict[SeriesKey, Rejection] = {}
    for key, row in rows.items():
        site = quotas.get(row.site_id)
        if assets[row.asset_id] >= most_of_asset:
            detail = f"this asset has {assets[row.asset_id]:,} names already"
            refused[key] = Rejection("too_many_series", detail)
        elif site is not None and by_site[row.site_id] >= (site.most_series or 0):
            refused[key] = over_series(site)
        else:
            admitted.append(row)
            assets[row.asset_id] += 1
            by_site[row.site_id] += 1
    return admitted, refused


def over_series(site: SiteRow, values: int = 1) -> Rejection:
    """The refusal of what a site's quota of series has no room for."""
    advice = "raise quota.series in its site file and apply it"
    return Rejection(
        "too_many_series", f"site {site.key} has its quota of {site.most_series:,} series: {advice}", values
    )


def conversion_to(ref: SeriesRef, row: SeriesRow) -> Conversion:
    """How values of a ref become values of a registered series.

    Raises:
        UnitError: the unit is not known or measures something else.
    """
    if row.kind == SeriesKind.STATE:
        if ref.unit:
            raise DimensionError(f"unit {ref.unit[:32]!r} was given for a text")
        return IDENTITY
    unit = ref.unit
    if unit is None:
        found = guess(ref.name)
        unit = found.unit if found.quantity == row.quantity else ""
    if row.quantity == "number" and not row.unit:
        return IDENTITY
    return conversion(unit, row.quantity, row.unit)


def unit_problem(ref: SeriesRef, error: UnitError) -> Rejection:
    """The refusal that a unit is worth."""
    code = "wrong_unit" if isinstance(error, DimensionError) else "unknown_unit"
    return Rejection(code, f"{ref.name}: {error}")


def proposal(ref: SeriesRef) -> NewSeries | Rejection:
    """The series that an unknown name is proposed as, or why none can be made of it."""
    problem = name_problem(ref.name)
    if problem:
        return problem
    if ref.rule is not None:
        return _row_of_rule(ref, ref.rule)
    found = guess(ref.name)
    if found.quantity == "number" and ref.is_text:
        found = Guess("text", "")
    elif found.quantity == "number" and ref.unit:
        found = Guess(quantity_of_unit(ref.unit), ref.unit)
    quantity = QUANTITIES[found.quantity]
    try:
        if ref.unit and quantity.name == "number":
            require_known(ref.unit, ref.name)
        elif ref.unit:
            conversion(ref.unit, quantity.name, quantity.unit)
    except UnitError as error:
        return unit_problem(ref, error)
    unit = ref.unit or "" if quantity.name == "number" else quantity.unit
    return _row(ref, quantity.name, found.qualifier, unit, quantity.kind)


def _row_of_rule(ref: SeriesRef, rule: ValueRule) -> NewSeries:
    quantity = QUANTITIES[rule.quantity]
    row = _row(ref, rule.quantity, rule.qualifier, quantity.unit or rule.unit, rule.series_kind)
    if rule.interval_s is None:
        return row
    return row._replace(interval_us=round(rule.interval_s * 1_000_000), interval_label=rule.interval_label)


def _row(ref: SeriesRef, quantity: str, qualifier: str, unit: str, kind: SeriesKind) -> NewSeries:
    source = ref.source
    return NewSeries(source.site_id, source.asset_id, source.device_id, ref.name, quantity, qualifier, unit, str(kind))
