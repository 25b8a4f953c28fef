"""Accounts, API keys and grants: who calls, and which sites they may see.

A key reads `hd_<prefix>_<secret>`. The secret is 256 random bits shown once; the database keeps its SHA-256.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from model.vocabulary import KEY_ROLES
from store.errors import InvalidConfigurationError
from store.pool import Connection
from store.queries import load

ROLES = KEY_ROLES
ALL_SITES: Literal["all"] = "all"
LONGEST_ASSESSOR_KEY = timedelta(days=366)

_KEY = re.compile(r"hd_(?P<prefix>[0-9a-f]{12})_(?P<secret>[0-9a-f]{64})", re.ASCII)
_NO_HASH = bytes(32)


@dataclass(frozen=True)
class KeyHolder:
    """Whom a usable key belongs to and what it opens; administrators see every site."""

    api_key_id: int
    prefix: str
    hash: bytes
    role: str
    account_id: int
    account: str
    site_ids: list[int]
    use_is_news: bool

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"


def create_account(connection: Connection, name: str, kind: Literal["service", "person"] = "service") -> int:
    """Make the account of that name unless it is there, and return its number."""
    row = connection.execute(load("access")["upsert_account"], {"name": name, "kind": kind}).fetchone()
    return int(row[0]) if row else 0


def create_key(
    connection: Connection,
    account: str,
    *,
    role: str = "viewer",
    sites: Sequence[str] | Literal["all"] = (),
    expires_at: datetime | None = None,
) -> str:
    """Make a key for an account and return its text, which nobody can show again.

    Args:
        connection: the owner's, not a service role's.
        account: name of the account; made as a service account when it is new.
        role: one of ROLES; `admin` sees every site, later ones too.
        sites: keys of sites the account may see from now on; `all` = those that exist now.
        expires_at: end of the key, null = until revoked; an assessor's key must have one, within a year.

    Raises:
        InvalidConfigurationError: an unknown role or site, an assessor's key without an end.
    """
    if role not in ROLES:
        raise InvalidConfigurationError(f"There is no role {role!r}; choose one of {', '.join(ROLES)}.")
    if role == "assessor" and (expires_at is None or expires_at > datetime.now(UTC) + LONGEST_ASSESSOR_KEY):
        raise InvalidConfigurationError("An assessor's key ends: give it an end within a year.")
    prefix, secret = secrets.token_hex(6), secrets.token_hex(32)
    key = {"account": account, "prefix": prefix, "hash": hash_secret(secret), "role": role, "expires_at": expires_at}
    with connection.transaction():
        account_id = create_account(connection, account)
        grant_sites(connection, account_id, sites)
        connection.execute(load("access")["insert_key"], key)
        record_audit(connection, account_id, "key.create", prefix, {"role": role})
    return f"hd_{prefix}_{secret}"


def grant_sites(connection: Connection, account_id: int, sites: Sequence[str] | Literal["all"]) -> None:
    """Let an account see sites.

    Raises:
        InvalidConfigurationError: a site that does not exist.
    """
    named = None if sites == ALL_SITES else list(sites)
    unknown = connection.execute(load("access")["unknown_sites"], {"sites": named or []}).fetchall()
    if unknown:
        raise InvalidConfigurationError(f"There is no site {', '.join(repr(row[0]) for row in unknown)}.")
    connection.execute(load("access")["grant_sites"], {"account_id": account_id, "sites": named})


def find_key(connection: Connection, text: str) -> KeyHolder | None:
    """Whose key this is; nobody's when it is malformed, unknown, wrong, expired, revoked or its account disabled."""
    parts = _KEY.fullmatch(text)
    if parts is None:
        return None
    found = find_key_by_prefix(connection, parts["prefix"])
    # Compared in constant time, and compared even when the prefix is unknown.
    equal = hmac.compare_digest(hash_secret(parts["secret"]), found.hash if found else _NO_HASH)
    return found if found and equal else None


def find_key_by_prefix(connection: Connection, prefix: str) -> KeyHolder | None:
    """The holder of a key that a signed session names, as long as the key is usable."""
    with connection.cursor(row_factory=class_row(KeyHolder)) as cursor:
        return cursor.execute(load("access")["find_key"], {"prefix": prefix}).fetchone()


def prefix_of(text: str) -> str | None:
    """The public part of a key's text, null when it is no key."""
    parts = _KEY.fullmatch(text)
    return parts["prefix"] if parts else None


def open_scope(connection: Connection, holder: KeyHolder) -> None:
    """Show the rest of this transaction the holder's sites only, and note once a minute that the key is used."""
    open_sites(connection, holder.site_ids, sees_unknown=holder.is_admin)
    if holder.use_is_news:
        connection.execute(load("access")["touch_key"], {"api_key_id": holder.api_key_id})


def open_sites(connection: Connection, site_ids: list[int], *, sees_unknown: bool = False) -> None:
    """Show the rest of this transaction these sites only, and what belongs to no known site where asked."""
    scope = {"site_ids": site_ids, "sees_unknown": "on" if sees_unknown else "off"}
    connection.execute(load("access")["set_scope"], scope)


def revoke_key(connection: Connection, prefix: str) -> bool:
    """End a key and all its sessions; false when there is no such usable key. Takes the prefix or `hd_<prefix>…`."""
    bare = prefix.removeprefix("hd_").split("_")[0]
    with connection.transaction():
        row = connection.execute(load("access")["revoke_key"], {"prefix": bare}).fetchone()
        if row:
            record_audit(connection, row[1], "key.revoke", bare, {})
    return row is not None


def list_keys(connection: Connection) -> list[dict[str, Any]]:
    """All keys, newest last per account: prefix, account, role, sites, times; never a secret."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(load("access")["list_keys"]).fetchall()


def record_audit(
    connection: Connection, account_id: int | None, action: str, what: str, detail: dict[str, Any]
) -> None:
    """Append a line to the audit log."""
    line = {"account_id": account_id, "action": action, "object": what, "detail": Jsonb(detail)}
    connection.execute(load("access")["insert_audit"], line)


def hash_secret(secret: str) -> bytes:
    """SHA-256 of a secret. Secrets are 256 random bits, so a slow hash would protect nothing more."""
    return hashlib.sha256(secret.encode()).digest()
