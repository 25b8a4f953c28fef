"""What roles may do with assessments: factories state, assessors judge, programmes read summaries."""

from typing import Any

from fastapi import Depends

from api import problems
from api.deps import Caller
from store import access
from store.access import KeyHolder
from store.pool import Connection

KEEPERS = ("engineer", "admin")  # of the site
ASSESSOR = "assessor"
READERS_OF_FILES = (*KEEPERS, ASSESSOR)
_OF_THE_SITE = ("viewer", *KEEPERS)


def only(roles: tuple[str, ...], what: str) -> Any:
    """Make the dependency that lets these roles pass; 403 for others."""

    def check(caller: Caller) -> None:
        if caller.role not in roles:
            of = "roles" if len(roles) > 1 else "role"
            raise problems.forbidden(f"{what}: the {of} {' and '.join(roles)} may.")

    return Depends(check)


def note_view(connection: Connection, caller: KeyHolder, what: str, site: str, **detail: Any) -> None:
    """Write into the audit log that somebody looked at something of a site."""
    access.record_audit(connection, caller.account_id, f"view.{what}", site, detail)


def note_losses(connection: Connection, caller: KeyHolder, site: str, **detail: Any) -> None:
    """Write into the audit log that somebody of the site looked at its losses; assessors do not count as such."""
    if caller.role in _OF_THE_SITE:
        note_view(connection, caller, "losses", site, **detail)
