"""Flags of a command in, what the store is asked for out: a scope, a range of times in the site's own zone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from model.wording import which_of_two
from pilot.errors import PilotError
from pilot.times import FORMATS, METAVAR, at_site

if TYPE_CHECKING:
    from store.pool import Connection
    from store.serving import Scope

SiteOption = Annotated[str | None, typer.Option(help="only this site")]
FromOption = Annotated[
    datetime | None,
    typer.Option("--from", formats=FORMATS, metavar=METAVAR, help="received from then on, by the clock of the site"),
]
ToOption = Annotated[datetime | None, typer.Option(formats=FORMATS, metavar=METAVAR, help="received before then")]
JsonOption = Annotated[bool, typer.Option("--json", help="for programs: times in UTC")]


@dataclass(frozen=True)
class Chosen:
    """The site that a command is about (none = all, and what belongs to no known site), and its time zone."""

    scope: "Scope"
    site_id: int | None
    zone: ZoneInfo

    def instant(self, local: datetime | None) -> datetime | None:
        """A time of a flag in UTC."""
        return self.moment(local) if local else None

    def moment(self, local: datetime) -> datetime:
        """A time of a flag that must be given, in UTC."""
        return at_site(local, self.zone).astimezone(UTC)

    def shown(self, moment: datetime) -> str:
        """A time as people of the site read it."""
        local = moment.astimezone(self.zone)
        return f"{local:%Y-%m-%d %H:%M}{which_of_two(local)}"


def choose(connection: "Connection", site: str | None) -> Chosen:
    """Look a site up.

    Raises:
        StoreError: there is no such site.
    """
    from store import serving  # noqa: PLC0415 - keeps --help fast
    from store.registry import site_id  # noqa: PLC0415
    from store.serving import Scope  # noqa: PLC0415

    if site is None:
        return Chosen(Scope(connection, serving.every_site(connection), sees_unknown=True), None, ZoneInfo("UTC"))
    number = site_id(connection, site)
    scope = Scope(connection, [number])
    return Chosen(scope, number, ZoneInfo(serving.sites(scope)[0]["timezone"]))


def known_asset(known: Mapping[str, int], site: str, asset: str) -> int:
    """The number of an asset of a site by its path.

    Raises:
        PilotError: the site has no such asset; says which ones it has.
    """
    if asset not in known:
        raise PilotError(f"Site {site!r} has no asset {asset!r}; known: {', '.join(filter(None, known))}.")
    return known[asset]


def plain(value: Any) -> Any:
    """A value as JSON has it: times in UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
