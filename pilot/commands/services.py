"""`haidang ingest` and `haidang api`: a service in the foreground, configured by environment and flags."""

import importlib
import os
from pathlib import Path
from typing import Annotated

import typer

from pilot.options import BrokerUrl, DatabaseUrl


def ingest(
    database_url: DatabaseUrl = "",
    broker_url: BrokerUrl = "",
    mapping: Annotated[list[Path] | None, typer.Option(help="mapping file or folder of them; repeat for more")] = None,
) -> None:
    """Store what machines publish: MQTT to TimescaleDB, acknowledged after the commit. Stops cleanly on SIGTERM."""
    _set("HAIDANG_MAPPING_PATH", os.pathsep.join(str(path) for path in mapping or ()))
    _run("ingest", database_url, broker_url)


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
