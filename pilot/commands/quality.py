"""`haidang quality`: how good the readings of each series were, the worst first, and why."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pilot.options import DatabaseUrl, database, in_order
from pilot.selecting import JsonOption, choose, plain

if TYPE_CHECKING:
    from kpi.explained.series_verdict import Verdict
    from store.series_quality import DeviceQuality

DEFAULT_DAYS = 7
DOUBTFUL = 0.95  # shown red, whatever the gate of the site is


def quality(
    site: Annotated[str, typer.Option(help="site key")],
    from_: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="first production day; a week ago if not told"),
    ] = None,
    to: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="last production day; today if not told")
    ] = None,
    asset: Annotated[list[str] | None, typer.Option(help="only this asset; may be repeated")] = None,
    as_json: JsonOption = False,
    database_url: DatabaseUrl = "",
) -> None:
    """Show how good the readings of each series were in a range of production days, the worst first."""
    from kpi.explained.series_verdict import judged
    from store.derived import Days
    from store.pool import connect
    from store.series_quality import quality_of

    in_order(from_, to)
    with connect(database(database_url), "quality") as connection:
        chosen = choose(connection, site)
        last = to.date() if to else datetime.now(chosen.zone).date()
        days = Days(from_.date() if from_ else last - timedelta(days=DEFAULT_DAYS - 1), last)
        found = quality_of(connection, int(chosen.site_id or 0), days, asset)
    verdicts = judged(found.series)
    if as_json:
        told = {
            "site": site,
            "from": str(days.first),
            "to": str(days.last),
            "series": [_plain(each) for each in verdicts],
        }
        typer.echo(json.dumps({**told, "devices": [device_row(each) for each in found.devices]}, indent=2))
        return
    if not verdicts:
        typer.echo(f"no day of {site} from {days.first} to {days.last} has been computed")
        return
    console = Console(highlight=False)
    console.print(_series_table(verdicts, days.first, days.last))
    if found.devices:
        console.print(_device_table(found.devices))


def device_row(device: "DeviceQuality") -> dict[str, object]:
    """A device as JSON has it; the skew in ms at most, null above all bounds of the histogram."""
    from kpi.explained.series_verdict import late_share, skew

    counts = {name: value for name, value in vars(device).items() if name != "skew_ms"}
    marks = {f"skew_p{round(share * 100)}_ms": _finite(skew(device, share)) for share in (0.5, 0.95)}
    return {**counts, **marks, "late_share": late_share(device)}


def _finite(value: float | None) -> float | None:
    return None if value is None or value == float("inf") else value


def _plain(each: "Verdict") -> dict[str, object]:
    numbers = {name: plain(value) for name, value in vars(each.series).items() if name != "series_id"}
    return {**numbers, "completeness": each.completeness, "why": each.sentence}


def _series_table(verdicts: "list[Verdict]", first: date, last: date) -> Table:
    table = Table("asset", "series", "complete", "last value (UTC)", "why", title=f"{first} to {last}")
    for each in verdicts:
        at = each.series.last_ts
        colour = "red" if each.completeness < DOUBTFUL else "yellow" if each.reasons else "green"
        shown = f"[{colour}]{each.completeness:.1%}[/{colour}]"
        moment = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if at else "–"
        table.add_row(escape(each.series.asset), escape(each.series.name), shown, moment, escape(each.sentence))
    return table


def _device_table(devices: "list[DeviceQuality]") -> Table:
    table = Table(
        "device", "values", "duplicate", "conflict", "rejected", "missing seq", "late", "skew p50 / p95",
        caption="late: more than a minute after the device's time; negative skew: its clock is ahead",
    )  # fmt: skip
    for device in devices:
        row = device_row(device)
        late = "–" if row["late_share"] is None else f"{row['late_share']:.1%}"
        skews = " / ".join("–" if row[name] is None else f"{row[name]:g} ms" for name in ("skew_p50_ms", "skew_p95_ms"))
        counts = (device.decoded, device.duplicate, device.conflict, device.rejected_value, device.missing_seq)
        table.add_row(escape(device.device), *(f"{count:,}" for count in counts), late, skews)
    return table
