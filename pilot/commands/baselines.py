"""`haidang kpi baseline` and `haidang kpi cusum`: freeze what energy is expected, and see what is saved against it."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pilot.errors import PilotError
from pilot.options import DatabaseUrl, database, in_order

if TYPE_CHECKING:
    from kpi.energy.fitting import Fitted
    from kpi.energy.fitting_many import FittedMany

app = typer.Typer(help="Frozen baselines of energy over a driver.", no_args_is_help=True)


@app.command()
def fit(
    site: Annotated[str, typer.Option(help="site key")],
    from_: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="first production day of the fit")],
    to: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="last production day of the fit, included")],
    asset: Annotated[str, typer.Option(help="asset path; without it the site itself")] = "",
    kpi: Annotated[Literal["energy"], typer.Option(help="what is expected")] = "energy",
    driver: Annotated[
        list[str] | None,
        typer.Option(
            help="what it depends on, once or several times: good (default), good:PRODUCT, pieces, production_h, "
            "setup_h, scheduled_h"
        ),
    ] = None,
    grain: Annotated[Literal["day", "week"], typer.Option(help="fit days or whole weeks")] = "day",
    valid_from: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="production day from which it counts; default the day after the fit"),
    ] = None,
    reason: Annotated[str, typer.Option(help="the change of static factors that asks for a new fit")] = "",
    source: Annotated[str, typer.Option(help="who says so")] = "",
    exists: Annotated[
        bool,
        typer.Option("--exists", help="let R² of 0.6 do: it shows that a baseline exists, nothing is expected"),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show the fit, freeze nothing")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    database_url: DatabaseUrl = "",
) -> None:
    """Fit energy of days or weeks as a line over the drivers and freeze it as a new version, if it is good enough.

    Good enough: 12 points or more (6 for each driver), R² of 0.75 or more, slopes that are no chance (p < 0.05); with
    several drivers or weeks R² is the adjusted one and CV(RMSE) at most 0.25. Days whose meters told less than the
    site's gate are left out and named. A version never changes; a newer one counts from its date on.
    """
    from kpi.energy.baseline_job import Wanted, freeze, look
    from kpi.energy.performance import EXISTS_R_SQUARED, LEAST_R_SQUARED
    from store.pool import connect

    assert kpi == "energy"  # noqa: S101 - the only choice
    start = valid_from.date() if valid_from else None
    names = tuple(dict.fromkeys(driver or ["good"]))
    least = EXISTS_R_SQUARED if exists else LEAST_R_SQUARED
    wanted = Wanted(site, asset, names, from_.date(), to.date(), start, reason, source, grain, least)
    with connect(database(database_url), "kpi baseline fit") as connection:
        version, found = (None, look(connection, wanted)) if dry_run else freeze(connection, wanted, datetime.now(UTC))
    told = {"version": version, **_told(found)}
    if as_json:
        typer.echo(json.dumps(told, default=str, ensure_ascii=False, indent=2))
        return
    table = Table("", "", title="not frozen" if version is None else f"version {version}", title_justify="left")
    for name, value in told.items():
        table.add_row(name, escape(_cell(value)))
    Console(highlight=False).print(table)


def _told(found: "Fitted | FittedMany") -> dict[str, Any]:
    from kpi.energy.fitting_many import FittedMany
    from kpi.energy.performance import why_unfit

    if isinstance(found, FittedMany):
        return _told_many(found)
    line = found.fit
    if line is None:
        return {"days": len(found.days), "left_out": found.left_out, "unfit": why_unfit(None)}
    return {
        "driver": found.driver,
        "intercept_kwh_per_day": line.line.intercept,
        "slope_kwh": line.line.slope,
        "r_squared": line.r_squared,
        "p_slope": line.p_slope,
        "se_slope": line.se_slope,
        "se_intercept": line.se_intercept,
        "driver_from": line.driver_from,
        "driver_to": line.driver_to,
        "days": line.n,
        "left_out": [{"day": day, "why": why} for day, why in found.left_out],
        "unfit": why_unfit(line),
    }


def _told_many(found: "FittedMany") -> dict[str, Any]:
    told: dict[str, Any] = {"grain": found.grain, "points": len(found.points), "unfit": found.unfit}
    told["left_out"] = [{"day": day, "why": why} for day, why in found.left_out]
    if found.fit is None:
        return told
    for name, term in zip(found.names, found.fit.terms, strict=True):
        told |= {f"slope_kwh {name}": term.slope, f"p_slope {name}": term.p, f"se_slope {name}": term.se}
        told |= {f"from {name}": term.low, f"to {name}": term.high}
    told |= {"r_squared": found.fit.r_squared, "adjusted_r_squared": found.fit.adjusted, "cv_rmse": found.fit.cv_rmse}
    return {f"intercept_kwh_per_{found.grain}": found.fit.intercept, **told}


@app.command("list")
def list_(
    site: Annotated[str, typer.Option(help="site key")],
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    database_url: DatabaseUrl = "",
) -> None:
    """Show all versions of the baselines, the newest first."""
    from store import baselines, registry
    from store.pool import connect

    with connect(database(database_url), "kpi baseline list") as connection:
        rows = baselines.versions(connection, registry.site_id(connection, site))
    if as_json:
        typer.echo(json.dumps(rows, default=str, ensure_ascii=False, indent=2))
        return
    table = Table("asset", "version", "from", "line", "R²", "days", "driver range", "reason", "digest")
    for row in rows:
        model = row["model"]
        terms = model.get("drivers") or [model]
        parts = [f"{each['slope']:.6g} kWh per {each['driver']}" for each in terms]
        line = " + ".join([f"{model['intercept']:.6g} kWh/{model['grain']}", *parts])
        spans = ", ".join(f"{each['driver_from']:.6g} – {each['driver_to']:.6g}" for each in terms)
        cells = (row["asset"] or site, row["version"], row["valid_from"], line, f"{model['r_squared']:.3f}", model["n"])
        table.add_row(*(escape(str(cell)) for cell in (*cells, spans, row["reason"], row["digest"][:12])))
    Console(highlight=False).print(table)


def cusum(
    site: Annotated[str, typer.Option(help="site key")],
    asset: Annotated[str, typer.Option(help="asset path; without it the site itself")] = "",
    from_: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="first production day")] = None,
    to: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="last production day, included")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    database_url: DatabaseUrl = "",
) -> None:
    """Show the running sum of actual minus expected energy, by day or week: where it falls, energy is saved."""
    from kpi.energy.cusum import points
    from store import registry, serving
    from store.pool import connect

    in_order(from_, to)
    with connect(database(database_url), "kpi cusum") as connection:
        number = registry.site_id(connection, site)
        assets = registry.asset_ids(connection, number)
        if asset not in assets:
            raise PilotError(f"Site {site!r} has no asset {asset!r}.")
        window = serving.Window(from_day=_day(from_), to_day=_day(to + timedelta(days=1)) if to else None)
        found = points(serving.Scope(connection, [number]), assets[asset], window)
    if as_json:
        typer.echo(json.dumps(found, default=str, indent=2))
        return
    table = Table("day", "expected (kWh)", "actual (kWh)", "difference", "CUSUM", "status", "flags")
    for row in found:
        numbers = (f"{row[name]:,.1f}" for name in ("expected", "actual", "difference", "cusum"))
        table.add_row(str(row["production_day"]), *numbers, row["status"], ", ".join(row["flags"]))
    none = "no expected energy; it needs a frozen baseline (`haidang kpi baseline --help`) and computed days"
    Console(highlight=False).print(table if found else none)


def _day(value: datetime | None) -> date | None:
    return value.date() if value else None


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(f"{each['day']}: {each['why']}" for each in value) or "none"
    return f"{value:.6g}" if isinstance(value, float) else "–" if value is None else str(value)
