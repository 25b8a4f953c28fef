"""The whole chain as a user runs it: site file, ingest, replay, KPI job and API as real processes."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import psycopg

from pilot.ports import free_port
from store.access import create_key
from store.pool import connect
from tests.support.broker import Broker
from tests.support.database import TestDatabase
from tests.support.paths import ROOT
from tests.support.service import Services, environment
from tests.support.waiting import wait_until

ACCOUNTED = "SELECT coalesce(sum(received), 0), coalesce(sum(rejected + rejected_value), 0) FROM ledger_now"


class Chain:
    """One database, one broker, and the commands and services on them."""

    def __init__(self, database: TestDatabase, broker: Broker, services: Services, folder: Path = ROOT) -> None:
        self.database = database
        self.broker = broker
        self._services = services
        self._folder = folder

    @property
    def environment(self) -> dict[str, str]:
        """What a user sets: addresses, as the owner of the database."""
        return {"HAIDANG_DATABASE_URL": self.database.url, "HAIDANG_BROKER_URL": self.broker.url}

    def haidang(self, *arguments: str, url: str | None = None, timeout_s: float = 240) -> str:
        """Run a command and return what it printed; a failure shows both outputs."""
        owner_or_role = {"HAIDANG_DATABASE_URL": url or self.database.url}
        env = environment({**self.environment, **owner_or_role, "COLUMNS": "200"})
        done = subprocess.run(
            [sys.executable, "-m", "pilot.cli", *arguments],
            cwd=self._folder,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0, f"haidang {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def ingest(self, mapping: Path | None = None) -> None:
        """Start ingest, with a mapping file where there is one, and wait until it is subscribed."""
        service = self._services.start(
            "ingest",
            env={
                "HAIDANG_DATABASE_URL": self.database.url_for("haidang_ingest"),
                "HAIDANG_BROKER_URL": self.broker.url,
                "HAIDANG_INGEST_METRICS_PORT": str(free_port()),
                **({"HAIDANG_MAPPING_PATH": str(mapping)} if mapping else {}),
            },
        )
        wait_until(lambda: "broker_connected" in service.log(), timeout_s=30, what="ingest to subscribe")

    def accounted(self) -> tuple[int, int]:
        """Messages received, and messages and values rejected."""
        with psycopg.connect(self.database.url) as connection:
            row = connection.execute(ACCOUNTED).fetchone()
        assert row is not None
        return int(row[0]), int(row[1])

    def wait_for_messages(self, count: int) -> None:
        wait_until(lambda: self.accounted()[0] >= count, timeout_s=120, what=f"{count} messages in the ledger")

    def compute(self) -> None:
        """Run the KPI job once, as its own role."""
        self.haidang("kpi", "run", url=self.database.url_for("haidang_kpi"))

    @contextmanager
    def api(self) -> Iterator["Api"]:
        """The API as a process, with a key that sees all sites."""
        port = free_port()
        with connect(self.database.url, "test") as connection:
            key = create_key(connection, "test", role="admin", sites="all")
        self._services.start(
            "api",
            env={
                "HAIDANG_DATABASE_URL": self.database.url_for("haidang_api"),
                "HAIDANG_API_PORT": str(port),
                "HAIDANG_SESSION_SECRET": token_hex(32),
            },
        )
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
            wait_until(lambda: _is_up(client), timeout_s=30, what="the API to answer")
            yield Api(client)


class Api:
    """Reads everything that a question has, page by page."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def values(self, kpi: str, **question: str) -> list[dict[str, Any]]:
        return self.items(f"/v1/kpis/{kpi}/values", **question)

    def items(self, path: str, **question: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            answer = self.client.get(path, params={**question, **({"cursor": cursor} if cursor else {})})
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found.extend(page["items"])
            cursor = page.get("next_cursor")
            if not cursor:
                return found


def _is_up(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def rows_of(text: str) -> list[dict[str, str]]:
    """Rows of a CSV answer."""
    return list(csv.DictReader(text.splitlines()))


def json_of(text: str) -> Any:
    return json.loads(text)
