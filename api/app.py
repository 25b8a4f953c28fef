"""The composition root: `create_app(settings)` puts pool, sessions, console and routes together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from api import problems
from api.console import bundle
from api.console.render import Console
from api.observe import Metrics, Observe
from api.routes import (
    annotations,
    assessments,
    assets,
    conflicts,
    console,
    console_rejected,
    console_stops,
    cusum,
    evidence,
    explain,
    frameworks,
    health,
    intervals,
    kpis,
    ledger,
    metrics,
    programme,
    quality,
    records,
    rejected,
    replays,
    session,
    sites,
    statements,
)
from api.sessions import Sessions
from api.settings import ApiSettings
from store.pool import open_pool

DESCRIPTION = """\
Measured facts of a factory: KPIs with everything that says how far they can be trusted, the intervals behind them,
rejected messages and the accounts of ingest.

Every call under `/v1` needs a key (`Authorization: Bearer hd_…`) or a console session,
and sees the caller's sites only.
Times are UTC, ranges half-open, ratios fractions, durations seconds. Errors are problem details (RFC 9457).
Lists go on by `next_cursor`; a page has at most 10,000 rows.
"""


def create_app(settings: ApiSettings) -> FastAPI:
    """Build the application; the pool opens when it starts and connects as connections are needed."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        bundle.make_ahead()
        with open_pool(settings.database_url, "haidang-api", size=settings.api_pool_size) as pool:
            app.state.pool = pool
            yield

    app = FastAPI(
        title="Hải Đăng",
        version=version("haidang"),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # both pages would load scripts from elsewhere
        redoc_url=None,
    )
    app.state.sessions = Sessions(settings.session_secret.get_secret_value(), settings.api_session_hours)
    app.state.programme_min_sites = settings.programme_min_sites
    app.state.metrics = Metrics()
    app.state.console = Console()
    app.add_middleware(Observe, metrics=app.state.metrics)
    problems.install(app)
    app.add_exception_handler(console.SignInNeededError, console.to_login)
    values = (sites, assets, kpis, explain, cusum, intervals, annotations, records, quality)
    messages = (rejected, replays, ledger, conflicts)
    maturity = (frameworks, assessments, statements, evidence, programme)
    for module in (*values, *messages, *maturity, health, metrics, session, console, console_rejected, console_stops):
        app.include_router(module.router)
    return app
