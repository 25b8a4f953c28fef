"""`haidang ingest` and `haidang api`: a service in the foreground, configured by environment and flags."""

import importlib
import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from pilot.options import BrokerUrl, DatabaseUrl, database

ingest_app = typer.Typer(invoke_without_command=True, rich_markup_mode="rich")


@ingest_app.callback()
def ingest(
    context: typer.Context,
    database_url: DatabaseUrl = "",
    broker_url: BrokerUrl = "",
    mapping: Annotated[list[Path] | None, typer.Option(help="mapping file or folder of them; repeat for more")] = None,
    workers: Annotated[
        int, typer.Option(envvar="HAIDANG_INGEST_WORKERS", help="processes that share the work", min=1, max=64)
    ] = 1,
    sharing: Annotated[
        Literal["auto", "broker", "own"],
        typer.Option(
            envvar="HAIDANG_INGEST_SHARING",
            help="who shares out topics among workers: the broker, they themselves, or as it suits the broker",
        ),
    ] = "auto",
    client_id: Annotated[
        str, typer.Option(envvar="HAIDANG_INGEST_CLIENT_ID", help="stable name at the broker: the sessions hang on it")
    ] = "",
    metrics_port: Annotated[
        int,
        typer.Option(
            envvar="HAIDANG_INGEST_METRICS_PORT", help="Prometheus metrics; worker K of several has this + K; 0 = none"
        ),
    ] = 0,
) -> None:
    """Store what machines publish: MQTT to TimescaleDB, acknowledged after the commit.

    Stops cleanly on SIGTERM and Ctrl-C: what is held is stored and acknowledged first. SIGHUP reads the mapping files
    again. Everything else is set in the environment: `python -m ingest --help` lists the variables.

    With [bold]--workers N[/bold] a supervisor starts N processes, watches them and starts again what dies or hangs.
    Topics are shared among them ([bold]--sharing[/bold]); each Sparkplug node belongs to one. A second ingest of the
    same client id waits until the first is gone. Another N, or another way of sharing, may be used at the next start:
    what waits at the broker for workers that are no longer there is stored first, then their sessions are removed.
    Nothing is lost by that, by kill -9, or by an outage.
    """
    if context.invoked_subcommand:
        context.obj = database_url
        return
    _set("HAIDANG_MAPPING_PATH", os.pathsep.join(str(path) for path in mapping or ()))
    _set("HAIDANG_INGEST_WORKERS", str(workers))
    _set("HAIDANG_INGEST_SHARING", sharing)
    _set("HAIDANG_INGEST_CLIENT_ID", client_id)
    _set("HAIDANG_INGEST_METRICS_PORT", str(metrics_port or ""))
    _run("ingest", database_url, broker_url)


@ingest_app.command("status")
def ingest_status(context: typer.Context, database_url: DatabaseUrl = "") -> None:
    """Show workers, their sessions at the broker and their last sign of life, as the database knows them.

    Exit code 1 when a session is silent, or waits to be emptied.
    """
    from pilot.ingest_status import show

    raise typer.Exit(show(database(database_url or context.obj or "")))


def api(
    database_url: DatabaseUrl = "",
    host: Annotated[str, typer.Option(envvar="HAIDANG_API_HOST", help="address to listen on")] = "",
    port: Annotated[int, typer.Option(envvar="HAIDANG_API_PORT", help="port to listen on")] = 0,
) -> None:
    """Serve the API and the console."""
    _set("HAIDANG_API_HOST", host)
    _set("HAIDANG_API_PORT", str(port or ""))
    _run("api", database_url)


def _run(package: str, database_url: str, broker_url: str = "") -> None:
    """Start `python -m PACKAGE` in this process: flags go the way of the environment, the one way of settings."""
    _set("HAIDANG_DATABASE_URL", database_url)
    _set("HAIDANG_BROKER_URL", broker_url)
    code = importlib.import_module(f"{package}.__main__").main()
    raise typer.Exit(code or 0)


def _set(variable: str, value: str) -> None:
    if value:
        os.environ[variable] = value
