"""A programme for people at a terminal."""

from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from maturity.programme.view import ProgrammeView, SiteRow

_MOST_GAPS = 10


def show(view: ProgrammeView, console: Console, *, anonymous: bool = False) -> None:
    """Print a programme; anonymous, nothing of single sites."""
    if not view.sites:
        console.print(f"There is no assessment of {escape(view.framework)} yet: `haidang programme import FILE`.")
        return
    version = f"{escape(view.framework)}, version {view.framework_version}"
    console.print(f"[bold]{version}[/bold]: {view.compared} of {len(view.sites)} sites have the same catalogue.")
    if not anonymous:
        _sites(view, console)
    _claims(view, console)
    _bands(view, console)
    _gaps(view, console)
    _groups(view, console)


def _sites(view: ProgrammeView, console: Console) -> None:
    table = Table("site", "period", *view.sites[0].supported, title="supported (claimed / confirmed)")
    for row in view.sites:
        name = row.site if row.compared else f"{row.site} (version {row.framework_version}, not compared)"
        levels = [_levels(row, key) for key in view.sites[0].supported]
        table.add_row(escape(name), f"{row.first} to {row.last}", *levels)
    console.print(table)


def _levels(row: SiteRow, key: str) -> str:
    others = [_number(row.claimed, key), _number(row.confirmed, key)]
    shown = "" if others == ["-", "-"] else f" ({' / '.join(others)})"
    return f"{_number(row.supported, key)}{shown}"


def _number(levels: Mapping[str, int | None], key: str) -> str:
    found = levels.get(key)
    return "-" if found is None else str(found)


def _claims(view: ProgrammeView, console: Console) -> None:
    table = Table("principle", "claims above data", "equal", "below", "no claim", title="sites by their claims")
    for each in view.claims:
        table.add_row(each.principle, *map(str, (each.above, each.equal, each.below, each.without)))
    console.print(table)


def _bands(view: ProgrammeView, console: Console) -> None:
    if view.bands is None:
        console.print(f"[dim]{escape(view.bands_refused or '')}[/dim]")
        return
    table = Table("principle", "lowest quarter", "median", "highest quarter", title="supported levels of all sites")
    for each in view.bands:
        table.add_row(each.principle, *(f"{n:g}" for n in (each.lowest_quarter, each.median, each.highest_quarter)))
    console.print(table)


def _gaps(view: ProgrammeView, console: Console) -> None:
    table = Table("criterion", "sites", "contradicted", "not assessable", title="common gaps")
    for each in view.gaps[:_MOST_GAPS]:
        table.add_row(each.criterion, str(each.sites), str(each.contradicted), str(each.not_assessable))
    console.print(table)


def _groups(view: ProgrammeView, console: Console) -> None:
    table = Table("technology group", "sites that lack it", "criteria it would open", title="most lacking")
    for each in view.groups:
        table.add_row(each.group, str(each.sites), str(each.opens))
    console.print(table)
