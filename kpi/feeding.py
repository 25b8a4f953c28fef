"""Which KPIs of the catalogue a site can have, and what is missing for the others: signals, records or configuration.

In: the registry snapshot and which records of others were imported. Out: one answer per KPI. Pure.
"""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from kpi.catalogue import CATALOGUE, Basis, Kpi
from kpi.compute.business import COUNTED, FIELDS
from kpi.rollup.scopes import COUNTS
from model.metering import METERED
from model.registry import Site
from model.vocabulary import EventKind

RecordField = tuple[str, str]  # kind and field; maintenance types and media are fields too
RUNS = ("event", EventKind.PRODUCTION_RUN.value)


@dataclass(frozen=True)
class Known:
    """What a site has: its registry, the quantities that are reported, and the fields that its records hold."""

    site: Site
    quantities: frozenset[str]
    records: frozenset[RecordField]

    def reports(self, *quantities: str) -> bool:
        """Whether any of these quantities is reported by an active series."""
        return bool(self.quantities & set(quantities))

    def holds(self, kind: str, *fields: str) -> bool:
        """Whether any record of the kind holds one of the fields, without fields any record of the kind."""
        return any(has == kind and (not fields or field in fields) for has, field in self.records)


@dataclass(frozen=True)
class Fed:
    """Whether a KPI is fed at a site, and what is missing."""

    kpi: Kpi
    missing: tuple[str, ...]

    @property
    def is_fed(self) -> bool:
        """Nothing is missing."""
        return not self.missing


@dataclass(frozen=True)
class Need:
    """Something that a KPI cannot do without: how to tell that it is there, and what to say where it is not."""

    there: Callable[[Known], bool]
    lacking: str


def _ran(known: Known) -> bool:
    return RUNS in known.records


def _limited_series(known: Known) -> bool:
    return any(limit.series is not None for limit in known.site.spec_limits)


def _record(kind: str, *fields: str) -> Need:
    with_fields = f" with {' or '.join(fields)}" if fields else ""
    return Need(lambda known: known.holds(kind, *fields), f"records of kind {kind!r}{with_fields}")


