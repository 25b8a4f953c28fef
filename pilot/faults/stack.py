"""Everything a run stands on: a database and a broker under our control, a proxy before each, ingest behind them.

In: what the caller gave (or nothing: the embedded stack). Out: a `Stack`, taken down again whatever happens.
"""

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pilot.broker import mosquitto_command, rumqttd_command
from pilot.errors import PilotError
from pilot.faults.load import SITE
from pilot.faults.proxy import Proxy, ProxyLoop
from pilot.faults.record import SPARKPLUG_SITE
from pilot.faults.servers import BrokerServer, CommandedServer, PostgresServer, Server, lets_in
from pilot.faults.workers import Workers
from pilot.ports import LOCALHOST, answers, free_port
from store.errors import DatabaseUnavailableError
from store.migrate import migrate
from store.pool import connect
from store.queries import load

_SQL = load("faults")


@dataclass(frozen=True)
class Services:
    """Servers to use in place of the embedded ones.

    `database_url` is a superuser's on a server that trusts local connections; the run makes and drops a database of its
    own there, and stops and kills the server with `database_control start|stop|kill`. `broker_url` and `broker_control`
    likewise. `mosquitto` is the program to start a broker with.
    """

    database_url: str = ""
    database_control: str = ""
    broker_url: str = ""
    broker_control: str = ""
    mosquitto: str = ""


@dataclass(frozen=True)
class Database:
    """A server's address as superuser; `control` is nothing where it is not ours to stop."""

    admin_url: str
    control: Server | None


@dataclass(frozen=True)
class Broker:
    """A broker's addresses for ingest (MQTT 5) and for publishers (MQTT 3.1.1), and how it may be treated."""

    url: str
    url_v311: str
    name: str
    control: Server | None


@dataclass(frozen=True)
class Stack:
    """What the faults act on; `url` is the owner's address of the run's own database, past the proxy."""

    url: str
    database_name: str
    database: Server | None
    broker_name: str
    broker: Server | None
    database_line: Proxy
    ingest_line: Proxy
    publisher_line: Proxy
    workers: Workers


@contextmanager
def running(
    services: Services, keep: Path | None, *, workers: int, seed: int, settings: dict[str, str]
) -> Iterator[Stack]:
    """Run the stack for the time of the context; `settings` are more variables of ingest's environment.

    What ingest and the broker say is left in the folder `keep`, if one is given.
    """
    with ExitStack() as exits:
        folder = Path(tempfile.mkdtemp(prefix="haidang-faults-"))
        exits.callback(shutil.rmtree, folder, ignore_errors=True)
        exits.callback(_keep_logs, folder, keep)
        folder.chmod(0o755)  # the database server runs as another user where we are root
        database = _database(services, folder, exits)
        url = exits.enter_context(_own_database(database))
        server = migrate(url).server
        with connect(url, "faults") as connection:
            for site in (SITE, SPARKPLUG_SITE):
                connection.execute(_SQL["add_site"], {"key": site})
        broker = _broker(services, folder, exits)
        lines = exits.enter_context(ProxyLoop())
        place = conninfo_to_dict(url)
        database_line = lines.add(str(place.get("host", LOCALHOST)), int(place.get("port") or 5432))
        ingest_line, publisher_line = lines.add(*_address(broker.url)), lines.add(*_address(broker.url_v311))
        environment = {
            # None of the caller's own settings.
            **dict.fromkeys((name for name in os.environ if name.startswith("HAIDANG_")), ""),
            "HAIDANG_DATABASE_URL": make_conninfo(
                url, host=LOCALHOST, port=database_line.port, user="haidang_ingest", sslmode="disable"
            ),
            "HAIDANG_BROKER_URL": _at_port(broker.url, ingest_line.port),
            "HAIDANG_INGEST_CLIENT_ID": "faults",
            "HAIDANG_INGEST_WORKERS": str(workers),
            "HAIDANG_INGEST_METRICS_PORT": "0",
            "HAIDANG_SPARKPLUG_REBIRTH_S": "2",  # a node is asked again soon: more births, more aliases
            **settings,
        }
        ingest = Workers(workers, environment, folder / "ingest.log", seed)
        exits.callback(ingest.close)
        ingest.start()
        ingest.wait_connected()
        yield Stack(
            *(url, f"PostgreSQL {server}", database.control, broker.name, broker.control),
            *(database_line, ingest_line, publisher_line, ingest),
        )


def _keep_logs(folder: Path, keep: Path | None) -> None:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        for log in (*folder.glob("*.log"), *folder.glob("*/*.log")):
            shutil.copy(log, keep / log.name)


def _database(services: Services, folder: Path, exits: ExitStack) -> Database:
    url = services.database_url
    if not url:
        own = PostgresServer(folder)
        exits.callback(own.stop)
        return Database(own.admin_url, own)
    if not services.database_control:
        return Database(url, None)
    given = CommandedServer(services.database_control, lambda: lets_in(url), "the database server")
    given.start()
    return Database(url, given)


@contextmanager
def _own_database(database: Database) -> Iterator[str]:
    """A database of this run alone on the server, dropped at the end."""
    name = f"haidang_faults_{os.getpid()}"
    with connect(database.admin_url, "faults", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield make_conninfo(database.admin_url, dbname=name)
    finally:
        if database.control is not None:
            database.control.start()
        with (
            suppress(DatabaseUnavailableError),
            connect(database.admin_url, "faults", autocommit=True) as connection,
        ):
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _broker(services: Services, folder: Path, exits: ExitStack) -> Broker:
    url = services.broker_url
    if url:
        port = _address(url)[1]
        command = services.broker_control
        return Broker(
            url, url, "the given broker", CommandedServer(command, lambda: answers(port), url) if command else None
        )
    program = services.mosquitto or shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    home = folder / "broker"
    home.mkdir()
    if program and program != "none":
        port = free_port()
        server = BrokerServer(mosquitto_command(program, home, port), home / "broker.log", port, port)
        name = "Mosquitto"
    elif importlib.util.find_spec("iotcore") is not None:
        port, port_v311 = free_port(), free_port()
        server = BrokerServer(rumqttd_command(home, port, port_v311), home / "broker.log", port, port_v311)
        name = "rumqttd (iotcore)"
    else:
        raise PilotError("No MQTT broker here: install Mosquitto, or `pip install 'haidang[embedded]'`.")
    exits.callback(server.kill)
    server.start()
    keeps_sessions = name == "Mosquitto"
    return Broker(
        f"mqtt://{LOCALHOST}:{server.port}",
        f"mqtt://{LOCALHOST}:{server.port_v311}",
        name,
        server if keeps_sessions else None,
    )


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    if parts.scheme != "mqtt" or not parts.hostname:
        raise PilotError(f"The broker must be given as mqtt://host:port, not {url!r}: TLS cannot pass through a proxy.")
    return parts.hostname, parts.port or 1883


def _at_port(url: str, port: int) -> str:
    """The same user at a port of this machine."""
    parts = urlsplit(url)
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return urlunsplit(parts._replace(netloc=f"{user}{LOCALHOST}:{port}"))
