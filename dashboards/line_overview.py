"""Board "Line overview": what the chosen lines made, lost and used, and how far the numbers can be trusted."""

from collections.abc import Iterator

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, Panel

from dashboards import panels, variables
from dashboards.statements import statement
from dashboards.states import palette

UID = "haidang-line-overview"
TITLE = "Line overview"
KWH_PER_UNIT = "suffix: kWh/unit"
KG_CO2E = "suffix: kg CO₂e"

FACTORS = {  # the last three multiply to OEE; `availability` also has units that count nothing
    "oee": "OEE",
    "oee_availability": "Availability",
    "effectiveness": "Effectiveness",
    "quality_ratio": "Quality",
}
OUTPUT = ("produced_quantity", "good_quantity")
ENERGY = {
    "energy": ("Energy", units.KiloWattHour),
    "specific_energy": ("Specific energy", KWH_PER_UNIT),
    "demand_peak": ("Demand peak", units.KiloWatt),
}
CARBON = "co2e_location"
KPIS = (*FACTORS, *OUTPUT, *ENERGY, CARBON)

STORED = "Stored values, never computed here. One point per window: hours, days, weeks or months by the range."
NEWEST = "The newest stored day of the range (month in ranges over 45 days), named beneath the value."

Row = tuple[str, list[Builder[Panel]]]


def board() -> dashboard.Dashboard:
    """Put the board together."""
    built = (
        dashboard.Dashboard(TITLE)
        .uid(UID)
        .description("OEE, stops, output, energy and carbon of the chosen lines. " + STORED)
        .tags(["haidang"])
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .time("now-7d", "now")
        .refresh("1m")
        .readonly()
        .with_variable(variables.site())
        .with_variable(variables.line())
        .with_variable(variables.grain())
        .with_variable(variables.language())
    )
    number = iter(range(1, 1000))
    for title, row in _rows():
        built.with_row(dashboard.Row(title).id(next(number)))
        for panel in row:
            built.with_panel(Numbered(panel, next(number)))
    return built


class Numbered(Builder[Panel]):
    """A panel under its number: ids must differ within a board."""

    def __init__(self, panel: Builder[Panel], number: int) -> None:
        self._panel, self._number = panel, number

    def build(self) -> Panel:
        built = self._panel.build()
        built.id_val = self._number
        return built


def _rows() -> Iterator[Row]:
    yield "Now", _newest()
    yield "Effectiveness", _effectiveness()
    yield "States and stops", _stops()
    yield "Output", _output()
    yield "Energy and carbon", [*_energy(), *_carbon()]
    yield "Can it be trusted?", _trust()


def _newest() -> list[Builder[Panel]]:
    return [
        panels.number(title, statement("kpi_latest", kpi), units.PercentUnit, NEWEST).span(6)
        for kpi, title in FACTORS.items()
    ]


def _effectiveness() -> list[Builder[Panel]]:
    courses = [
        panels.course(f"{title} over time", statement("kpi_series", kpi), units.PercentUnit, STORED).span(12)
        for kpi, title in FACTORS.items()
    ]
    about = "Stored OEE of each shift. Empty in ranges over 100 days."
    by_shift = panels.amounts("OEE by shift", statement("kpi_by_shift", "oee"), units.PercentUnit, about)
    return [*courses, by_shift.span(panels.FULL_WIDTH)]


def _stops() -> list[Builder[Panel]]:
    states = panels.timeline(
        "States of the units",
        statement("states"),
        "Stored intervals of the units below the chosen lines. Those narrower than a pixel stay blank: zoom in. "
        "Of a range over 31 days its last 31 days.",
        row="unit",
        colors=palette(),
    )
    stops = panels.ranking(
        "Stops by reason",
        statement("stops"),
        units.Hours,
        "Lengths of the stored stop intervals inside the range. Without a reason: class and kind of the stop. "
        "Time without signal is not a stop and not here.",
        by="reason",
    )
    return [states.span(panels.FULL_WIDTH), stops.span(panels.FULL_WIDTH)]


def _output() -> list[Builder[Panel]]:
    sql = statement("kpis_series", *OUTPUT)
    return [panels.amounts("Produced and good quantity", sql, units.Short, STORED).span(panels.FULL_WIDTH)]


def _energy() -> Iterator[Builder[Panel]]:
    for kpi, (title, unit) in ENERGY.items():
        make = panels.amounts if kpi == "energy" else panels.course
        yield make(title, statement("kpi_series", kpi), unit, STORED).span(8)


def _carbon() -> list[Builder[Panel]]:
    sql = statement("kpi_series", CARBON)
    about = (
        "Scope 2 of purchased electricity, location-based: stored energy times the dated factor of the site's own grid "
        "zone. A zone without a factor has no value; see the factor sets beside."
    )
    sets = panels.rows(
        "CO₂e: factor sets in use",
        statement("factor_sets", CARBON),
        "The factor set of each stored value. 'no factor': none is known for the site's zone and time.",
    )
    return [panels.amounts("CO₂e, Scope 2 location-based", sql, KG_CO2E, about).span(12), sets.span(12)]


def _trust() -> list[Builder[Panel]]:
    share = "Coverage: share of the planned busy time with a known state. Completeness: readings received of expected."
    balance = panels.rows(
        "Ledger",
        statement("ledger"),
        "Both accounts per hour of receipt: received = processed + rejected + redelivered, and decoded = stored + "
        "duplicate + conflict + rejected. A difference other than 0 means that something was lost or counted twice.",
        alarm_unless_zero=("message_difference", "value_difference"),
    )
    refused = "Messages that were not stored, with the reason. Newest first, at most 200."
    newest = "The newest stored value of each KPI of this board. " + NEWEST
    return [
        panels.course("Trust in OEE", statement("trust_series", "oee"), units.PercentUnit, share).max(1).span(12),
        panels.course("Trust in energy", statement("trust_series", "energy"), units.PercentUnit, share).max(1).span(12),
        panels.rows("Values and their status", statement("kpi_quality", *KPIS), newest).span(panels.FULL_WIDTH),
        panels.rows("Rejected messages", statement("rejected"), refused).span(panels.FULL_WIDTH),
        balance.span(panels.FULL_WIDTH),
    ]
