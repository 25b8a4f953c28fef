"""What routes are given: a connection, who calls, the caller's scope, and the site and assets a query names.

What asks the database is a plain function and runs in a thread; what only looks at the query is `async`, because the
way to a thread and back costs more than all that it does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from api import problems, sessions
from api.paging import DEFAULT_LIMIT, MAX_LIMIT
from api.windows import get_window
from store import access, serving
from store.errors import translated
from store.pool import Connection as StoreConnection
from store.serving import Row, Scope, Window

POOL_WAIT_S = 3.0
# A programme reads summaries of assessments, and what they are made with; no data of a factory.
PROGRAMME_ROUTES = frozenset(
    {
        *("/v1/sites", "/v1/frameworks", "/v1/frameworks/{framework_key}", "/v1/maturity/metrics", "/v1/assessments"),
        *("/v1/assessments/{assessment_id}/summary", "/v1/evidence/checkpoint"),
        "/v1/programme",
    }
)

_bearer = HTTPBearer(auto_error=False, scheme_name="key", description="`hd_<prefix>_<secret>`")
_cookie = APIKeyCookie(name=sessions.COOKIE, auto_error=False, scheme_name="session", description="set by /login")


def get_connection(request: Request) -> Iterator[StoreConnection]:
    """One connection and one transaction per request."""
    with translated(), request.app.state.pool.connection(timeout=POOL_WAIT_S) as connection:
        yield connection


Connection = Annotated[StoreConnection, Depends(get_connection, scope="function")]


def get_caller(
    request: Request,
    connection: Connection,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    cookie: Annotated[str | None, Depends(_cookie)],
) -> access.KeyHolder:
    """Who calls, by key or by session; from here on the transaction shows only the caller's sites."""
    holder = None
    if bearer:
        holder = access.find_key(connection, bearer.credentials)
    elif cookie and (prefix := request.app.state.sessions.holder(cookie)):
        holder = access.find_key_by_prefix(connection, prefix)
    if holder is None:
        raise problems.unauthorized()
    if holder.role == "programme" and request.scope["route"].path not in PROGRAMME_ROUTES:
        raise problems.forbidden("A key of the role programme reads summaries of assessments only.")
    access.open_scope(connection, holder)
    return holder


Caller = Annotated[access.KeyHolder, Depends(get_caller)]


async def get_scope(connection: Connection, caller: Caller) -> Scope:
    """The caller's connection and sites, as store functions take them."""
    return Scope(connection, caller.site_ids, caller.is_admin)


CallerScope = Annotated[Scope, Depends(get_scope)]


def find_site(scope: Scope, key: str) -> Row:
    """A site of the caller's.

    Raises:
        ProblemError: 404, for a foreign site as for one that does not exist.
    """
    found = serving.find_site(scope, key)
    if found is None:
        raise problems.not_found("site", f"There is no site {key!r} for this key; /v1/sites lists yours.")
    return found


def get_site(
    scope: CallerScope, site: Annotated[str, Query(description="key of the site", examples=["pilot-hcmc"])]
) -> Row:
    """The site that the query names."""
    return find_site(scope, site)


Site = Annotated[Row, Depends(get_site)]


def get_optional_site(
    scope: CallerScope,
    site: Annotated[str | None, Query(description="key of the site; without it all of the caller's")] = None,
) -> Row | None:
    """The site that the query names, if any."""
    return None if site is None else find_site(scope, site)


OptionalSite = Annotated[Row | None, Depends(get_optional_site)]


@dataclass(frozen=True)
class Reach:
    """What a query of a site reaches: the caller's scope, the site, and keys of the assets by their numbers."""

    scope: Scope
    site: Row
    assets: dict[int, str]


def get_reach(
    scope: CallerScope,
    site: Annotated[str, Query(description="key of the site", examples=["pilot-hcmc"])],
    asset: Annotated[
        list[str] | None, Query(description="key of an asset, may be repeated; '' is the site itself; none = all")
    ] = None,
) -> Reach:
    """The site and the assets that the query names, or all of the site.

    One dependency, not three that need each other: every one is solved again wherever it is named.
    """
    found = find_site(scope, site)
    assets = serving.asset_keys(scope, found["site_id"], asset)
    if unknown := set(asset or []) - set(assets.values()):
        first = next(key for key in asset or [] if key in unknown)
        raise problems.not_found("asset", f"Site {site!r} has no asset {first!r}; see /v1/assets.")
    return Reach(scope, found, assets)


Reached = Annotated[Reach, Depends(get_reach)]
TimeWindow = Annotated[Window, Depends(get_window)]


@dataclass(frozen=True)
class Page:
    """How much of a list is wanted, and from where."""

    limit: int
    cursor: str | None


async def get_page(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="rows per page")] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=2_000, description="next_cursor of the page before")] = None,
) -> Page:
    """The page that the query asks for."""
    return Page(limit, cursor)


Paging = Annotated[Page, Depends(get_page)]