_STATE = Need(lambda known: known.reports("state") or _ran(known), "a state signal, or production run records")
_FAULTS = Need(lambda known: known.reports("state"), "a state signal that tells faults")
_COUNTS = Need(lambda known: known.reports(*COUNTS) or _ran(known), "a count signal, or production run records")
_CYCLES = Need(lambda known: bool(known.site.routings) or _ran(known), "ideal cycles (routings)")
_METER = Need(lambda known: known.reports(*METERED), "a meter: active_energy or active_power")
_REACTIVE = Need(lambda known: known.reports("reactive_energy", "reactive_power"), "a reactive meter: reactive_energy")
_SUBMETER = Need(
    lambda known: (
        any(relation.kind == "submeter_of" for relation in known.site.relations)
        or sum(series.quantity in METERED for series in known.site.series) > 1
    ),
    "a main meter and meters below it",
)
_FACTOR = Need(
    lambda known: bool(known.site.emission_factors), "emission factors: grid_zone and factor_set of the site"
)
_TARIFF = Need(lambda known: bool(known.site.tariffs), "a tariff with prices")
_DEMAND_PRICE = Need(
    lambda known: any(each.demand_price is not None for each in known.site.tariffs), "a tariff with demand_price"
)
_BASELINE = Need(lambda known: bool(known.site.baselines), "a frozen energy baseline")
_BURNED = Need(
    lambda known: known.holds("fuel") or known.holds("refrigerant"), "records of kind 'fuel' or 'refrigerant'"
)
_MASSES = Need(lambda known: any(each.mass_kg for each in known.site.products), "mass_kg of the products")
_ENERGY = Need(
    lambda known: known.reports(*METERED) or known.holds("energy") or known.holds("fuel"),
    "a meter, or records of kind 'energy' or 'fuel'",
)
_MEASURED = Need(
    lambda known: (
        _limited_series(known)
        or (known.holds("inspection", "value", "values") and known.holds("inspection", "characteristic"))
    ),
    "a series with spec_limits, or records of kind 'inspection' with characteristic and value or values",
)
_LIMITS = Need(
    lambda known: bool(known.site.spec_limits) or known.holds("inspection", "lower", "upper"),
    "limits: spec_limits of the site, or lower and upper of the inspection",
)
_SUBGROUPS = Need(
    lambda known: _limited_series(known) or known.holds("inspection", "subgroup", "values"),
    "a series with spec_limits, or inspections with subgroup, or with several values",
)
_OF_BASIS: dict[Basis, tuple[Need, ...]] = {
    Basis.TIME: (_STATE,),
    Basis.COUNT: (_COUNTS,),
    Basis.PERFORMANCE: (_STATE, _COUNTS, _CYCLES),
    Basis.MAINTENANCE: (_FAULTS,),
    Basis.ENERGY: (_METER,),
    Basis.ENERGY_TIME: (_METER, _STATE),
    Basis.SUBMETER: (_METER, _SUBMETER),
    Basis.REACTIVE: (_METER, _REACTIVE),
    Basis.COST: (_METER, _TARIFF),
    Basis.BILL: (_METER, _TARIFF),
    Basis.DEMAND: (_METER,),
    Basis.CAPACITY: (_METER, _DEMAND_PRICE),
    Basis.CARBON: (_METER, _FACTOR),
    Basis.MARKET: (_METER, _FACTOR),
    Basis.SCOPE1: (_BURNED,),
    Basis.CBAM: (_COUNTS, _MASSES),
    Basis.CBAM_ENERGY: (_COUNTS, _MASSES, _METER, _FACTOR),
    Basis.BASELINE: (_METER, _BASELINE),
    Basis.SAMPLE: (_MEASURED, _LIMITS),
    Basis.RECORD: (),
}
# Records that may say nothing about these: then they are zero.
_OPTIONAL = frozenset({"transport_time", "queuing_time", "media_mj", "exchanged_mj", "energy_records", "inspections"})
_OF_COLUMN: dict[str, tuple[Need, ...]] = {
    **{column: (_record(kind, field),) for kind, fields in FIELDS.items() for field, column in fields.items()},
    **{column: (_record(kind),) for kind, column in COUNTED.items()},
    "rolled_yield": (_record("inspection", "inspected"), _record("inspection", "first_pass_good")),
    "corrective_maintenance_time": (_record("maintenance", "corrective", "preventive"),),
    "inventory_stock_time": (_record("inventory", "average_stock"),),
    **dict.fromkeys(("production_s", "setup_s", "delay_s"), (_STATE,)),
    **dict.fromkeys(("good", "reject"), (_COUNTS,)),
    "fuel_tj": (_ENERGY,),
}


def fed(known: Known, kpis: Iterable[str] = CATALOGUE) -> list[Fed]:
    """Say of each KPI whether the site feeds it, and what is missing."""
    return [Fed(kpi, _missing(kpi, known)) for kpi in map(CATALOGUE.__getitem__, kpis)]


def needs(kpi: Kpi) -> tuple[Need, ...]:
    """What a KPI cannot do without."""
    found = [*_OF_BASIS[kpi.basis], *([_COUNTS] if kpi.per_piece else [])]
    found += [_SUBGROUPS] if "subgroup_n" in kpi.inputs else []
    found += [_REACTIVE] if kpi.id == "reactive_surcharge" else []
    if kpi.basis is Basis.RECORD:
        found += [need for column in kpi.inputs if column not in _OPTIONAL for need in _OF_COLUMN.get(column, ())]
    return tuple(dict.fromkeys(found))


def reported(site: Site) -> frozenset[str]:
    """Quantities that some series of the site reports."""
    return frozenset(series.quantity for series in site.series)


def known(site: Site, records: AbstractSet[RecordField]) -> Known:
    """Put together what is known of a site; records are (kind, field) of those that stand."""
    return Known(site, reported(site), frozenset(records))


def _missing(kpi: Kpi, site: Known) -> tuple[str, ...]:
    return tuple(need.lacking for need in needs(kpi) if not need.there(site))
