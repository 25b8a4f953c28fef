"""The registry in the database: apply a site file (idempotent), read the snapshot that computations are given."""

import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from psycopg.types.json import Jsonb

from model.registry import Site
from store.calendar_check import check_calendars
from store.errors import InvalidConfigurationError, translated
from store.extent import mark_all_data, mark_dates
from store.pool import Connection
from store.queries import load
from store.seed import insert_factor_set
from store.site_quota import set_quota

if TYPE_CHECKING:
    from store.site_file import SiteFile
    from store.site_parts.emissions import FactorSetPart

# Why a change in a table asks for days again; any other table: the registry as a whole.
_CAUSES = {
    **dict.fromkeys(("shift_calendar", "calendar_exception", "site_holiday", "planned_stop"), "calendar"),
    "factor_set": "factor_set",
    "site_factors": "factor_set",
    "energy_contract": "factor_set",
}


_OF_DATES = {"calendar_exception", "site_holiday"}  # a change touches the dates it names
_WHOLE_CALENDAR = {"shift_calendar", "planned_stop"}  # a change touches every day


@dataclass(frozen=True)
class SeriesId:
    """Where a series of the snapshot is kept in this database."""

    series_id: int
    asset_id: int
    asset: str
    name: str


def apply_site(connection: Connection, file: "SiteFile") -> dict[str, int]:
    """Make the registry say what the file says, in one transaction.

    What left the file is deleted (calendars, routings, state meanings, jobs, targets, tariffs, relations of meters) or
    retired (assets and series that a file declared: their data stay, they leave KPIs, a later file can bring them
    back). Products, reasons and versions of factor sets stay, since values and records name them; so does what ingest
    proposed.

    Returns:
        Number of new or changed rows per table; all zero when the file was applied before. What changed is computed
        again for the whole time in which the site has data.

    Raises:
        InvalidConfigurationError: something is not known, or two shifts of an asset overlap; nothing is changed.
    """
    with translated(), connection.transaction():
        site_id, table = _put_site(connection, file)
        dates: set[date] = set()
        changed = {"site": int(table != ""), **_put_parts(connection, site_id, file, dates)}
        quota = set_quota(connection, site_id, file.quota.series, file.quota.values_per_s)
        check_calendars(snapshot(connection, file.site.key, datetime.now(UTC)))
        parts = {name for name, count in changed.items() if count and name != "site"}
        if dates and not parts & _WHOLE_CALENDAR:
            mark_dates(connection, site_id, file.site.timezone, dates)
            parts -= _OF_DATES
        _mark_dirty(connection, site_id, parts | {table} - {""})
    return {**changed, "quota": int(quota)}  # which changes no value


def site_id(connection: Connection, key: str) -> int:
    """The id of a site.

    Raises:
        InvalidConfigurationError: no site of that key is known.
    """
    row = connection.execute(load("registry")["site_id"], {"key": key}).fetchone()
    if row is None:
        known = [each for (each,) in connection.execute(load("registry")["site_keys"]).fetchall()]
        there = f" Known: {', '.join(known)}." if known else ""
        raise InvalidConfigurationError(f"Site {key!r} is not known: add it with `haidang site apply FILE`.{there}")
    return int(row[0])


def timezone(connection: Connection, key: str) -> str:
    """The zone of a site's clock."""
    row = connection.execute(load("registry")["timezone"], {"site_id": site_id(connection, key)}).fetchone()
    return str(row[0]) if row else "UTC"


def snapshot(connection: Connection, key: str, at: datetime) -> Site:
    """The registry in force at an instant, as the computation wants it: keys only."""
    sql = load("registry")
    id_ = site_id(connection, key)
    chosen = connection.execute(sql["site_factor_set"], {"site_id": id_}).fetchone()
    wanted = chosen[0] if chosen else None
    found = connection.execute(sql["find_factor_set"], {"site_id": id_, "key": wanted}).fetchone()
    parameters = {"site_id": id_, "at": at, "factor_set_id": found[0] if found else None}
    row = connection.execute(sql["snapshot"], parameters).fetchone()
    return msgspec.convert(row[0] if row else {}, Site)


def setting_changes(connection: Connection, id_: int) -> list[datetime]:
    """Instants at which the settings of any asset change; a snapshot is constant between them."""
    rows = connection.execute(load("registry")["setting_changes"], {"site_id": id_}).fetchall()
    return [row[0] for row in rows]


def active_series(connection: Connection, id_: int) -> list[SeriesId]:
    """Series that enter KPIs, in order of asset and name."""
    rows = connection.execute(load("registry")["active_series"], {"site_id": id_}).fetchall()
    return [SeriesId(*row) for row in rows]


def asset_ids(connection: Connection, id_: int) -> dict[str, int]:
    """Ids of the active assets by key; '' is the site's own asset."""
    return dict(connection.execute(load("registry")["assets"], {"site_id": id_}).fetchall())


