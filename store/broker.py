"""Accounts of machines at the broker: rows of `broker_account` in and out. For the owner of the database only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from store.errors import InvalidConfigurationError
from store.pool import Connection
from store.queries import load


@dataclass(frozen=True)
class BrokerAccount:
    """Who may come in at the broker, and for which place; a null hash: with a certificate only."""

    site: str
    name: str
    asset_prefix: str = ""
    password_hash: str | None = None
    sparkplug_node: str | None = None
    topics: tuple[str, ...] | list[str] = ()
    changed_at: datetime | None = None
    devices: int = 0


def add_account(connection: Connection, account: BrokerAccount) -> None:
    """Register an account.

    Raises:
        InvalidConfigurationError: the site is not known, or name or Sparkplug node are taken.
    """
    row = {
        "site": account.site,
        "name": account.name,
        "asset_prefix": account.asset_prefix,
        "password_hash": account.password_hash,
        "sparkplug_node": account.sparkplug_node,
        "topics": list(account.topics),
    }
    try:
        with connection.transaction():
            made = connection.execute(load("broker")["insert_account"], row).fetchone()
            _link_devices(connection)
    except psycopg.errors.UniqueViolation as error:
        what = (
            f"The Sparkplug node {account.sparkplug_node} has an account"
            if "sparkplug" in (error.diag.constraint_name or "")
            else f"There is an account {account.name!r}"
        )
        raise InvalidConfigurationError(f"{what} already; see `haidang broker account list`.") from error
    if made is None:
        raise InvalidConfigurationError(f"Site {account.site!r} is not known: add it with `haidang site apply FILE`.")


def replace_account(connection: Connection, account: BrokerAccount) -> None:
    """Register an account in the place of the one of its name, if there is one; both happen, or neither.

    Raises:
        InvalidConfigurationError: the site is not known, or the Sparkplug node is taken.
    """
    with connection.transaction():
        remove_account(connection, account.name)
        add_account(connection, account)


def list_accounts(connection: Connection, sites: Sequence[str] | None = None) -> list[BrokerAccount]:
    """Accounts of these sites (none named: of all), in order of name."""
    with connection.cursor(row_factory=class_row(BrokerAccount)) as cursor:
        return cursor.execute(load("broker")["accounts"], {"sites": list(sites) if sites else None}).fetchall()


def is_site(connection: Connection, key: str) -> bool:
    """Whether a site of that key is registered."""
    row = connection.execute(load("broker")["site_exists"], {"site": key}).fetchone()
    return bool(row and row[0])


def set_password(connection: Connection, name: str, password_hash: str | None) -> bool:
    """Give an account another password; false where there is no such account."""
    row = {"name": name, "password_hash": password_hash}
    with connection.transaction():
        return connection.execute(load("broker")["set_password"], row).fetchone() is not None


def remove_account(connection: Connection, name: str) -> bool:
    """End an account; false where there is none of that name."""
    with connection.transaction():
        found = connection.execute(load("broker")["delete_account"], {"name": name}).fetchone() is not None
        _link_devices(connection)
    return found


def link_devices(connection: Connection) -> None:
    """Let each device name the account that may speak for it."""
    with connection.transaction():
        _link_devices(connection)


def _link_devices(connection: Connection) -> None:
    connection.execute(load("broker")["link_devices"])
