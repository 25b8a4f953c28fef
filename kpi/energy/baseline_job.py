"""Freezes a baseline from stored pieces: reads, fits, adds a version, and asks for the days that it changes."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from kpi.energy.baselines import DRIVERS
from kpi.energy.fitting import Fitted, days_of, fitted
from kpi.energy.fitting_many import FittedMany, PointGrain, fitted_many, points_of
from kpi.energy.performance import LEAST_R_SQUARED
from kpi.errors import KpiError
from kpi.running.work import monday, reach_of, windows_of_days
from kpi.stored import stored_pieces
from model.registry import Site
from store import baselines, marks, registry
from store.inputs import Range
from store.pool import Connection

ENERGY = "energy"


@dataclass(frozen=True)
class Wanted:
    """The asset ('' = the site), its drivers, first and last production day of the fit, and from when it counts; of a
    baseline of weeks that is a Monday. `least` is the R² that it needs.
    """

    site: str
    asset: str
    drivers: tuple[str, ...]
    first: date
    last: date
    valid_from: date | None = None
    reason: str = ""
    source: str = ""
    grain: PointGrain = "day"
    least: float = LEAST_R_SQUARED


def look(connection: Connection, wanted: Wanted) -> Fitted | FittedMany:
    """Fit the days or weeks of the period without storing anything.

    Raises:
        KpiError: the driver or the asset is not known, or nothing is stored of these days.
    """
    inputs = stored_pieces(connection, wanted.site, wanted.first, wanted.last)
    if wanted.asset not in {asset.key for asset in inputs.site.assets}:
        raise KpiError(f"Site {wanted.site!r} has no asset {wanted.asset!r}.")
    gate, names = inputs.site.confidence_gate, wanted.drivers
    one = names[0] if len(names) == 1 and wanted.grain == "day" else ""
    if one in DRIVERS:
        return fitted(days_of(inputs, wanted.asset, one), one, gate)
    return fitted_many(points_of(inputs, wanted.asset, names, wanted.grain), names, wanted.grain, gate)


def freeze(connection: Connection, wanted: Wanted, now: datetime) -> tuple[int, Fitted | FittedMany]:
    """Add a version and ask for the days from its date on to be computed again; gives the version.

    Raises:
        UnfitError: the fit is none to judge by.
        KpiError: a version is there already and no reason for a new one is given.
    """
    found = look(connection, wanted)
    number = registry.site_id(connection, wanted.site)
    asset_id = registry.asset_ids(connection, number)[wanted.asset]
    before = [each for each in baselines.versions(connection, number) if each["asset"] == wanted.asset]
    if before and not wanted.reason:
        raise KpiError(
            "There is a baseline already: a new one needs --reason, the documented change of static factors."
        )
    start = wanted.valid_from or _begin(wanted)
    if wanted.grain == "week" and start != monday(start):
        raise KpiError(f"A baseline of weeks begins on a Monday; {start} is none.")
    model = found.model(wanted.first, wanted.last, wanted.least)
    reason = wanted.reason or "first baseline"
    new = baselines.NewBaseline(asset_id, ENERGY, model, start, reason, wanted.source)
    version = baselines.add(connection, number, new)
    _ask_again(connection, number, registry.snapshot(connection, wanted.site, now), start)
    return version, found


def _begin(wanted: Wanted) -> date:
    following = wanted.last + timedelta(days=1)
    return following if wanted.grain == "day" else monday(following + timedelta(days=6))


def _ask_again(connection: Connection, site_id: int, site: Site, start: date) -> None:
    days = [last for _, last in marks.runs(connection, site_id) if last >= start]
    if not days:
        return
    span = Range(*reach_of(windows_of_days(site, [start, max(days)])))
    marks.add_mark(connection, site_id, span, "registry")
