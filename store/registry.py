"""The registry in the database: apply a site file (idempotent), read the snapshot that computations are given."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from model.registry import Site
from store import site_rows
from store.errors import InvalidConfigurationError, translated
from store.pool import Connection
from store.queries import load
from store.seed import insert_factors
from store.site_file import SiteFile

_CALENDAR = {"shift_calendar", "calendar_exception", "planned_stop"}


@dataclass(frozen=True)
class SeriesId:
    """Where a series of the snapshot is kept in this database."""

    series_id: int
    asset_id: int
    asset: str
    name: str


def apply_site(connection: Connection, file: SiteFile) -> dict[str, int]:
    """Make the registry say what the file says, in one transaction.

    Returns:
        Number of new or changed rows per table; all zero when the file was applied before. What changed is computed
        again for the whole time in which the site has data.
    """
    with translated(), connection.transaction():
        site_id, site_changed = _put_site(connection, file)
        changed = {"site": site_changed, **_put_parts(connection, site_id, file)}
        _mark_dirty(connection, site_id, {table for table, count in changed.items() if count})
    return changed


def site_id(connection: Connection, key: str) -> int:
    """The id of a site.

    Raises:
        InvalidConfigurationError: no site of that key is known.
    """
    row = connection.execute(load("registry")["site_id"], {"key": key}).fetchone()
    if row is None:
        raise InvalidConfigurationError(f"Site {key!r} is not known: add it with `haidang site apply FILE`.")
    return int(row[0])


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


def _put_site(connection: Connection, file: SiteFile) -> tuple[int, int]:
    sql = load("registry")
    if file.site.factor_set and not _factor_set_known(connection, file):
        raise InvalidConfigurationError(
            f"site.factor_set: {file.site.factor_set!r} is neither shipped with the product nor in factor_sets"
        )
    new = connection.execute(sql["upsert_site"], {"site": Jsonb(site_rows.site_row(file))}).fetchone()
    id_ = int(new[0]) if new else site_id(connection, file.site.key)
    connection.execute(sql["set_person_key"], {"site_id": id_, "person_key": secrets.token_bytes(32)})
    return id_, int(new is not None)


def _factor_set_known(connection: Connection, file: SiteFile) -> bool:
    if any(part.key == file.site.factor_set for part in file.factor_sets):
        return True
    row = connection.execute(
        load("registry")["find_factor_set"], {"key": file.site.factor_set, "site_id": None}
    ).fetchone()
    return row is not None


def _put_parts(connection: Connection, id_: int, file: SiteFile) -> dict[str, int]:
    changed = {"factor_set": _put_factor_sets(connection, id_, file), "asset": 0}
    for level in site_rows.asset_rows(file):
        changed["asset"] += _put(connection, "upsert_asset", id_, level)
    changed["asset_setting"] = _put(connection, "upsert_asset_setting", id_, site_rows.setting_rows(file))
    connection.execute(load("registry")["chain_asset_setting"], {"site_id": id_})
    steps: list[tuple[str, str, list[dict[str, Any]]]] = [
        ("series", "upsert_series", site_rows.series_rows(file)),
        *(("reason", "upsert_reason", level) for level in site_rows.reason_rows(file)),
        ("state_map", "replace_state_map", [part.model_dump() for part in file.state_map]),
        ("product", "upsert_product", [part.model_dump() for part in file.products]),
        ("routing", "replace_routing", site_rows.routing_rows(file)),
        ("shift_calendar", "replace_shift_calendar", site_rows.shift_rows(file)),
        ("calendar_exception", "replace_calendar_exception", site_rows.exception_rows(file)),
        ("planned_stop", "replace_planned_stop", site_rows.planned_stop_rows(file)),
        ("job", "upsert_job", site_rows.job_rows(file)),
        ("target", "replace_target", [part.model_dump(mode="json") for part in file.targets]),
        ("tariff", "upsert_tariff", site_rows.tariff_rows(file)),
    ]
    for table, statement, rows in steps:
        changed[table] = changed.get(table, 0) + _put(connection, statement, id_, rows)
    return changed


def _put(connection: Connection, statement: str, id_: int, rows: list[dict[str, Any]]) -> int:
    parameters = {"site_id": id_, "rows": Jsonb(rows)}
    return len(connection.execute(load("registry")[statement], parameters).fetchall())


def _put_factor_sets(connection: Connection, id_: int, file: SiteFile) -> int:
    new = 0
    for part in file.factor_sets:
        values = {**part.model_dump(exclude={"factors"}), "site_id": id_}
        row = connection.execute(load("registry")["insert_factor_set"], values).fetchone()
        if row:
            insert_factors(connection, row[0], [factor.model_dump() for factor in part.factors])
            new += 1
    return new


def _mark_dirty(connection: Connection, id_: int, changed: set[str]) -> None:
    """Ask for all days with data again; targets change no value."""
    changed = changed - {"target"}
    if not changed:
        return
    sql = load("registry")
    extent = connection.execute(sql["data_extent"], {"site_id": id_}).fetchone()
    if extent is None or extent[0] is None:
        return
    cause = "calendar" if changed <= _CALENDAR else "factor_set" if changed <= {"factor_set"} else "registry"
    connection.execute(
        sql["insert_dirty_mark"],
        {"site_id": id_, "from_ts": extent[0], "to_ts": extent[1] + timedelta(microseconds=1), "cause": cause},
    )
