"""`/healthz`: names what fails; 503 when the service cannot answer. Shows no content, needs no key."""

from typing import Annotated

import psycopg
import structlog
from fastapi import APIRouter, Depends, Request, Response
from psycopg_pool import PoolTimeout, TooManyRequests

from api.schemas import Check, Health
from store import access, serving
from store.errors import SchemaOutdatedError, StoreError
from store.revision import newest_revision
from store.serving import Scope

router = APIRouter(tags=["operations"])
WAIT_S = 2.0

log = structlog.get_logger("api")


def examine(request: Request) -> Health:
    """Ask the database, its schema, and how old the newest things are."""
    try:
        with request.app.state.pool.connection(timeout=WAIT_S) as connection:
            schema = _schema(serving.schema_revision(connection))
            every = serving.every_site(connection)
            access.open_sites(connection, every)
            ages = serving.freshness(Scope(connection, every))
    except SchemaOutdatedError as error:
        return _health([Check(name="database", ok=True, detail="answers"), _failed("schema", str(error))])
    except (PoolTimeout, TooManyRequests, StoreError, psycopg.Error) as error:
        log.warning("health_database_away", error=str(error))
        return _health([_failed("database", f"The database does not answer within {WAIT_S:g} s.")])
    database = Check(name="database", ok=True, detail="answers")
    return _health([database, schema]).model_copy(update={name: ages[name] for name in ages if name.endswith("_age_s")})


@router.get("/healthz", responses={503: {"model": Health, "description": "Something fails; `failing` names it."}})
def read_health(response: Response, health: Annotated[Health, Depends(examine)]) -> Health:
    """Tell what works, what fails, and how old the last message and the last KPI run are."""
    response.status_code = 503 if health.failing else 200
    response.headers["Cache-Control"] = "no-store"
    return health


def _schema(found: str | None) -> Check:
    wanted = newest_revision()
    if found == wanted:
        return Check(name="schema", ok=True, detail=found)
    return _failed("schema", f"is {found or 'empty'}, this version needs {wanted}: run `haidang db migrate`")


def _failed(name: str, detail: str) -> Check:
    return Check(name=name, ok=False, detail=detail)


def _health(checks: list[Check]) -> Health:
    failing = [check.name for check in checks if not check.ok]
    return Health(status="failing" if failing else "ok", failing=failing, checks=checks)