def _put_site(connection: Connection, file: "SiteFile") -> tuple[int, str]:
    """Write the site's own row; returns its id and what changed: `site`, only its `site_factors`, or '' (nothing)."""
    from store import site_rows  # noqa: PLC0415 - the form of site files takes time to load, and who only reads needs none of it

    sql = load("registry")
    for name, key in (("factor_set", file.site.factor_set), ("fuel_set", file.site.fuel_set)):
        if key and not _factor_set_known(connection, file, key):
            raise InvalidConfigurationError(
                f"site.{name}: {key!r} is neither shipped with the product nor in factor_sets"
            )
    row = {"site": Jsonb(site_rows.site_row(file))}
    only_factors = connection.execute(sql["only_factors_differ"], row).fetchone()
    new = connection.execute(sql["upsert_site"], row).fetchone()
    id_ = int(new[0]) if new else site_id(connection, file.site.key)
    connection.execute(sql["set_person_key"], {"site_id": id_, "person_key": secrets.token_bytes(32)})
    if new is None:
        return id_, ""
    return id_, "site_factors" if only_factors and only_factors[0] else "site"


def _factor_set_known(connection: Connection, file: "SiteFile", key: str) -> bool:
    if any(part.key == key for part in file.factor_sets):
        return True
    row = connection.execute(load("registry")["find_factor_set"], {"key": key, "site_id": None}).fetchone()
    return row is not None


def _put_parts(connection: Connection, id_: int, file: "SiteFile", dates: set[date]) -> dict[str, int]:
    """Write everything but the site's own row; adds the dates whose exceptions or holidays changed to `dates`."""
    from store import site_rows  # noqa: PLC0415

    levels = site_rows.asset_rows(file)
    changed = {"factor_set": _put_factor_sets(connection, id_, file)}
    changed["asset"] = sum(_put(connection, "upsert_asset", id_, level) for level in levels)
    changed["asset"] += _put(connection, "retire_asset", id_, [row for level in levels for row in level])
    changed["asset_setting"] = _put(connection, "upsert_asset_setting", id_, site_rows.setting_rows(file))
    connection.execute(load("registry")["chain_asset_setting"], {"site_id": id_})
    steps: list[tuple[str, str, list[dict[str, Any]]]] = [
        ("series", "upsert_series", site_rows.series_rows(file)),
        ("series", "retire_series", site_rows.series_rows(file)),
        *(("reason", "upsert_reason", level) for level in site_rows.reason_rows(file)),
        ("state_map", "replace_state_map", [part.model_dump() for part in file.state_map]),
        ("product", "upsert_product", [part.model_dump() for part in file.products]),
        ("routing", "replace_routing", site_rows.routing_rows(file)),
        ("shift_calendar", "replace_shift_calendar", site_rows.shift_rows(file)),
        ("calendar_exception", "replace_calendar_exception", site_rows.exception_rows(file)),
        ("site_holiday", "replace_holidays", site_rows.holiday_rows(file)),
        ("planned_stop", "replace_planned_stop", site_rows.planned_stop_rows(file)),
        ("job", "replace_job", site_rows.job_rows(file)),
        ("spec_limit", "replace_spec_limit", site_rows.spec_limit_rows(file)),
        ("target", "replace_target", [part.model_dump(mode="json") for part in file.targets]),
        ("tariff", "replace_tariff", site_rows.tariff_rows(file)),
        ("asset_relation", "replace_asset_relation", site_rows.relation_rows(file)),
        ("energy_contract", "replace_energy_contract", site_rows.contract_rows(file)),
    ]
    for table, statement, rows in steps:
        found = _written(connection, statement, id_, rows)
        changed[table] = changed.get(table, 0) + len(found)
        dates.update(found if table in _OF_DATES else ())
    return changed


def _put(connection: Connection, statement: str, id_: int, rows: list[dict[str, Any]]) -> int:
    return len(_written(connection, statement, id_, rows))


def _written(connection: Connection, statement: str, id_: int, rows: list[dict[str, Any]]) -> list[Any]:
    """Run a statement that writes rows; returns what it says of those that changed."""
    parameters = {"site_id": id_, "rows": Jsonb(rows)}
    return [row[0] for row in connection.execute(load("registry")[statement], parameters).fetchall()]


def _put_factor_sets(connection: Connection, id_: int, file: "SiteFile") -> int:
    new = [part for part in file.factor_sets if insert_factor_set(connection, id_, part.model_dump())]
    for part in file.factor_sets:
        if part not in new:
            _check_factors(connection, id_, part)
    return len(new)


def _check_factors(connection: Connection, id_: int, part: "FactorSetPart") -> None:
    """Refuse other factors under a version that values may name already."""
    sql, wanted = load("registry"), {"site_id": id_, "key": part.key, "version": part.version}
    head = (part.name, part.source)
    factors = {(*head, *factor.model_dump().values()) for factor in part.factors}
    fuels = {(*head, *fuel.model_dump().values()) for fuel in part.fuels}
    stored = set(connection.execute(sql["stored_factors"], wanted).fetchall())
    if stored != factors or set(connection.execute(sql["stored_fuels"], wanted).fetchall()) != fuels:
        raise InvalidConfigurationError(
            f"factor set {part.key} version {part.version} is stored with other factors: raise its version"
        )


def _mark_dirty(connection: Connection, id_: int, changed: set[str]) -> None:
    """Ask for all days with data again, once for each cause; targets change no value."""
    for cause in sorted({_CAUSES.get(table, "registry") for table in changed - {"target"}}):
        mark_all_data(connection, id_, cause)
